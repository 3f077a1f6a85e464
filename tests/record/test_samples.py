"""The spread between samples, prompts and models: against a slow version, and against spreads that were planted."""

from __future__ import annotations

import math
from pathlib import Path

import duckdb
import numpy as np
import pytest

import tds_atlas.record

Means = dict[tuple[str, str], list[float]]  # comparison, prompt -> a number for each sample


def spread(values: Means, named: dict[tuple[str, str], list[float]] | None = None) -> dict[str, tuple[float, ...]]:
    """The view's rows of JS: comparison -> its numbers."""
    con = duckdb.connect()
    con.execute("CREATE TABLE example (comparison_id VARCHAR, prompt_id VARCHAR, response_id VARCHAR,"
                " shifted_share DOUBLE, mean_js_nats DOUBLE)")  # fmt: skip
    con.execute("CREATE TABLE response (response_id VARCHAR, prompt_id VARCHAR, sample VARCHAR)")
    for names, rows in (((None, "2", "3", "4", "5", "6"), values), (("chosen", "rejected"), named or {})):
        for (comparison, prompt), samples in rows.items():
            for sample, y in zip(names, samples, strict=False):
                name = f"{comparison}/{prompt}#{sample}"
                con.execute("INSERT INTO example VALUES (?, ?, ?, 0.5, ?)", [comparison, prompt, name, y])
                con.execute("INSERT INTO response VALUES (?, ?, ?)", [name, prompt, sample])
    con.execute((Path(tds_atlas.record.__file__).parent / "samples.sql").read_text(encoding="utf-8"))
    columns = "prompts, answers, mean, between_samples, between_prompts, between_models"
    rows = con.execute(f"SELECT comparison_id, {columns} FROM sample_spread WHERE measure = 'JS'").fetchall()
    return {row[0]: row[1:] for row in rows}


def slowly(values: Means) -> dict[str, tuple[float | None, ...]]:
    """By the sums of squares themselves, one comparison and one prompt at a time."""
    kept = {key: np.array(samples) for key, samples in values.items() if len(samples) > 1}
    apart = []
    for prompt in sorted({prompt for _, prompt in kept}):
        own = [samples for (_, other), samples in kept.items() if other == prompt]
        if len(own) > 1:
            noise = np.mean([samples.var(ddof=1) / len(samples) for samples in own])
            apart.append(np.var([samples.mean() for samples in own], ddof=1) - noise)
    models = math.sqrt(max(0, np.mean(apart))) if apart else None
    found = {}
    for comparison in sorted({comparison for comparison, _ in kept}):
        groups = [samples for (name, _), samples in kept.items() if name == comparison]
        flat = np.concatenate(groups)
        inside = sum(((g - g.mean()) ** 2).sum() for g in groups) / (len(flat) - len(groups))
        prompts = None
        if len(groups) > 1:
            outside = sum(len(g) * (g.mean() - flat.mean()) ** 2 for g in groups) / (len(groups) - 1)
            usual = (len(flat) - sum(len(g) ** 2 for g in groups) / len(flat)) / (len(groups) - 1)
            prompts = math.sqrt(max(0, outside - inside) / usual)
        found[comparison] = (len(groups), len(flat), flat.mean(), math.sqrt(inside), prompts, models)
    return found


def drawn(seed: int, prompts: int, sizes: tuple[int, int], sds: tuple[float, float, float]) -> Means:
    """Two comparisons over the same prompts, with planted standard deviations of samples, prompts and models."""
    draw, (of_samples, of_prompts, of_models) = np.random.default_rng(seed), sds
    values: Means = {}
    for g in range(prompts):
        level = draw.normal(0, of_prompts)
        for comparison in ("one", "two"):
            mean = level + draw.normal(0, of_models)
            values[comparison, f"p{g}"] = list(draw.normal(mean, of_samples, draw.integers(*sizes)))
    return values


@pytest.mark.parametrize(
    ("seed", "prompts", "sizes", "sds"),
    [(0, 30, (1, 6), (1, 2, 0.5)), (1, 2, (2, 3), (1, 1, 1)), (2, 12, (3, 4), (3, 0, 0)), (3, 1, (4, 5), (1, 1, 1))],
)
def test_components_against_a_slow_version(
    seed: int, prompts: int, sizes: tuple[int, int], sds: tuple[float, float, float]
) -> None:
    values = drawn(seed, prompts, sizes, sds)
    values["two", "alone"] = [1.0, 2.0, 4.0]
    found, expected = spread(values), slowly(values)
    assert found.keys() == expected.keys()
    for name, row in expected.items():
        assert found[name] == pytest.approx(row, abs=1e-9)


def test_planted_spreads_are_found() -> None:
    values = drawn(5, 300, (4, 5), (0.5, 2.0, 1.0))
    for row in spread(values).values():
        _, _, _, samples, prompts, models = row
        assert samples == pytest.approx(0.5, rel=0.1) and models == pytest.approx(1.0, rel=0.15)
        assert prompts == pytest.approx(math.sqrt(2.0**2 + 1.0**2), rel=0.15)  # within one comparison both are


def test_single_answers_and_named_ones_are_no_samples() -> None:
    single = {("one", "a"): [1.0], ("one", "b"): [2.0]}
    assert spread(single, {("one", "c"): [1.0, 5.0]}) == {}
    two = {("one", "a"): [1.0, 3.0]}
    assert spread(two, {("one", "c"): [1.0, 5.0]}) == {"one": (1, 2, 2.0, pytest.approx(math.sqrt(2)), None, None)}
