"""What chance does: many made-up comparisons at once, in tables of their own beside the package's macros; slow p values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import duckdb

from tds_atlas.record.store import SQL
from tests.report import synthetic


def define(con: duckdb.DuckDBPyConnection) -> None:
    """The package's macros, except those over tables that are not there."""
    for statement in duckdb.extract_statements(SQL["views"]):
        if "CREATE MACRO" in statement.query:
            with suppress(duckdb.CatalogException):
                con.execute(statement)


def fill(con: duckdb.DuckDBPyConnection, table: str, columns: str, rows: Sequence[dict[str, Any]]) -> None:
    con.execute(f'CREATE TABLE "{table}" ({columns})')
    synthetic.insert(con, table, rows)


def comparisons(con: duckdb.DuckDBPyConnection, count: int) -> None:
    rows = [{"comparison_id": f"c{i}", "label": f"c{i}", "ordinal": i} for i in range(count)]
    fill(con, "comparison", "comparison_id VARCHAR, label VARCHAR, ordinal INTEGER", rows)


def drawn_p(mine: Sequence[float], every: Sequence[float]) -> float:
    """p of a sum over some of the prompts, against as many drawn at random: the larger of the normal's and the gamma's."""
    m, g = len(mine), len(every)
    square, third = (sum((x - sum(every) / g) ** k for x in every) / g for k in (2, 3))
    if m == g or square < 1e-12:
        return 1.0
    error = math.sqrt(m * (g - m) / (g - 1) * square)
    skewness = m * (g - m) * (g - 2 * m) / ((g - 1) * (g - 2)) * third / error**3 if g > 2 else 0.0
    z = w = sum(mine) / error
    if abs(skewness) >= 1e-4:
        w = 6 / skewness * (max(0, 1 + skewness * z / 2) ** (1 / 3) - 1) + skewness / 6
    return max(math.erfc(abs(x) / math.sqrt(2)) for x in (z, w))
