"""How often a report calls something clear that is chance: by each interval alone, and by the rule of the pages.

Made-up reports of nine comparisons, each of which asks the same question of its prompts: is the difference of two shares 0?
The second half of what `make calibrate` prints.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

COMPARISONS = 9
_SQL = """WITH
    found AS (
        SELECT run, comparison, count(*) AS prompts, clustered_mean(x, 1) AS difference, clustered_half_width(x, 1) AS half
        FROM sim
        GROUP BY ALL
    ),
    tested AS (SELECT *, margin_p(difference, half, prompts - 1) AS p FROM found)
SELECT abs(difference) > half AS alone, q <= 0.05 AS clear FROM discoveries('tested', run) ORDER BY run, comparison"""


@dataclass(frozen=True)
class Truth:
    """Answers of several comparisons to the same prompts."""

    name: str
    differ: int  # how many of the comparisons differ from 0, the first ones
    alike: float  # how much of a prompt's difference all comparisons have in common


TRUTHS = (
    Truth("none differs", 0, 0.0),
    Truth("none differs, comparisons alike", 0, 0.7),
    Truth("three of nine differ", 3, 0.7),
)


def _differences(truth: Truth, rng: np.random.Generator, reports: int, prompts: int) -> np.ndarray:
    """Of two shares of an answer's tokens, each with its own rate as in calibrate.py.  [reports, comparisons, prompts]"""
    n = rng.integers(15, 80, (reports, 1, prompts))

    def share(shape: tuple[int, int, int], rate: float) -> np.ndarray:
        return rng.binomial(n, rng.beta(rate * 9, (1 - rate) * 9, shape)) / n

    whole, common = (reports, COMPARISONS, prompts), (reports, 1, prompts)
    own = share(whole, 0.18) - share(whole, 0.18)
    shared = share(common, 0.18) - share(common, 0.18)
    made = truth.alike * shared + (1 - truth.alike) * own
    made[:, : truth.differ] += 0.07
    return made


def false_calls(con: duckdb.DuckDBPyConnection, truth: Truth, prompts: int, reports: int) -> tuple[float, float]:
    """The share of false ones among what a report calls clear, by each interval alone, and by the rule; 0 where none is."""
    made = _differences(truth, np.random.default_rng(0), reports, prompts)
    at = np.arange(made.size) // prompts
    con.register("sim", pa.table({"run": at // COMPARISONS, "comparison": at % COMPARISONS, "x": made.ravel()}))
    called = con.execute(_SQL).fetchnumpy()
    con.unregister("sim")
    alone, clear = (np.asarray(called[name]).reshape(reports, COMPARISONS) for name in ("alone", "clear"))
    return _false(alone, truth.differ), _false(clear, truth.differ)


def _false(called: np.ndarray, differ: int) -> float:
    return float(np.mean(called[:, differ:].sum(1) / np.maximum(1, called.sum(1))))


def table(con: duckdb.DuckDBPyConnection, reports: int, sizes: tuple[int, ...] = (10, 20, 50, 100)) -> Iterator[str]:
    """Lines of Markdown."""
    yield "| called clear by | of nine comparisons | " + " | ".join(f"{size} prompts" for size in sizes) + " |"
    yield "|---|---|" + "--:|" * len(sizes)
    for truth in TRUTHS:
        found = [false_calls(con, truth, size, reports) for size in sizes]
        for name, rates in zip(("each interval alone", "the rule"), zip(*found, strict=True), strict=True):
            yield f"| {name} | {truth.name} | " + " | ".join(f"{rate:.3f}" for rate in rates) + " |"
