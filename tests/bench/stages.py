"""What each stage of a report takes, from nothing to the site: its share of the time, and its peak of memory.

Of the pocket report, of real answers where a file of them is named, and of a wide vocabulary. Alone:
python -m tests.bench.stages [ANSWERS.json]
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.bench.whole import PAIR, ROOT, process, tds
from tests.bench.wide import write_project

ANSWERS = "TDS_BENCH_ANSWERS"  # of the environment: a file of real answers, as AlignTDS or just-eval writes them
STAGES = ("generate", "score", "probe", "store", "report", "site")
_LOADING = STAGES[:3]  # each of these stages loads the models anew; a whole run loads them once
_LOAD = """
from pathlib import Path
from tds_atlas.pipeline.plan import read_plan
from tds_atlas.pipeline.sides import lazy_models
plan = read_plan(Path("report.yml"))
models = lazy_models(plan)()
kept = [models.model(checkpoint) for checkpoint in plan.checkpoints.values()]
"""
REAL = """
name: real
title: Real answers
{pair}responses: {{real: {{path: {answers}, limit: {count}, on_error: skip}}}}
comparisons: [{{base: {{model: base, context: plain}}, aligned: {{model: dpo, context: chat}}, responses: real}}]
"""


@dataclass(frozen=True)
class Stage:
    name: str
    seconds: float  # without loading, but for the stage of that name
    peak: float  # MB, of the largest process


def pocket(here: Path, prompts: str = "null") -> None:
    """The default report, with outputs in this folder."""
    text = (ROOT / "data/reports/pocket.yml").read_text(encoding="utf-8")
    text = text.replace("../", f"{ROOT}/data/").replace("jsonl, limit: null", f"jsonl, limit: {prompts}")
    (here / "report.yml").write_text(text, encoding="utf-8")


def real(here: Path, answers: Path, count: int) -> None:
    """Answers of a large model, read by the pocket family: only their number and lengths are real."""
    (here / "report.yml").write_text(REAL.format(pair=PAIR, answers=answers.resolve(), count=count), encoding="utf-8")


def stages(here: Path) -> list[Stage]:
    """Each stage in a process of its own."""
    (here / "site_src").symlink_to(ROOT / "site_src")
    (here / "mkdocs.yml").symlink_to(ROOT / "mkdocs.yml")
    load, peaks, _ = process(here, "-c", _LOAD)
    found = [Stage("load", load, max(peaks))]
    for verb in STAGES:
        seconds, peaks, _ = tds(here, verb, *([] if verb == "report" else ["--report", "report.yml"]))
        found.append(Stage(verb, max(0.0, seconds - load * (verb in _LOADING)), max(peaks)))
    return found


def show(name: str, write: Callable[[Path], None]) -> None:
    """Print the stages of one report."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder))
        found = stages(Path(folder))
    whole = sum(stage.seconds for stage in found)
    print(f"\n**Stages, {name}: {whole:.0f} s**\n\n| stage | time | share | peak memory |\n|---|---:|---:|---:|")
    for stage in found:
        share = f"{100 * stage.seconds / whole:.0f} %"
        print(f"| {stage.name} | {stage.seconds:.1f} s | {share} | {stage.peak:,.0f} MB |", flush=True)


def table(answers: Path | None, count: int = 1000, prompts: int = 40) -> None:
    show("pocket report", pocket)
    if answers:
        show(f"{count:,} real answers", lambda here: real(here, answers, count))
    else:
        print(f"\n(Set {ANSWERS} to a file of real answers to have the stages of {count:,} of them.)")
    show(f"a wide vocabulary, {prompts} prompts", lambda here: write_project(here, prompts))


def named() -> Path | None:
    """The file of real answers that the environment names."""
    return Path(os.environ[ANSWERS]) if os.environ.get(ANSWERS) else None


if __name__ == "__main__":
    table(Path(sys.argv[1]) if sys.argv[1:] else named())
