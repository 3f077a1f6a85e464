"""What chance does: many made-up comparisons at once, in tables of their own beside the package's macros; slow p values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import duckdb

from tds_atlas.record.schema import SQL
from tests.report import synthetic


def define(con: duckdb.DuckDBPyConnection) -> None:
    """The package's views and macros, except those that exist, and those over tables or columns that are not there."""
    for statement in duckdb.extract_statements(SQL["views"]):
        if "CREATE MACRO" in statement.query or "CREATE VIEW" in statement.query:
            with suppress(duckdb.CatalogException, duckdb.BinderException):
                con.execute(statement)


def fill(con: duckdb.DuckDBPyConnection, table: str, columns: str, rows: Sequence[dict[str, Any]]) -> None:
    con.execute(f'CREATE TABLE "{table}" ({columns})')
    synthetic.insert(con, table, rows)


def comparisons(con: duckdb.DuckDBPyConnection, count: int) -> None:
    rows = [{"comparison_id": f"c{i}", "label": f"c{i}", "ordinal": i} for i in range(count)]
    fill(con, "comparison", "comparison_id VARCHAR, label VARCHAR, ordinal INTEGER", rows)


def drawn_p(mine: Sequence[tuple[float, float]], every: Sequence[tuple[float, float]]) -> float:
    """p of the shifted tokens x of n in some of the prompts, against as many prompts drawn at random.

    The larger of the normal's and the gamma's p of the sum; of the exact p of how many prompts are a standard deviation
    above the whole, too, if most prompts have no shifted token, or the sum is far from symmetric.
    """
    m, g, share = len(mine), len(every), sum(x for x, _ in every) / sum(n for _, n in every)
    excess = [x - share * n for x, n in every]
    square, third = (sum(e**k for e in excess) / g for k in (2, 3))
    if m == g or square < 1e-12:
        return 1.0
    error = math.sqrt(m * (g - m) / (g - 1) * square)
    skewness = m * (g - m) * (g - 2 * m) / ((g - 1) * (g - 2)) * third / error**3 if g > 2 else 0.0
    z = w = sum(x - share * n for x, n in mine) / error
    if abs(skewness) >= 1e-4:
        w = 6 / skewness * (max(0, 1 + skewness * z / 2) ** (1 / 3) - 1) + skewness / 6
    ps = [math.erfc(abs(x) / math.sqrt(2)) for x in (z, w)]
    if 2 * sum(x > 0 for x, _ in every) < g or abs(skewness) > 1.5:
        mine_far, all_far = (sum(x - share * n > square**0.5 for x, n in some) for some in (mine, every))
        ps.append(min(1.0, 2 * drawn_tail(mine_far, m, all_far, g, z > 0)))
    return max(ps)


def drawn_tail(k: int, m: int, s: int, g: int, high: bool) -> float:
    """How many of all ways to draw m of g have as many of a certain s among them as k, or more; or fewer."""
    ways = [math.comb(s, i) * math.comb(g - s, m - i) for i in (range(k, m + 1) if high else range(k + 1))]
    return sum(ways) / math.comb(g, m)


def binomial_p(k: float, n: float, share: float) -> float:
    """Twice the smaller tail, as the beta distribution's, by the midpoint rule over u in x = share · u⁴; k and n may be fractions."""

    def at_least(k: float, share: float) -> float:
        if k <= 0:
            return 1.0
        log_beta = math.lgamma(k) + math.lgamma(n - k + 1) - math.lgamma(n + 1)

        def height(u: float) -> float:
            x = share * u**4
            return math.exp((k - 1) * math.log(x) + (n - k) * math.log1p(-x) - log_beta) * 4 * share * u**3

        return math.fsum(height((i + 0.5) / 4000) for i in range(4000)) / 4000

    return min(1.0, 2 * min(at_least(k, share), at_least(n - k, 1 - share)))


def word_p(counts: Mapping[str, Sequence[bool]], every: Mapping[str, Sequence[bool]]) -> float:
    """p of a word's shifts by prompt against all words': places of one prompt count for less, as alike as those of all."""
    share = sum(map(sum, every.values())) / sum(map(len, every.values()))
    products = sum((sum(hits) - share * len(hits)) ** 2 - len(hits) * share * (1 - share) for hits in every.values())
    pairs = sum(len(hits) * (len(hits) - 1) for hits in every.values())
    alike = min(1, max(0, products / pairs / share / (1 - share)))
    places = sum(map(len, counts.values()))
    weight = sum(len(hits) * (1 + (len(hits) - 1) * alike) for hits in counts.values()) / places
    return binomial_p(sum(map(sum, counts.values())) / weight, places / weight, share)
