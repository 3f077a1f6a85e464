"""Interrupted and repeated runs: finished shards are kept, and the tables come out the same."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest

from tds_atlas.pipeline.plan import read_plan
from tds_atlas.pipeline.runners import devices
from tds_atlas.pipeline.steps import measure
from tests.command import Started, tds

TABLES = (
    "model",
    "context",
    "condition",
    "comparison",
    "prompt",
    "response",
    "position",
    "score",
    "divergence",
    "token",
    "swap",
    "prefill",
    "continuation",
    "fingerprint",
    "recovery",
    "harmful_answer",
    "amplified",
)


def content(database: Path) -> dict[str, list[tuple]]:
    with duckdb.connect(str(database), read_only=True) as con:
        return {name: con.execute(f'FROM "{name}" ORDER BY ALL').fetchall() for name in TABLES}


@pytest.mark.parametrize("drawn", ["", ", temperature: 1, top_p: 0.95, repetition_penalty: 1.1, samples: 3"])
def test_killed_runs_resume_to_the_same_tables(project: Path, drawn: str) -> None:
    """kill -9 after each new shard, again and again, until a run gets through; greedily, and with drawn answers."""
    text = (project / "report.yml").read_text(encoding="utf-8").replace("batch_size: 2", f"batch_size: 2{drawn}")
    (project / "report.yml").write_text(text, encoding="utf-8")
    measure(read_plan(project / "report.yml"))
    whole = content(project / "data/tds.duckdb")
    assert len(whole["response"]) == (12 if drawn else 4)
    text += "output: {shards: again/shards, database: again/tds.duckdb}\n"
    (project / "again.yml").write_text(text, encoding="utf-8")
    shards, kills = project / "again/shards", 0
    while kills < 2:
        have = len(list(shards.glob("*/[!.]*")))
        run = Started("store", "-r", "again.yml")
        while run.poll() is None and len(list(shards.glob("*/[!.]*"))) == have:
            time.sleep(0.005)
        if run.poll() is not None:
            break
        run.send_signal(signal.SIGKILL)
        run.wait()
        kills += 1
    assert kills > 0
    assert tds("store", "-r", "again.yml").returncode == 0
    assert content(project / "again/tds.duckdb") == whole


def _worker(command: list[str]) -> Started:
    assert command[:3] == [sys.executable, "-m", "tds_atlas"]  # which test_package.py starts
    return Started(*command[3:])


def test_workers_on_several_devices_make_the_same_tables(
    measured_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two workers share the shards, each with its part; one process stores them."""
    monkeypatch.setattr(devices, "subprocess", SimpleNamespace(Popen=_worker))
    project = measured_project
    one = content(project / "data/tds.duckdb")
    text = (project / "report.yml").read_text(encoding="utf-8").replace("shard_responses: 2", "shard_responses: 1")
    text += "device: [cpu, cpu]\noutput: {shards: two/shards, database: two/tds.duckdb}\n"
    (project / "two.yml").write_text(text, encoding="utf-8")
    measure(read_plan(project / "two.yml"))
    two = content(project / "two/tds.duckdb")
    assert len(list((project / "two/shards/scores").iterdir())) == 4
    for name in ("response", "position", "token", "condition", "continuation"):
        assert one[name] == two[name]
    assert [row[:3] + row[4:5] for row in one["score"]] == [row[:3] + row[4:5] for row in two["score"]]


def test_two_runs_at_once_make_one_database(project: Path) -> None:
    """Whichever is second with a shard or the database uses what is there."""
    runs = [Started("store", "-r", "report.yml") for _ in range(2)]
    said = [process.communicate()[1] for process in runs]
    assert [process.returncode for process in runs] == [0, 0], said
    assert sum("up to date" in text for text in said) == 1
    database = project / "data/tds.duckdb"
    assert content(database)["score"] and not list((project / "data").rglob("*.part"))
    before = database.stat().st_mtime_ns
    measure(read_plan(project / "report.yml"))
    assert database.stat().st_mtime_ns == before


def last_line(*args: str, **options: Any) -> str:
    """The last line on the error stream of a `tds` that must exit with 2."""
    done = tds(*args, **options)
    assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
    return done.stderr.strip().splitlines()[-1]


