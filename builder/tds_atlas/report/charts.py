"""Each figure as files: Vega-Lite JSON, SQL, CSV, PNG, SVG in both palettes; and the Vega bundle that draws them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import vl_convert

from tds_atlas.parts import write_file
from tds_atlas.report import figures, query, theme
from tds_atlas.report.infinite import infinite_kl
from tds_atlas.report.table_formats import spreadsheet

_STATIC_WIDTH = 720
_BY_MEASURE = re.compile(r"\b(prompt_measure|differences_from_first)\b")  # without infinite KL
_VERSION = "6.4"  # of Vega-Lite, as Altair writes it
_NOT_IN_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_figures(con: duckdb.DuckDBPyConnection, folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Write all figures with data, except their images. Yields each name with its spec, caption, SQL and rows."""
    folder.mkdir(parents=True)
    comparisons = [row["label"] for row in query.rows(con, "pages/comparisons")]
    infinite = infinite_kl(con)
    for name in figures.FIGURES:
        sql = query.sql_of(f"figures/{name}")
        table = query.table(con, f"figures/{name}")
        if table.num_rows == 0:
            continue
        caption = query.caption(sql)
        if infinite and _leaves_out(sql, table):
            caption += f" Infinite KL is left out: {infinite}."
        spec = figures.build(name, table, caption, comparisons).to_dict()
        write_file(folder / f"{name}.json", json.dumps(spec, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
        write_file(folder / f"{name}.sql", sql)
        write_file(folder / f"{name}.csv", spreadsheet(table) + "\n")
        yield name, {"spec": spec, "caption": caption, "sql": sql, "rows": table.to_pylist()}


def _leaves_out(sql: str, table: pa.Table) -> bool:
    """Whether a figure is of KL where it is finite: filtered by the query, or one of several measures."""
    measures = table["measure"].to_pylist() if _BY_MEASURE.search(sql) and "measure" in table.column_names else ()
    return "finite(" in sql or any("KL" in measure for measure in measures)


def write_images(folder: Path, name: str, spec: dict[str, Any]) -> None:
    """A figure as SVG in both palettes, and as PNG of the light one."""
    light, dark = (_svg(_static(spec, config)) for config in (theme.LIGHT, theme.DARK))
    write_file(folder / f"{name}.light.svg", light)
    write_file(folder / f"{name}.dark.svg", dark)
    write_file(folder / f"{name}.png", _png(light))


@cache
def vega_bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed as one classic script that sets window.vegaEmbed and leaks no other name."""
    return f"(()=>{{{vl_convert.javascript_bundle('window.vegaEmbed = vegaEmbed;', vl_version=_VERSION)}}})();\n"


def _static(spec: dict[str, Any], config: dict[str, Any]) -> dict[str, Any]:
    """The spec at a fixed width. A concatenation has the width of its parts."""
    fixed: dict[str, Any] = _in_xml(spec) | {"config": config}
    return fixed | {"width": _STATIC_WIDTH} if spec.get("width") == "container" else fixed


def _in_xml(value: Any) -> Any:
    """A copy whose texts an SVG can hold: the drawing library ends the whole process at a U+FFFE."""
    if isinstance(value, dict):
        return {key: _in_xml(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_in_xml(part) for part in value]
    return _NOT_IN_XML.sub("\ufffd", value) if isinstance(value, str) else value


def _svg(spec: dict[str, Any]) -> str:
    return str(vl_convert.vegalite_to_svg(spec, vl_version=_VERSION, allowed_base_urls=[]))


def _png(svg: str, scale: float = 2) -> bytes:
    """A drawn figure on white, as Vega draws a background: a rectangle behind everything else."""
    white = svg.replace(">", '><rect width="100%" height="100%" fill="white"/>', 1)
    return bytes(vl_convert.svg_to_png(white, scale=scale))
