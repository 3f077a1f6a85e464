"""Whole runs of `tds store` in a folder of their own: what storing adds to scoring, and memory at 100 and 2,000 answers."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
_SMALL = 50  # MB: a process that only waits
PAIR = f"""models:
  base: {{path: {ROOT}/data/pocket/base, dtype: float32}}
  dpo: {{path: {ROOT}/data/pocket/dpo, dtype: float32}}
contexts:
  plain: {{kind: plain, template: "# Question:\\n{{prompt}}\\n\\n# Answer:\\n"}}
  chat: {{kind: chat}}
"""
REPORT = f"""
name: whole
title: Whole
{PAIR}prompts: {{path: prompts.jsonl}}
comparisons: [{{base: {{model: base, context: plain}}, aligned: {{model: dpo, context: chat}}}}]
"""


@dataclass(frozen=True)
class Run:
    answers: int
    tokens: int
    scoring: float  # seconds
    storing: float  # seconds
    peak: float  # MB
    whole: float  # seconds


def tds(here: Path, *command: str) -> tuple[float, list[float], str]:
    """Run `tds` in a folder: seconds, the peak of memory of each of its processes in MB, and what it said."""
    return process(here, "-m", "tds_atlas", *command)


def process(here: Path, *command: str) -> tuple[float, list[float], str]:
    """The same of any Python process.

    Peaks are the kernel's own (VmHWM), read over and over: getrusage would count what a process was forked from.
    """
    start, peaks = time.perf_counter(), dict[int, float]()
    with tempfile.TemporaryFile("w+") as said:
        running = subprocess.Popen([sys.executable, *command], cwd=here, stdout=subprocess.DEVNULL, stderr=said)
        while running.poll() is None:
            for pid in _tree(running.pid):
                peaks[pid] = max(peaks.get(pid, 0), _peak(pid))
            time.sleep(0.02)
        seconds = time.perf_counter() - start
        said.seek(0)
        text = said.read()
    if running.returncode:
        raise RuntimeError(f"python {' '.join(command)} failed: {text}")
    return seconds, [peak for peak in peaks.values() if peak > _SMALL], text


def _tree(pid: int) -> list[int]:
    """A process and those that it started."""
    try:
        files = list(Path(f"/proc/{pid}/task").glob("*/children"))
        children = [int(child) for file in files for child in file.read_text(encoding="ascii").split()]
    except OSError:  # it has ended
        children = []
    return [pid, *(one for child in children for one in _tree(child))]


def _peak(pid: int) -> float:
    try:
        found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(encoding="utf-8"))
    except OSError:
        found = None
    return int(found[1]) / 1024 if found else 0.0


def run(count: int) -> Run:
    """Generate, score and store `count` answers: the pocket family's prompts again and again under other ids."""
    rows = [json.loads(line) for line in (ROOT / "data/prompts/pocket.jsonl").open(encoding="utf-8")]
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        text = "\n".join(json.dumps(rows[i % len(rows)] | {"id": i}) for i in range(count))
        (here / "prompts.jsonl").write_text(text, encoding="utf-8")
        (here / "whole.yml").write_text(REPORT, encoding="utf-8")
        whole, (peak, *_), said = tds(here, "store", "--report", "whole.yml")
    seconds = {name: float(s) for name, s in re.findall(r"^(score|store)\b.*?([\d.]+) s\b", said, re.MULTILINE)}
    tokens = int(re.findall(r"^score .*?([\d,]+) tokens", said, re.MULTILINE)[0].replace(",", ""))
    return Run(count, tokens, seconds["score"], seconds["store"], peak, whole)


def table() -> None:
    print("\n**Whole runs, pocket, base against dpo**\n")
    print(
        "| answers | tokens | scoring | storing | storing to scoring | peak memory |\n|---:|---:|---:|---:|---:|---:|"
    )
    for r in map(run, (100, 2000)):
        share = f"{100 * r.storing / r.scoring:.0f} %"
        print(f"| {r.answers:,} | {r.tokens:,} | {r.scoring:.1f} s | {r.storing:.1f} s | {share} | {r.peak:,.0f} MB |")


if __name__ == "__main__":
    table()
