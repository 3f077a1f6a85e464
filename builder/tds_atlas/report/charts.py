"""Each figure as files: Vega-Lite JSON, SQL and CSV. Its images are made in drawing.py."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from altair.utils.schemapi import debug_mode

from tds_atlas.parts import write_file
from tds_atlas.report import figures, query
from tds_atlas.report.figures.marks import Chart
from tds_atlas.report.infinite import infinite_kl
from tds_atlas.report.table_formats import spreadsheet

_BY_MEASURE = re.compile(r"\b(prompt_measure|differences_from_first)\b")  # without infinite KL


def write_figures(con: duckdb.DuckDBPyConnection, folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Write all figures with data, except their images. Yields each name with its spec, caption, SQL and rows."""
    folder.mkdir(parents=True)
    comparisons = [row["label"] for row in query.rows(con, "pages/comparisons")]
    infinite = infinite_kl(con)
    for name in figures.FIGURES:
        drawn = figure_of(con, name, comparisons, infinite)
        if drawn is None:
            continue
        chart, caption, table = drawn
        with debug_mode(False):  # the tests hold each figure against the schema; here it would take seconds
            spec, sql = chart.to_dict(validate=False), query.sql_of(f"figures/{name}")
        write_file(folder / f"{name}.json", json.dumps(spec, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
        write_file(folder / f"{name}.sql", sql)
        write_file(folder / f"{name}.csv", spreadsheet(table) + "\n")
        yield name, {"spec": spec, "caption": caption, "sql": sql, "rows": table.to_pylist()}


def figure_of(
    con: duckdb.DuckDBPyConnection, name: str, comparisons: Sequence[str], infinite: str
) -> tuple[Chart, str, pa.Table] | None:
    """A figure's chart, caption and rows; None where the report has no data for it."""
    sql, table = query.sql_of(f"figures/{name}"), query.table(con, f"figures/{name}")
    if table.num_rows == 0:
        return None
    caption = query.caption(sql)
    if infinite and _leaves_out(sql, table):
        caption += f" Infinite KL is left out: {infinite}."
    with debug_mode(False):
        return figures.build(name, table, caption, comparisons), caption, table


def _leaves_out(sql: str, table: pa.Table) -> bool:
    """Whether a figure is of KL where it is finite: filtered by the query, or one of several measures."""
    measures = table["measure"].to_pylist() if _BY_MEASURE.search(sql) and "measure" in table.column_names else ()
    return "finite(" in sql or any("KL" in measure for measure in measures)
