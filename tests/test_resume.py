"""Interrupted and repeated runs: finished shards are kept, and the tables come out the same."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from builder.plan import load_plan
from builder.stages import measure

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
)


def content(database: Path) -> dict[str, list[tuple]]:
    with duckdb.connect(str(database), read_only=True) as con:
        return {name: con.execute(f'FROM "{name}" ORDER BY ALL').fetchall() for name in TABLES}


def test_killed_runs_resume_to_the_same_tables(project: Path) -> None:
    """kill -9 after each new shard, again and again, until a run gets through."""
    measure(load_plan(project / "report.yml"))
    whole = content(project / "data/tds.duckdb")
    text = (project / "report.yml").read_text(encoding="utf-8")
    text += "output: {shards: again/shards, database: again/tds.duckdb}\n"
    (project / "again.yml").write_text(text, encoding="utf-8")
    shards, kills = project / "again/shards", 0
    while kills < 2:
        have = len(list(shards.glob("*/[!.]*")))
        run = subprocess.Popen([sys.executable, "-m", "builder", "store", "-r", "again.yml"], stderr=subprocess.DEVNULL)
        while run.poll() is None and len(list(shards.glob("*/[!.]*"))) == have:
            time.sleep(0.005)
        if run.poll() is not None:
            break
        run.send_signal(signal.SIGKILL)
        run.wait()
        kills += 1
    assert kills > 0
    subprocess.run([sys.executable, "-m", "builder", "store", "-r", "again.yml"], check=True)
    assert content(project / "again/tds.duckdb") == whole


def test_a_finished_run_is_repeated_without_torch(project: Path) -> None:
    measure(load_plan(project / "report.yml"))
    code = (
        "import sys; sys.modules['torch'] = sys.modules['transformers'] = None\n"
        "from pathlib import Path; from builder.plan import load_plan; from builder.stages import measure\n"
        "measure(load_plan(Path('report.yml')))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "up to date" in done.stderr


@pytest.mark.parametrize("part", ["weights", "context", "prompt", "top_k"])
def test_what_decides_a_number_decides_the_shard(project: Path, part: str) -> None:
    plan = load_plan(project / "report.yml")
    measure(plan)
    before = {shard.key for _, _, shard in plan.scorings()}
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
    changed = load_plan(report)
    measure(changed)
    assert {shard.key for _, _, shard in changed.scorings()} != before
