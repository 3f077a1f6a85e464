"""A user's own figures, in `figures` beside site_src: queries, each drawn by Python or by a Vega-Lite spec.

They are programs of the report's owner, like the pages: what is checked is that they can be shown.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from traceback import extract_tb
from typing import Any

import duckdb
import pyarrow as pa

from tds_atlas.domain import InputError, one_line, printable
from tds_atlas.hashes import hash_files
from tds_atlas.parts import write_file
from tds_atlas.report import query
from tds_atlas.report.charts import write_figure
from tds_atlas.report.drawing import write_images
from tds_atlas.report.own_folders import OWN
from tds_atlas.report.pages import OWN_NAME
from tds_atlas.report.spec_fields import missing_column
from tds_atlas.report.user_sql import rows_of

_MOST = 5_000  # rows: what Altair draws, and a page can hold
_IMAGES = ("light.svg", "dark.svg", "png")


@dataclass(frozen=True)
class OwnFigure:
    """A query and how its rows are drawn."""

    sql: Path
    drawing: Path  # .py or .json

    @property
    def name(self) -> str:
        return self.sql.stem

    @property
    def key(self) -> str:
        return hash_files([self.sql, self.drawing])


def read_own_figures(folder: Path) -> list[OwnFigure]:
    """The figures of a folder, by name. Raises InputError for a query that cannot be one."""
    return [_own_figure(path) for path in sorted(folder.glob("*.sql"))]


def _own_figure(path: Path) -> OwnFigure:
    if not OWN_NAME.fullmatch(path.stem):
        raise InputError(f"{path}: a figure is named in small letters, digits and _, a letter first; rename it")
    if query.has_figure(path.stem):
        raise InputError(f"{path}: the report has a figure of this name; rename yours")
    drawings = [path.with_suffix(ending) for ending in (".py", ".json") if path.with_suffix(ending).is_file()]
    if len(drawings) != 1:
        what = "two drawings" if drawings else "no drawing"
        raise InputError(f"{path}: has {what}; give either {path.stem}.py or {path.stem}.json beside it")
    return OwnFigure(path, drawings[0])


def write_own_figures(
    con: duckdb.DuckDBPyConnection, folder: Path, docs: Path, data_key: str, comparisons: list[str]
) -> dict[str, Any]:
    """Draw the figures that are new or have changed, and remove the files of others. Returns those that have rows."""
    store = docs.parent / OWN
    known = json.loads(store.read_text(encoding="utf-8")) if store.is_file() else {}
    drawn = {}
    for figure in read_own_figures(folder):
        key, old = data_key + figure.key, known.get(figure.name, {})
        whole = old.get("key") == key and all(path.is_file() for path in _files(docs, figure.name))
        drawn[figure.name] = old if whole else {"key": key, "figure": _write(con, figure, docs, comparisons)}
    for name in known.keys() - {name for name, entry in drawn.items() if entry["figure"]}:
        for path in _files(docs, name):
            path.unlink(missing_ok=True)
    write_file(store, json.dumps(drawn, default=str))
    return {name: entry["figure"] for name, entry in drawn.items() if entry["figure"]}


def _files(docs: Path, name: str) -> list[Path]:
    return [docs / "figures" / f"{name}.{ending}" for ending in ("json", "sql", "csv", *_IMAGES)]


def _write(
    con: duckdb.DuckDBPyConnection, figure: OwnFigure, docs: Path, comparisons: list[str]
) -> dict[str, Any] | None:
    """The figure's files and what pages show of it; None where its query has no rows."""
    sql = _text(figure.sql)
    caption = query.caption(sql)
    if not caption:
        raise InputError(f"{figure.sql}: must begin with a comment, `-- What is shown.`; it is the caption")
    try:
        table = query.rounded(rows_of(con, sql))
    except InputError as error:
        raise InputError(f"{figure.sql}: {error}") from None
    if not table.num_rows:
        return None
    if table.num_rows > _MOST:
        what = f"{table.num_rows:,} rows; a figure draws at most {_MOST:,}"
        raise InputError(f"{figure.sql}: {what}: summarise them in SQL")
    draw = _by_python if figure.drawing.suffix == ".py" else _by_spec
    spec = draw(figure.drawing, table, caption, comparisons)
    if _loads(spec):
        raise InputError(f"{figure.drawing}: loads data from a URL; a figure draws the rows of its query alone")
    if missing := missing_column(spec):
        name, there = missing
        named, known = printable(name), ", ".join(map(printable, sorted(there)))
        raise InputError(f"{figure.drawing}: shows a column {named} that its rows do not have; there are {known}")
    try:
        shown = write_figure(docs / "figures" / figure.name, spec, caption, sql, table)
        write_images(docs / "figures", figure.name, spec)
    except (TypeError, ValueError) as error:  # what JSON has no word for, and what Vega-Lite cannot draw
        raise InputError(f"{figure.drawing}: cannot be drawn: {one_line(error)}") from None
    return shown


def _by_python(path: Path, table: pa.Table, caption: str, comparisons: list[str]) -> dict[str, Any]:
    """The chart that the file's `draw(table, colour)` returns, in the site's theme."""
    from tds_atlas.report.figures import drawn
    from tds_atlas.report.figures.registry import Figure

    module: dict[str, Any] = {"__name__": path.stem, "__file__": str(path)}
    _run(path, lambda: exec(compile(_text(path), str(path), "exec"), module))
    draw, says = module.get("draw"), module.get("says", lambda _: "")
    if not callable(draw):
        raise InputError(f"{path}: has no function draw(table, colour) that returns an Altair chart")
    spec: dict[str, Any] = _run(path, lambda: drawn(Figure(draw, says), table, caption, comparisons).to_dict())
    return spec


def _run(path: Path, work: Callable[[], Any]) -> Any:
    """The result of a user's program. Raises InputError with the line of the file that failed."""
    try:
        return work()
    except Exception as error:  # a program can fail in any way
        lines = [frame.lineno for frame in extract_tb(error.__traceback__) if frame.filename == str(path)]
        line = lines[-1] if lines else getattr(error, "lineno", None)
        place = f"{path}: line {line}" if line else path
        raise InputError(f"{place}: {type(error).__name__}: {one_line(error)}") from None


def _by_spec(path: Path, table: pa.Table, caption: str, comparisons: list[str]) -> dict[str, Any]:
    """A Vega-Lite spec with the query's rows as its data, in the site's theme."""
    import altair as alt
    from jsonschema import ValidationError

    from tds_atlas.report import theme

    try:
        spec = json.loads(_text(path))
    except ValueError as error:
        raise InputError(f"{path}: is not JSON: {one_line(error)}") from None
    if not isinstance(spec, dict):
        raise InputError(f"{path}: must be an object, a Vega-Lite spec without `data`")
    description = f"{caption} {spec.get('description', '')}".strip()
    data = alt.InlineData(table.to_pylist()).to_dict()
    whole = {"width": "container"} | spec | {"data": data, "config": theme.LIGHT, "description": description}
    try:
        alt.Chart.from_dict(whole)
    except ValidationError as error:
        raise InputError(f"{path}: {error.json_path}: {one_line(error.message)}; no Vega-Lite spec has that") from None
    return whole


def _loads(spec: Any) -> bool:
    """Whether a spec names a place to load data from."""
    if isinstance(spec, dict):
        data = spec.get("data")
        return (isinstance(data, dict) and "url" in data) or any(map(_loads, spec.values()))
    return isinstance(spec, list) and any(map(_loads, spec))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{path}: is not UTF-8") from None
