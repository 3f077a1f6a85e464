"""The command as a user meets it: help that teaches, and one line with exit code 2 for everything that can be mended."""

from __future__ import annotations

import shutil
import time
from itertools import pairwise
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tds_atlas.cli.main import GROUPS, app
from tests import tiny
from tests.command import tds
from tests.report import synthetic


def refused(*args: str) -> str:
    """The one line on the error stream of a command that must exit with 2."""
    done = tds(*args)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr and done.stdout == ""
    (line,) = done.stderr.strip().splitlines()
    return line


def test_help_names_every_verb_and_teaches() -> None:
    text = tds("--help").stdout
    for verb in ("check", "generate", "score", "store", "report", "site", "show", "query", "serve"):
        assert f" {verb} " in text
        assert "Usage" in tds(verb, "--help").stdout
    assert "does everything" in text and tds("--version").stdout.startswith("tds ")


def test_help_breaks_its_lines_where_a_terminal_of_80_columns_does() -> None:
    for verb in [[], *([name] for verbs in GROUPS.values() for name in verbs)]:
        text = CliRunner().invoke(app, [*verb, "--help"], env={"COLUMNS": "80", "TERM": "dumb"}).stdout
        lines = [line.strip() for line in text.partition("╭")[0].splitlines()]
        assert len(lines) > 4 and max(map(len, lines)) <= 80
        for line, following in pairwise(lines):
            assert not (line and following) or len(f"{line} {following.split()[0]}") > 78, (verb, line)


def test_mistakes_in_the_report_file(project: Path) -> None:
    report = project / "report.yml"
    text = report.read_text(encoding="utf-8")
    assert refused("check", "-r", "none.yml") == "tds: none.yml: cannot be read: No such file or directory"
    report.write_text(text.replace("contexts:", "contxts:"), encoding="utf-8")
    assert refused("site", "-r", "report.yml").startswith("tds: report.yml: cont")
    report.write_text(text.replace("{path: sft", "{path: sfft"), encoding="utf-8")
    assert "models.sft.path: no folder sfft" in refused("store", "-r", "report.yml")


def test_a_bad_row_and_a_foreign_vocabulary_stop_before_anything_is_measured(project: Path) -> None:
    good = (project / "prompts.jsonl").read_text(encoding="utf-8")
    (project / "prompts.jsonl").write_text(good + '\n{"id": "x", "promt": "typo"}', encoding="utf-8")
    assert "prompts.jsonl: line 5: prompt: Field required" in refused("store", "-r", "report.yml")
    (project / "prompts.jsonl").write_text(good, encoding="utf-8")
    (project / "sft").unlink()
    tiny.save_model(project / "sft", seed=3, swap=True)
    wanted = "probes.swap.comparisons: the models of base-sft have different vocabularies"
    assert wanted in refused("store", "-r", "report.yml")
    assert not (project / "data").exists()


def test_two_files_that_give_one_id_to_different_prompts(project: Path) -> None:
    (project / "more.json").write_text('[{"id": "sky", "prompt": "Another?", "answer": "Yes"}]', encoding="utf-8")
    text = (project / "report.yml").read_text(encoding="utf-8")
    line = "  - {base: {model: base, context: plain}, aligned: {model: sft, context: chat}"
    text = text.replace(line, f"{line}}}\n  - {{id: two, {line[5:]}, responses: more")
    (project / "report.yml").write_text(text + "responses: {more: {path: more.json}}\n", encoding="utf-8")
    assert "two prompts have the id 'sky', one from prompts, another from more; change" in refused(
        "check", "report.yml"
    )


def test_a_model_without_a_chat_template(project: Path) -> None:
    shutil.copytree((project / "sft").resolve(), project / "mute", ignore=shutil.ignore_patterns("chat_template*"))
    text = (project / "report.yml").read_text(encoding="utf-8").replace("{path: sft", "{path: mute")
    (project / "report.yml").write_text(text, encoding="utf-8")
    assert "has no chat template; set template_of to a model that has one, or use a context of kind plain" in refused(
        "store", "-r", "report.yml"
    )


def test_query_prints_rows_and_refuses_in_one_line(project: Path) -> None:
    assert tds("store", "-r", "report.yml").returncode == 0
    table = tds("query", "SELECT comparison_id, shift, count(*) AS n FROM tds GROUP BY ALL ORDER BY ALL").stdout
    assert "comparison_id" in table and "base-sft" in table
    csv = tds("query", "-f", "csv", "SELECT 1 AS a, 'x,y' AS b").stdout
    assert csv.splitlines() == ["a,b", '1,"x,y"']
    assert "no_such" in refused("query", "SELECT no_such FROM tds")
    assert refused("query", "--db", "none.duckdb", "SELECT 1").startswith("tds: none.duckdb")
    assert refused("query", "COPY tds TO 'out.csv'") and not (project / "out.csv").exists()
    assert refused("query", "DELETE FROM score")


@pytest.mark.parametrize("end", ["/", "//", "/."])
def test_a_folders_name_replaces_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    monkeypatch.chdir(tmp_path)
    database, thesis = synthetic.write(tmp_path / "made.duckdb", prompts=1), tmp_path / "thesis.tex"
    thesis.write_text("years of work", encoding="utf-8")
    line = f"tds: thesis.tex{end}: is the name of a folder; give that of a file, without the slash at its end"
    assert refused("query", "SELECT 1", "--db", str(database), "-o", f"thesis.tex{end}") == line
    assert refused("publish", "--zip", f"thesis.tex{end}") == line
    assert thesis.read_text(encoding="utf-8") == "years of work"


def test_swap_prints_what_became_of_the_texts(project: Path) -> None:
    lines = tds("swap", "-r", "report.yml").stdout.splitlines()
    assert lines[0].split()[:5] == ["comparison_id", "outcome", "writer", "method", "aimed_share"]
    rules = {tuple(line.split()[2:5]) for line in lines[2:-1]}
    assert rules == {("base", *rule) for rule in (
        ("divergence", "0"), ("divergence", "0.3"), ("entropy", "0.3"), ("random", "0.3"), ("divergence", "1")
    )}  # fmt: skip
    text = (project / "report.yml").read_text(encoding="utf-8")
    (project / "bare.yml").write_text(text.replace("  swap:", "  # swap:"), encoding="utf-8")
    assert "bare.yml: probes.swap: missing" in refused("swap", "-r", "bare.yml")
    (project / "bad.yml").write_text(text.replace("[base-sft], shares", "[base-x], shares"), encoding="utf-8")
    assert "probes.swap.comparisons: 'base-x' is not defined; known: base-sft" in refused("check", "bad.yml")


@pytest.mark.parametrize("args", [("serve", "--site", "none"), ("report", "--db", "none.duckdb")])
def test_verbs_that_need_what_is_not_there(project: Path, args: tuple[str, ...]) -> None:
    assert refused(*args).startswith("tds: none")


def test_a_long_query_prints_its_rows_and_nothing_else(tmp_path: Path) -> None:
    """DuckDB would show its progress after two seconds, on the standard output."""
    database = synthetic.write(tmp_path / "made.duckdb", prompts=2)
    slow = "SELECT count(*) AS n FROM range(3) t(i) WHERE sleep_ms(1000) IS NULL"
    start = time.monotonic()
    done = tds("query", slow, "--db", str(database), "--format", "csv")
    assert time.monotonic() - start > 2.5, "too short for a progress bar to show"
    assert done.stdout.splitlines() == ["n", "3"] and done.stderr == ""
