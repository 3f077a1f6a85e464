"""Reports as a gate reads them, made in memory: no database is needed for what is reckoned from sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tds_atlas.gate.reports import Match, ReportSums
from tds_atlas.gate.rules import MEASURES

YARDSTICK = {
    "base_condition": "base·plain",
    "aligned_condition": "sft·chat",
    "base_weights": "hash",
    "base_vocabulary": "tok",
    "base_dtype": "float32",
    "base_template": "f00d",
    "base_system": "",
    "aligned_weights": "tuned",
}


def report(name: str, sums: Mapping[str, Sequence[tuple[float, float]]], comparison: str = "c") -> ReportSums:
    """A report of one comparison: measure -> x and n of each prompt, in order. Each has answers of its own."""
    size = max(map(len, sums.values()))
    texts = [f"prompt {i:04}" for i in range(size)]
    rows = {
        (comparison, measure): {t: (*row, 0.0) for t, row in zip(texts, sums.get(measure, [(0.0, 0.0)] * size), strict=True)}
        for measure in MEASURES
    }
    answers = {comparison: {text: (f"{name} {text}", i) for i, text in enumerate(texts, 1)}}
    return ReportSums(Path(f"{name}.duckdb"), name, name, {comparison: YARDSTICK}, rows, answers, {})


def match(a: Mapping[str, Sequence[tuple[float, float]]], b: Mapping[str, Sequence[tuple[float, float]]]) -> Match:
    return Match(report("a", a), report("b", b), "c", "c")


def drawn(rng: np.random.Generator, prompts: int, rise: float = 0.0) -> tuple[dict, dict]:
    """Two reports of one model: prompts differ, answers to one prompt are alike; KL has a heavy tail. `rise`: of B's share."""
    hard, alike = rng.beta(1, 19, prompts), rng.normal(size=prompts)
    harm = rng.random(prompts) < 0.4
    made = []
    for more in (0.0, rise):
        n = 20.0 + rng.poisson(60 * np.exp(0.3 * alike))
        shifted = rng.binomial(n.astype(int), np.clip(hard + more, 0, 1)).astype(float)
        kl = n * np.exp(alike + rng.normal(size=prompts))
        told = rng.random(prompts) < np.where(alike > 0, 0.9, 0.6)
        made.append(
            {
                "shifted": list(zip(shifted, n, strict=True)),
                "js": list(zip(np.minimum(n * 0.69, kl / 10), n, strict=True)),
                "kl": list(zip(kl, n, strict=True)),
                "delta": list(zip(kl / 2 - n / 9, n, strict=True)),
                "knowledge": list(zip(np.minimum(shifted, 3.0), np.full(prompts, 5.0), strict=True)),
                "facts": list(zip(told.astype(float), np.ones(prompts), strict=True)),
                "refusals": list(zip((harm & told).astype(float), harm.astype(float), strict=True)),
                "ended": list(zip((rng.random(prompts) < 0.97).astype(float), np.ones(prompts), strict=True)),
                "length": list(zip(n, np.ones(prompts), strict=True)),
            }
        )
    return made[0], made[1]
