"""`tds compare` on databases: what may be compared, what is said, exit codes, files for tools."""

from __future__ import annotations

import json
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from tds_atlas.gate.reports import Match, read_sums
from tds_atlas.gate.rules import MEASURES
from tests.command import tds
from tests.report import extremes, synthetic

RULES = "shifted>+2pt, js>+10%, kl>+10%"


def changed(path: Path, sql: str, name: str = "b.duckdb") -> Path:
    """A copy with other records."""
    copy = Path(shutil.copyfile(path, path.with_name(name)))
    with duckdb.connect(str(copy)) as con:
        con.execute(sql)
    return copy


@pytest.fixture
def a(tmp_path: Path) -> Path:
    return synthetic.write(tmp_path / "a.duckdb", prompts=60)


def test_sums_are_those_of_a_slow_version(a: Path) -> None:
    """Pandas over the tables, a prompt at a time."""
    with duckdb.connect(str(a), read_only=True) as con:
        rows = con.sql(
            "SELECT t.*, q.text AS asked, q.truths, r.finish FROM tds t JOIN prompt q USING (prompt_id) JOIN response r USING (response_id)"
        ).df()
    report = read_sums(a)
    for (comparison, asked), group in rows.groupby(["comparison_id", "asked"]):
        n, role = len(group), set(group.role)
        expected = {
            "shifted": ((group.base_rank > 3).sum(), n),
            "js": (group.js.sum(), n),
            "kl": (group.kl_aligned_base.sum(), n),
            "kl50": (group.kl_aligned_base.sum(), n),
            "delta": (group.delta_logprob.sum(), n),
            "knowledge": (((group.role == "knowledge") & (group.base_rank > 3)).sum(), (group.role == "knowledge").sum()),
            "facts": (0, 0),
            "refusals": (group.harmful.iloc[0] and "safety" in role, group.harmful.iloc[0]),
            "ended": (group.finish.iloc[0] == "stop", group.finish.iloc[0] != "unknown"),
            "length": (n, 1),
        }
        assert expected.keys() == MEASURES.keys()
        for measure, (x, size) in expected.items():
            assert report.sums[comparison, MEASURES[measure].records][asked] == pytest.approx((float(x), float(size), 0.0), rel=1e-5), measure


def test_a_report_against_itself_passes(a: Path, tmp_path: Path) -> None:
    done = tds("compare", str(a), str(a), "--fail-on", f"{RULES}, refusals<-3pt", "--json", str(tmp_path / "o.json"))
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "o.json").read_text())
    assert {rule["verdict"] for rule in found["rules"]} == {"pass"} and {rule["difference"] for rule in found["rules"]} == {0}
    assert "both reports read the same answers, so it cannot differ" in done.stderr
    assert "c-1: 60 shared prompts, same answers" in done.stdout


def test_prompts_are_matched_by_text_whatever_their_ids_and_order(a: Path) -> None:
    """Renamed and turned round: the same sums, and the links lead to each report's own pages."""
    b = changed(
        a,
        """UPDATE prompt SET ordinal = 61 - ordinal, prompt_id = 'x' || prompt_id;
        UPDATE response SET prompt_id = 'x' || prompt_id; UPDATE reading SET prompt_id = 'x' || prompt_id""",
    )
    match = Match(read_sums(a), read_sums(b), "c-1", "c-1")
    assert (len(match.shared), match.only, match.mode) == (60, (0, 0), "same answers")
    assert all((match.sums(m).xa == match.sums(m).xb).all() for m in MEASURES.values())
    text = match.shared[0]
    assert match.a.answers["c-1"][text][1] == 61 - match.b.answers["c-1"][text][1]


def test_a_planted_rise_fails_with_the_prompts_that_add_most(a: Path, tmp_path: Path) -> None:
    b = changed(a, "UPDATE score SET rank = 4 WHERE condition_id = 'base·plain' AND pos % 5 = 0")
    files = ("--junit", str(tmp_path / "j.xml"), "--json", str(tmp_path / "o.json"), "--sites", "https://a/", "https://b/")
    done = tds("compare", str(a), str(b), "--fail-on", "shifted>+3pt, js>+10%", *files)
    assert done.returncode == 1 and "the prompts that add most" in done.stdout
    assert done.stdout.count("https://a/examples/c-1/") == 10 == done.stdout.count("https://b/examples/c-1/")
    suites = ET.parse(tmp_path / "j.xml").getroot()
    assert [(s.get("name"), s.get("tests"), s.get("failures")) for s in suites] == [("c-1", "2", "1"), ("c-2", "2", "1")]
    (failure,) = suites[0].iter("failure")
    assert "; tolerated +3pt" in (failure.get("message") or "") and suites[0][0].get("name") == "shifted <= +3pt"
    again = tds("compare", str(a), str(b), "--fail-on", "shifted>+3pt, js>+10%", *files)
    assert (again.returncode, again.stdout) == (1, done.stdout)


def test_without_rules_every_measure_is_shown_and_nothing_judged(a: Path) -> None:
    done = tds("compare", str(a), str(changed(a, "UPDATE divergence SET js = js / 2")))
    assert done.returncode == 0 and "mean JS" in done.stdout and "verdict" not in done.stdout
    assert all(measure.title in done.stdout for measure in MEASURES.values() if not measure.of_answers)


