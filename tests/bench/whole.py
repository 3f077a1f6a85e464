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
REPORT = """
name: whole
title: Whole
models:
  base: {{path: {root}/data/pocket/base, dtype: float32}}
  dpo: {{path: {root}/data/pocket/dpo, dtype: float32}}
contexts:
  plain: {{kind: plain, template: "# Question:\\n{{prompt}}\\n\\n# Answer:\\n"}}
  chat: {{kind: chat}}
prompts: {{path: prompts.jsonl}}
comparisons: [{{base: {{model: base, context: plain}}, aligned: {{model: dpo, context: chat}}}}]
"""
CODE = """
import re, sys
from builder.__main__ import main
try:
    main()
finally:  # getrusage would count what the process was forked from
    print("peak", re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1], file=sys.stderr)
"""


@dataclass(frozen=True)
class Run:
    answers: int
    tokens: int
    scoring: float  # seconds
    storing: float  # seconds
    peak: float  # MB
    whole: float  # seconds


def tds(here: Path, *command: str) -> tuple[float, float, str]:
    """Run the command in a folder: seconds, the peak of memory in MB, and what it said."""
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", CODE, *command], cwd=here, check=True, capture_output=True, text=True)
    peak = int(re.findall(r"^peak (\d+)", done.stderr, re.MULTILINE)[0]) / 1024
    return time.perf_counter() - start, peak, done.stderr


def run(count: int) -> Run:
    """Generate, score and store `count` answers: the pocket family's prompts again and again under other ids."""
    rows = [json.loads(line) for line in (ROOT / "data/prompts/pocket.jsonl").open(encoding="utf-8")]
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        text = "\n".join(json.dumps(rows[i % len(rows)] | {"id": i}) for i in range(count))
        (here / "prompts.jsonl").write_text(text, encoding="utf-8")
        (here / "whole.yml").write_text(REPORT.format(root=ROOT), encoding="utf-8")
        whole, peak, said = tds(here, "store", "--report", "whole.yml")
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