def test_a_disk_that_fills_up_stops_in_one_line_and_keeps_what_is_done(project: Path) -> None:
    """No file may grow beyond a few blocks, as on a full disk; with room again the run goes on."""
    line = last_line("store", "-r", "report.yml", room=3000)
    assert re.search(r"tds: data/shards/cards/\w+: cannot be written: .*; finished shards are kept", line)
    assert not list((project / "data").rglob("*.part"))
    measure(read_plan(project / "report.yml"))
    assert content(project / "data/tds.duckdb")["score"]


def test_a_disk_that_fills_up_while_storing_keeps_the_old_database(measured_project: Path) -> None:
    project = measured_project
    before = content(project / "data/tds.duckdb")
    with (project / "report.yml").open("a", encoding="utf-8") as file:
        file.write("# to be stored again\n")
    line = last_line("store", "-r", "report.yml", room=50_000)
    assert line.startswith("tds: data/tds.duckdb: cannot be written: ")
    assert content(project / "data/tds.duckdb") == before and not list((project / "data").glob(".*part*"))


def test_damaged_shards_are_named_and_measured_anew_in_the_same_run(
    measured_project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Cut short, other bytes of the same length, of an earlier version: the tables come out the same."""
    project = measured_project
    before = content(project / "data/tds.duckdb")
    shards = project / "data/shards"
    cut, flipped, swapped, old = (
        next(shards.rglob(f"{name}.parquet")) for name in ("response", "score", "swap", "token")
    )
    cut.write_bytes(cut.read_bytes()[:-40])
    flipped.write_bytes(flipped.read_bytes()[:100] + b"xyz" + flipped.read_bytes()[103:])
    swapped.write_bytes(next(p for p in shards.rglob("swap.parquet") if p != swapped).read_bytes())
    (old.parent / "index.json").unlink()
    (project / "data/tds.duckdb").rename(project / "data/old")
    capsys.readouterr()
    measure(read_plan(project / "report.yml"))
    lines = [line for line in capsys.readouterr().err.splitlines() if line.endswith("; it is measured anew")]
    assert len(lines) == 4
    for path in (cut, flipped, swapped, old.parent / "index.json"):
        assert any(line.startswith(f"{path.relative_to(project)}: ") for line in lines), (path, lines)
    assert content(project / "data/tds.duckdb") == before


def test_a_prompt_that_fails_leaves_the_others_unharmed(project: Path) -> None:
    """Too long for the model: told by its id at the end, once all other shards are through; without it the run ends."""
    rows = (project / "prompts.jsonl").read_text(encoding="utf-8")
    long = json.dumps({"id": "long", "prompt": "blue " * 1000})
    (project / "prompts.jsonl").write_text(f"{long}\n{rows}", encoding="utf-8")
    line = last_line("store", "-r", "report.yml")
    assert re.search(r"tds: prompt 'long': \d+ tokens and .* leave the prompt out with prompts.leave_out", line)
    assert len(list((project / "data/shards/responses").iterdir())) == 2  # of three shards
    text = (project / "report.yml").read_text(encoding="utf-8").replace("l}", "l, leave_out: [long]}")
    (project / "report.yml").write_text(text, encoding="utf-8")
    measure(read_plan(project / "report.yml"))
    assert {row[1] for row in content(project / "data/tds.duckdb")["response"]} == {"sky", "odd", "3", "last"}


def test_a_finished_run_is_repeated_without_torch(measured_project: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = sys.modules['transformers'] = None\n"
        "from pathlib import Path; from tds_atlas.pipeline.plan import read_plan; from tds_atlas.pipeline.steps import measure\n"
        "measure(read_plan(Path('report.yml')))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "up to date" in done.stderr


@pytest.mark.parametrize("part", ["weights", "context", "prompt", "top_k"])
def test_what_decides_a_number_decides_the_shard(measured_project: Path, part: str) -> None:
    project = measured_project
    plan = read_plan(project / "report.yml")
    before = {work.shard.key for work in plan.scorings()}
    report, prompts = project / "report.yml", project / "prompts.jsonl"
    if part == "weights":
        (project / "sft").unlink()
        (project / "sft").symlink_to((project / "base").resolve())
    elif part == "context":
        report.write_text(report.read_text(encoding="utf-8").replace("# Question", "# Query"), encoding="utf-8")
    elif part == "prompt":
        prompts.write_text(prompts.read_text(encoding="utf-8").replace("blue?", "green?"), encoding="utf-8")
    else:
        report.write_text(report.read_text(encoding="utf-8") + "score: {top_k: 5}\n", encoding="utf-8")
    changed = read_plan(report)
    measure(changed)
    assert {work.shard.key for work in changed.scorings()} != before