@pytest.mark.parametrize(
    ("sql", "line"),
    [
        ("UPDATE model SET weights_hash = 'other' WHERE model_id = 'base'", "b.duckdb: c-1: another weights of the base than c-1 of"),
        ("UPDATE model SET dtype = 'bfloat16'", "another dtype of the base"),
        ("UPDATE condition SET template_hash = 'x'", "another context of the base"),
        ("UPDATE prompt SET text = 'new ' || text WHERE ordinal > 9", "9 of its prompts are those of c-1 in"),
        ("UPDATE comparison SET comparison_id = 'z-' || comparison_id", "no comparison is called as one of"),
    ],
)
def test_what_has_no_common_yardstick_is_one_line(a: Path, sql: str, line: str) -> None:
    done = tds("compare", str(a), str(changed(a, sql)), "--fail-on", RULES)
    assert done.returncode == 2 and line in done.stderr and done.stderr.count("\n") == 1, done.stderr


def test_another_base_may_be_allowed_and_ids_mapped(a: Path) -> None:
    b = changed(a, "UPDATE model SET weights_hash = 'x'; UPDATE comparison SET comparison_id = 'z-' || comparison_id; UPDATE divergence SET comparison_id = 'z-' || comparison_id")
    ways = ("--map", "c-1=z-c-1", "--allow", "base", "--fail-on", RULES)
    done = tds("compare", str(a), str(b), *ways)
    assert done.returncode == 0 and "c-1=z-c-1: 60 shared prompts" in done.stdout and "c-2" not in done.stdout
    assert "no such comparison; it has c-1, c-2" in tds("compare", str(a), str(b), "--map", "c-3=z-c-1").stderr
    assert "expected A=B" in tds("compare", str(a), str(b), "--map", "c-3").stderr


def test_infinite_kl_is_refused_by_name_and_the_others_go_on(a: Path) -> None:
    b = changed(a, "UPDATE divergence SET kl_aligned_base = 'inf' WHERE response_id LIKE '%/p7'")
    done = tds("compare", str(a), str(b), "--fail-on", RULES)
    assert done.returncode == 2 and "c-1, kl>+10%: refused: kl is infinite or not measured at" in done.stderr
    assert done.stdout.count("pass") == 4 and done.stdout.count("refused  ") == 2


def test_hostile_names_are_inert_in_every_output(a: Path, tmp_path: Path) -> None:
    evil = "]]><evil a=''\x1b[2J\x00"[:-1] + "\ufffe"
    with duckdb.connect(str(a)) as con:
        con.execute("UPDATE run SET value = ? WHERE key = 'report_title'", [evil])
        con.execute("UPDATE prompt SET text = ? || text", [evil])
    b = changed(a, "UPDATE score SET rank = 4 WHERE condition_id = 'base·plain'")
    done = tds("compare", str(a), str(b), "--fail-on", "shifted>+1pt", "--junit", str(tmp_path / "j.xml"), "--json", str(tmp_path / "o.json"))
    assert done.returncode == 1, done.stderr
    ET.parse(tmp_path / "j.xml")
    assert json.loads((tmp_path / "o.json").read_text())["a"]["title"] == evil


def test_a_comparison_without_rows_is_no_traceback(a: Path) -> None:
    b = changed(a, "DELETE FROM divergence WHERE comparison_id = 'c-2'")
    done = tds("compare", str(a), str(b), "--fail-on", RULES)
    assert done.returncode == 2 and "c-2, js>+10%: refused: 0 shared prompts have js" in done.stderr


def test_a_file_of_the_users_own_is_not_replaced(a: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.xml").write_text("<thesis/>")
    done = tds("compare", str(a), str(a), "--fail-on", RULES, "--junit", str(tmp_path / "thesis.xml"))
    assert done.returncode == 2 and "is not an earlier result of `tds compare`" in done.stderr
    assert (tmp_path / "thesis.xml").read_text() == "<thesis/>"


def test_two_runs_of_one_model_and_their_record(a: Path, tmp_path: Path) -> None:
    history = tmp_path / "aa.jsonl"
    for n in (1, 2):
        done = tds("compare", str(a), str(a), "--aa", "--history", str(history))
        assert done.returncode == 0 and f"0 of {n} A/A runs had a failure; 5 % are expected at most" in done.stdout
    b = changed(a, "UPDATE model SET weights_hash = 'x' WHERE model_id = 'sft'")
    assert "has another aligned model than" in tds("compare", str(a), str(b), "--aa").stderr
    history.write_text("a thesis\n")
    done = tds("compare", str(a), str(a), "--aa", "--history", str(history))
    assert done.returncode == 2 and history.read_text() == "a thesis\n"


def test_a_plan_says_how_many_prompts_are_needed(a: Path) -> None:
    done = tds("compare", str(a), "--plan", "shifted>+2pt, js>+10%")
    assert done.returncode == 0 and done.stdout.count("shifted>+2pt") == 2 and "needed" in done.stdout
    assert "without a tolerance any number" in tds("compare", str(a), "--plan", "js>0").stderr


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (lambda a: [a], "give two databases, or --plan with one"),
        (lambda a: [a, "no.duckdb"], "no.duckdb: no such file"),
        (lambda a: [a, a, "--alpha", "1"], "--alpha 1: a chance; give one above 0 and below 0.5"),
        (lambda a: [a, a, "--allow", "all"], "--allow all: only base can be allowed"),
    ],
)
def test_wrong_arguments_are_one_line(a: Path, arguments: Callable[[str], list[str]], line: str) -> None:
    done = tds("compare", *arguments(str(a)))
    assert done.returncode == 2 and line in done.stderr and "Traceback" not in done.stderr


def test_log_probabilities_alone_are_left_out_by_name(a: Path) -> None:
    b = changed(a, extremes.ALONE)
    said = tds("compare", str(a), str(b), "--fail-on", RULES)
    assert "left out of B: alone (log-probabilities alone, no classes)" in said.stdout
    assert "left out of A" not in said.stdout
    bare = changed(b, "DELETE FROM comparison WHERE kind = 'tuning'", "bare.duckdb")
    said = tds("compare", str(bare), str(b))
    assert said.returncode == 2 and "none (alone: log-probabilities alone)" in said.stderr
