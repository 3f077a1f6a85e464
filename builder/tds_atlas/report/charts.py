"""Each figure as files: Vega-Lite JSON, SQL and CSV. Its images are made in drawing.py."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from altair.utils.schemapi import debug_mode

from tds_atlas.parts import write_file
from tds_atlas.report import figures, query
from tds_atlas.report.answer_parts import OTHER_PARTS, of_part
from tds_atlas.report.figures.marks import Chart
from tds_atlas.report.figures.registry import Figure
from tds_atlas.report.infinite import infinite_kl
from tds_atlas.report.table_formats import spreadsheet

_BY_MEASURE = re.compile(r"\b(prompt_measure|differences_from_first)\b")  # without infinite KL


@dataclass(frozen=True)
class Drawing:
    """A figure and the query of its data: a name of the report's SQL, or a file, and what it asks for."""

    figure: Figure
    sql: str | Path
    parameters: Mapping[str, Any] = field(default_factory=dict)
    part: str = ""  # of the answers, other than the answer itself, where the figure is of one


def drawings(names: Iterable[str] | None = None) -> dict[str, Drawing]:
    """The report's own figures, or some of them."""
    wanted = figures.FIGURES if names is None else names
    return {name: Drawing(figures.FIGURES[name], f"figures/{name}") for name in wanted}


def drawings_of_parts(con: duckdb.DuckDBPyConnection) -> dict[str, Drawing]:
    """The figures by position and by role, of each part that answers have besides the answer itself."""
    parts = [row["segment"] for row in query.rows(con, "pages/segments") if row["segment"] in OTHER_PARTS]
    known = {name: drawing for name, drawing in drawings().items() if drawing.figure.by_part}
    return {of_part(name, part): replace(drawing, part=part) for name, drawing in known.items() for part in parts}


def write_figures(
    con: duckdb.DuckDBPyConnection, folder: Path, wanted: Mapping[str, Drawing] | None = None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Write all figures with data, except their images. Yields each name with its spec, caption, SQL and rows."""
    folder.mkdir(parents=True)
    comparisons = [row["label"] for row in query.rows(con, "pages/comparisons")]
    infinite = infinite_kl(con)
    for name, drawing in (drawings() if wanted is None else wanted).items():
        made = figure_of(con, drawing, comparisons, infinite)
        if made is None:
            continue
        chart, caption, table = made
        with debug_mode(False):  # the tests hold each figure against the schema; here it would take seconds
            spec = chart.to_dict(validate=False)
        before = f"SET VARIABLE part = '{drawing.part}';\n" if drawing.part else ""
        yield name, write_figure(folder / name, spec, caption, before + query.sql_of(drawing.sql), table)


def figure_of(
    con: duckdb.DuckDBPyConnection, drawing: Drawing, comparisons: Sequence[str], infinite: str
) -> tuple[Chart, str, pa.Table] | None:
    """A figure's chart, caption and rows; None where the report has no data for it."""
    sql = query.sql_of(drawing.sql)
    with _asking(con, drawing.part):
        table = query.table(con, drawing.sql, **drawing.parameters)
    if table.num_rows == 0:
        return None
    caption = query.caption(sql) + (f" Of {OTHER_PARTS[drawing.part]} alone." if drawing.part else "")
    if infinite and _leaves_out(sql, table):
        caption += f" Infinite KL is left out: {infinite}."
    with debug_mode(False):
        return figures.drawn(drawing.figure, table, caption, comparisons), caption, table


@contextmanager
def _asking(con: duckdb.DuckDBPyConnection, part: str) -> Iterator[None]:
    """The queries of the block are of this part of the answers."""
    if not part:
        yield
        return
    con.execute(f"SET VARIABLE part = '{part}'")  # one of OTHER_PARTS
    try:
        yield
    finally:
        con.execute("RESET VARIABLE part")


def write_figure(stem: Path, spec: dict[str, Any], caption: str, sql: str, table: pa.Table) -> dict[str, Any]:
    """A figure's files, STEM.json, .sql and .csv. Returns what pages show of it: spec, caption, SQL and rows."""
    write_file(Path(f"{stem}.json"), json.dumps(spec, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    write_file(Path(f"{stem}.sql"), sql)
    write_file(Path(f"{stem}.csv"), spreadsheet(table) + "\n")
    return {"spec": spec, "caption": caption, "sql": sql, "rows": table.to_pylist()}


def _leaves_out(sql: str, table: pa.Table) -> bool:
    """Whether a figure is of KL where it is finite: filtered by the query, or one of several measures."""
    measures = table["measure"].to_pylist() if _BY_MEASURE.search(sql) and "measure" in table.column_names else ()
    return "finite(" in sql or any("KL" in measure for measure in measures)
