"""Measured coverage of the report's 95 % intervals: made-up reports with a known truth, through the same SQL.

`make calibrate` prints a table: estimator x population x number of prompts, 4,000 reports each; and that of
calibrate_clear.py, of what is called clear by chance.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from tds_atlas.record.schema import SQL
from tds_atlas.record.sealed import quiet
from tests import calibrate_clear, calibrate_parting

Draw = Callable[[np.random.Generator, tuple[int, int]], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Population:
    """Prompts of one kind: their sums x over n positions. The truth is Σx/Σn over very many of them."""

    name: str
    interval: str  # share, mean, difference or groups
    draw: Draw
    others: Draw | None = None  # a second group, of four times as many prompts


def _lengths(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return rng.integers(15, 80, shape).astype(float)


def shares(rate: float, spread: float) -> Draw:
    """Tokens of an answer resemble each other: its own rate is beta distributed, with intra-prompt correlation `spread`."""

    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        n, size = _lengths(rng, shape), 1 / spread - 1
        return rng.binomial(n.astype(int), rng.beta(rate * size, (1 - rate) * size, shape)).astype(float), n

    return draw


def _yes_or_no(rate: float) -> Draw:
    """One answer for each prompt, which does something or does not."""

    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        return (rng.random(shape) < rate).astype(float), np.ones(shape)

    return draw


def _two_kinds(often: float, few: Callable[[np.random.Generator, tuple[int, int]], np.ndarray]) -> Draw:
    """Most answers hardly change, a tenth to a fifth changes much, as preference tuning on few topics does."""

    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        n = _lengths(rng, shape)
        return n * np.where(rng.random(shape) < often, few(rng, shape), 0.02 * rng.random(shape)), n

    return draw


def _lognormal(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    n = _lengths(rng, shape)
    return n * np.exp(rng.normal(0, 1, shape)), n


def _paired(one: Draw, other: Draw) -> Draw:
    """Differences per prompt, over one."""

    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        (x, n), (y, m) = one(rng, shape), other(rng, shape)
        return x / n - y / m, np.ones(shape)

    return draw


POPULATIONS = (
    Population("share of 18 %", "share", shares(0.18, 0.1)),
    Population("share of 50 %", "share", shares(0.5, 0.2)),
    Population("share of 2 %", "share", shares(0.02, 0.1)),
    Population("share of 0.5 %", "share", shares(0.005, 0.05)),
    Population("share, a fifth of the answers changed", "share", _two_kinds(0.2, lambda r, s: r.beta(6, 3, s))),
    Population("yes or no, yes from a tenth of the prompts", "share", _yes_or_no(0.1)),
    Population("JS, a fifth of the answers changed", "mean", _two_kinds(0.2, lambda r, s: 0.69 * r.beta(3, 4, s))),
    Population("KL, lognormal", "mean", _lognormal),
    Population("KL, a tenth of the answers changed", "mean", _two_kinds(0.1, lambda r, s: r.gamma(4, 0.75, s))),
    Population("difference of two shares", "difference", _paired(shares(0.18, 0.1), shares(0.25, 0.1))),
    Population("difference of two KL", "difference", _paired(_lognormal, _lognormal)),
    Population("KL of two groups of prompts", "groups", _lognormal, _lognormal),
    Population("shares of two groups of prompts", "groups", shares(0.3, 0.1), shares(0.18, 0.1)),
)
BOUNDS = {
    "share": "share_bounds(x, n)",
    "mean": "{'low': mean_low(x, n), 'high': mean_high(x, n)}",
    "difference": "{'low': clustered_mean(x, n) - clustered_half_width(x, n),"
    " 'high': clustered_mean(x, n) + clustered_half_width(x, n)}",
    "groups": "mean_bounds(x, n)",
}


def connection() -> duckdb.DuckDBPyConnection:
    """A database in memory with the package's own views and macros."""
    con = duckdb.connect()
    quiet(con)
    con.execute(SQL["schema"] + SQL["views"])
    return con


def _truth(draw: Draw, rng: np.random.Generator) -> float:
    x, n = draw(rng, (1, 2_000_000))
    return float(x.sum() / n.sum())


def _reports(draw: Draw, rng: np.random.Generator, reports: int, prompts: int, part: int) -> pa.Table:
    x, n = draw(rng, (reports, prompts))
    run = np.repeat(np.arange(reports), prompts)
    return pa.table({"run": run, "x": x.ravel(), "n": n.ravel(), "part": np.full(x.size, part)})


def coverage(
    con: duckdb.DuckDBPyConnection, population: Population, prompts: int, reports: int, seed: int = 0
) -> tuple[float, float, float]:
    """The share of reports whose interval holds the truth; and lies below, and above it."""
    rng = np.random.default_rng(seed)
    truth = _truth(population.draw, rng) - (_truth(population.others, rng) if population.others else 0)
    drawn = [_reports(population.draw, rng, reports, prompts, 0)]
    drawn += [_reports(population.others, rng, reports, 4 * prompts, 1)] if population.others else []
    con.register("sim", pa.concat_tables(drawn))
    each, other = (
        f"SELECT run, {BOUNDS[population.interval]} AS b FROM sim WHERE part = {part} GROUP BY run" for part in (0, 1)
    )
    sql = f"SELECT b.low, b.high FROM ({each})"
    if population.others:
        apart = f"SELECT difference_bounds(a.b, o.b) AS b FROM ({each}) a JOIN ({other}) o USING (run)"
        sql = f"SELECT b.low, b.high FROM ({apart})"
    low, high = con.execute(sql).fetchnumpy().values()
    con.unregister("sim")
    below, above = float(np.mean(high < truth)), float(np.mean(low > truth))
    return 1 - below - above, below, above


def table(reports: int, sizes: tuple[int, ...] = (5, 10, 20, 50, 100, 300)) -> Iterator[str]:
    """Lines of Markdown."""
    yield "| interval | population | " + " | ".join(f"{size} prompts" for size in sizes) + " |"
    yield "|---|---|" + "--:|" * len(sizes)
    con = connection()
    for population in POPULATIONS:
        yield _row(population.interval, population.name, [coverage(con, population, n, reports)[0] for n in sizes])
    for answers in calibrate_parting.ANSWERS:
        yield _row("agreement", answers.name, [calibrate_parting.coverage(answers, n, reports) for n in sizes])
    yield ""
    yield from calibrate_clear.table(con, reports)


def _row(interval: str, name: str, found: list[float]) -> str:
    return f"| {interval} | {name} | " + " | ".join(f"{x:.3f}" for x in found) + " |"


if __name__ == "__main__":
    for line in table(int(sys.argv[1]) if len(sys.argv) > 1 else 4000):
        print(line, flush=True)
