"""Bounds from lists: they hold for every position of the pocket family and for drawn distributions, and a slow version
with dictionaries, term by term, gives the same numbers."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tds_atlas.measure.bounds import SLACK, Known, divergence_bounds, entropy_bounds
from tds_atlas.pipeline.cards import write_cards
from tds_atlas.pipeline.plan import read_plan
from tds_atlas.pipeline.responses import write_responses
from tds_atlas.pipeline.scores import write_scores
from tds_atlas.pipeline.sides import lazy_models
from tds_atlas.record.shards import read_responses

DIVERGENCES = ("kl_aligned_base", "kl_base_aligned", "js")
Columns = dict[str, np.ndarray]


def cut(columns: Columns, k: int) -> Columns:
    return {name: x[:, :k] if name.startswith("top_") else x for name, x in columns.items()}


@pytest.fixture
def pocket(pocket_report: Path) -> list[tuple[np.ndarray, Columns, Columns, Columns]]:
    """For each tuning comparison: its tokens, what both sides say with lists of 30, and the exact divergences."""
    plan = read_plan(pocket_report)
    models = lazy_models(plan)
    write_cards(plan, models)
    write_responses(plan, models)
    write_scores(plan, models)
    found = []
    for comparison in (c for c in plan.report.all_comparisons if c.kind == "tuning"):
        parts: list[tuple[np.ndarray, Any, Any, Any]] = []
        for work in (w for w in plan.scorings() if w.source == comparison.source):
            ids = np.array([i for r in read_responses(work.answers) for i in r.token_ids])
            scores, divergences = work.shard.read("score").to_pandas(), work.shard.read("divergence").to_pandas()
            order = {r.response_id: n for n, r in enumerate(read_responses(work.answers))}
            tables = [
                scores[scores.condition_id == comparison.aligned.condition_id],
                scores[scores.condition_id == comparison.base.condition_id],
                divergences[divergences.comparison_id == comparison.comparison_id],
            ]
            tables = [t.iloc[np.lexsort((t.pos, t.response_id.map(order)))] for t in tables]
            parts.append((ids, *({n: np.stack(t[n].to_numpy()) for n in t.columns[3:]} for t in tables)))
        ids = np.concatenate([part[0] for part in parts])
        rest = [{n: np.concatenate([p[i][n] for p in parts]) for n in parts[0][i]} for i in (1, 2, 3)]
        found.append((ids, *rest))
    return found


def test_the_bounds_hold_at_every_position_of_the_pocket_family(pocket: list[Any]) -> None:
    assert sum(len(ids) for ids, *_ in pocket) > 700
    for ids, aligned, base, exact in pocket:
        for k in (1, 5, 10, 30):
            p, q = (Known.of(cut(side, k), ids, 1979) for side in (aligned, base))
            bounds = divergence_bounds(p, q)
            for name in DIVERGENCES:
                value = exact[name].astype(np.float64)
                assert (bounds[f"{name}_lower"] <= value + 1e-6 + 1e-6 * value).all(), (name, k)
                assert not (bounds[f"{name}_upper"] < value - 1e-6).any(), (name, k)  # NaN: no bound
            assert np.isnan(bounds["kl_aligned_base_upper"]).all() and not np.isnan(bounds["js_upper"]).any()
            for known, side in ((p, aligned), (q, base)):
                found = entropy_bounds(known)
                assert (found["entropy_lower"] <= side["entropy"] + 1e-5).all()
                assert (found["entropy_upper"] >= side["entropy"] - 1e-5).all()
        assert bounds["js_lower"].mean() > 0.97 * exact["js"].mean()  # lists of 30 say nearly all
        assert bounds["js_upper"].mean() < 1.03 * exact["js"].mean()


def test_a_slow_version_gives_the_same(pocket: list[Any]) -> None:
    ids, aligned, base, _ = pocket[0]
    for k in (1, 5, 30):
        p, q = (Known.of(cut(side, k), ids, 1979) for side in (aligned, base))
        bounds = divergence_bounds(p, q)
        for t in range(0, len(ids), 7):
            sides = [slow_side(cut(side, k), ids, t) for side in (aligned, base)]
            forth, back = slow_lower(*sides, kl, kl_slopes), slow_lower(*reversed(sides), kl, kl_slopes)
            assert bounds["kl_aligned_base_lower"][t] == pytest.approx(forth, abs=1e-6, rel=1e-6)
            assert bounds["kl_base_aligned_lower"][t] == pytest.approx(back, abs=1e-6, rel=1e-6)
            least, most = slow_lower(*sides, js, js_slopes), slow_js_upper(*sides)
            assert bounds["js_lower"][t] == pytest.approx(least, abs=1e-6)
            assert bounds["js_upper"][t] == pytest.approx(most, abs=1e-6)


Side = tuple[dict[int, float], float]  # probabilities of the known ids, and what every other has at most


def slow_side(columns: Columns, ids: np.ndarray, t: int) -> Side:
    listed = {
        int(i): math.exp(float(x)) for i, x in zip(columns["top_ids"][t], columns["top_logprobs"][t], strict=True)
    }
    return listed | {int(ids[t]): math.exp(float(columns["logprob"][t]))}, min(listed.values())


def kl(p: float, q: float) -> float:
    return p * math.log(p / q)


def kl_slopes(r: float) -> tuple[float, float]:
    return math.log(r) + 1, -r


def js(p: float, q: float) -> float:
    m = (p + q) / 2
    return 0.5 * p * math.log(p / m) + 0.5 * q * math.log(q / m)


def js_slopes(r: float) -> tuple[float, float]:
    return 0.5 * math.log(2 * r / (1 + r)), 0.5 * math.log(2 / (1 + r))


def slow_lower(first: Side, second: Side, f: Any, slopes: Any) -> float:
    (p, p_most), (q, q_most) = first, second
    common = p.keys() & q.keys()
    r = max(1 - sum(p[i] for i in common), 1e-300) / max(1 - sum(q[i] for i in common), 1e-300)
    r = min(max(r, 1e-12), 1e12)
    a, b = slopes(r)
    total = sum(f(p[i], q[i]) for i in common)
    for i in p.keys() - common:
        other = min(q_most, p[i] / r)
        total += f(p[i], other) - b * other
    for i in q.keys() - common:
        other = min(p_most, q[i] * r)
        total += f(other, q[i]) - a * other
    total += a * max(1 - sum(p.values()), 0) + b * max(1 - sum(q.values()), 0)
    return max(total - SLACK * (abs(a) + abs(b) + 1), 0)


def slow_js_upper(first: Side, second: Side) -> float:
    (p, _), (q, _) = first, second
    common = p.keys() & q.keys()
    rest = 2 - sum(p[i] + q[i] for i in common)
    return min(sum(js(p[i], q[i]) for i in common) + 0.5 * math.log(2) * rest + 4 * SLACK, math.log(2))


@pytest.mark.parametrize("shape", [0.15, 0.5, 2.0, 8.0])
def test_drawn_distributions_lie_within_their_bounds(shape: float) -> None:
    """From nearly all mass in one token to nearly equal ones; one side known whole, or neither."""
    draw, width, count = np.random.default_rng(7), 60, 400
    x, y = draw.normal(size=(2, count, width)) / shape * 3
    p, q = (
        z - np.log(np.exp(z - z.max(1, keepdims=True)).sum(1, keepdims=True)) - z.max(1, keepdims=True) for z in (x, y)
    )
    ids = draw.integers(width, size=count)
    values = {
        "kl_aligned_base": (np.exp(p) * (p - q)).sum(1),
        "kl_base_aligned": (np.exp(q) * (q - p)).sum(1),
        "js": 0.5 * ((np.exp(p) * p).sum(1) + (np.exp(q) * q).sum(1)) - mean_term(p, q),
    }
    for k in (1, 3, 10, 60):
        known = [Known.of(listed(z, ids, k), ids, width) for z in (p, q)]
        whole = known[1].also(known[0].ids, np.take_along_axis(q, known[0].ids.clip(0), 1), q.min(1))
        for base in (known[1], whole):
            bounds = divergence_bounds(known[0], base)
            for name, value in values.items():
                assert (bounds[f"{name}_lower"] <= value + 1e-6 + 1e-6 * value).all()
                assert not (bounds[f"{name}_upper"] < value - 1e-6).any()
        assert (bounds["kl_aligned_base_upper"] < np.inf).all() and np.isnan(bounds["kl_base_aligned_upper"]).all()
        for side, z in zip(known, (p, q), strict=True):
            entropy, found = -(np.exp(z) * z).sum(1), entropy_bounds(side)
            assert (found["entropy_lower"] <= entropy + 1e-6).all() and (found["entropy_upper"] >= entropy - 1e-6).all()
    assert (bounds["js_upper"] - bounds["js_lower"] < 1e-4).all()  # lists of all ids


def mean_term(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    mean = (np.exp(p) + np.exp(q)) / 2
    return (mean * np.log(mean)).sum(1)


def listed(z: np.ndarray, ids: np.ndarray, k: int) -> Columns:
    order = np.argsort(-z, axis=1)[:, :k]
    own = np.take_along_axis(z, ids[:, None], 1)[:, 0]
    return {"top_ids": order, "top_logprobs": np.take_along_axis(z, order, 1), "logprob": own}
