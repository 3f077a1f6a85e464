"""Rows as text and files: a table that fits the terminal, CSV, JSON, Parquet. Knows no query."""

from __future__ import annotations

import csv
import json
import math
import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet
from rich.cells import cell_len, set_cell_size

from tds_atlas.domain import InputError, one_line, printable
from tds_atlas.parts import whole_file

_WIDEST = 60  # characters of a cell in a printed table
_NARROWEST = 12  # characters of a cell, at least, however narrow the terminal
_FORMULA = re.compile(r"(?![+-]?[\d.]+(e[+-]?\d+)?$)[=+\-@\t\r\n＝＋－＠]")  # what a spreadsheet would run
_BATCH = 50_000  # rows in memory, and in a row group of a Parquet file


def write_parquet(batches: pa.RecordBatchReader, path: Path) -> int:
    """Rows as a Parquet file, a batch at a time. Returns their number."""
    with pa.parquet.ParquetWriter(path, batches.schema, compression="zstd") as writer:
        rows = 0
        for batch in batches:
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows


def save(result: pa.Table | duckdb.DuckDBPyRelation, style: str, path: Path) -> None:
    """Write rows to a file, which appears, or replaces an older one, only when complete. A database is left alone."""
    if path.is_dir() or (path.exists() and not path.is_file()):
        raise InputError(f"{path}: is not a file; name one with --output")
    if path.exists() and _is_database(path):
        raise InputError(f"{path}: is a database; name another file with --output")
    try:
        with whole_file(path) as part:
            if style == "parquet":
                reader = result.to_reader(_BATCH) if isinstance(result, pa.Table) else result.to_arrow_reader(_BATCH)
                write_parquet(reader, part)
            else:
                table = result if isinstance(result, pa.Table) else result.to_arrow_table()
                part.write_text(format_table(table, style) + "\n", encoding="utf-8")
    except (duckdb.Error, pa.ArrowException) as error:
        raise InputError(one_line(error)) from None


def _is_database(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(12)[8:] == b"DUCK"


def terminal_width() -> int | None:
    """Columns of the terminal that the standard output is; None where it is a file or a pipe."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def format_table(
    result: pa.Table, style: str, width: int | None = None, rest: str = "A wider terminal has room for them."
) -> str:
    """Rows as an aligned table, CSV, or a JSON array with a row a line.

    width: an aligned table has the columns that fit into so many characters, and says which it leaves out; rest: how to
    see these.
    """
    names, rows = result.column_names, _rows(result)
    if style == "json":
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise InputError(f"two columns are called {printable(twice)}, which JSON cannot hold; name one with AS")
        return json_text([dict(zip(names, row, strict=True)) for row in rows])
    if style == "csv":
        return _csv([names, *rows])
    cells = [[_cell(value) for value in row] for row in rows]
    return "\n".join(_aligned(result.schema, cells, width, rest))


def _rows(result: pa.Table) -> list[tuple[Any, ...]]:
    """Raises InputError for a time that Python has none for: an infinite one, or outside the years 1 to 9999."""
    columns = []
    for name, column in zip(result.column_names, result.columns, strict=True):
        try:
            columns.append(column.to_pylist())
        except (OverflowError, ValueError) as error:
            what = f"a time that cannot be shown ({one_line(error)}); cast it to VARCHAR, or use --format parquet"
            raise InputError(f"column {printable(name)}: {what}") from None
    return list(zip(*columns, strict=True))


def json_text(value: Any) -> str:
    """JSON, which has no infinity: as the text inf or -inf, and nan likewise."""
    return json.dumps(_with_names(value), ensure_ascii=False, default=str, indent=1, allow_nan=False)


def _with_names(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_names(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_with_names(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def spreadsheet(result: pa.Table) -> str:
    """Rows as CSV for people: an apostrophe before each text that a spreadsheet would run as a formula."""
    rows = [result.column_names, *(list(row.values()) for row in result.to_pylist())]
    return _csv([[f"'{v}" if isinstance(v, str) and _FORMULA.match(v) else v for v in row] for row in rows])


def _csv(rows: Iterable[Sequence[Any]]) -> str:
    """Lines end with a line feed; the writer quotes a carriage return only where that is part of its own ending."""
    lines: list[str] = []
    csv.writer(SimpleNamespace(write=lines.append), lineterminator="\r\n").writerows(rows)
    return "\n".join(line.removesuffix("\r\n") for line in lines)


def _aligned(schema: pa.Schema, cells: list[list[str]], width: int | None, rest: str) -> Iterator[str]:
    """Lines of a table: names, a rule, rows, how many there are, and which columns there was no room for."""
    names = [printable(name) for name in schema.names]
    if width is not None:
        cells = [[_cut(cell, max(_NARROWEST, width // 3)) for cell in row] for row in cells]
    widths = [max(map(cell_len, column)) for column in zip(names, *cells, strict=True)]
    shown = len(names) if width is None else max(1, _fitting(widths, width))
    columns = [(w, _is_number(kind)) for w, kind in zip(widths[:shown], schema.types, strict=False)]
    rule = ["─" * w for w in widths]
    for row in (names, rule, *cells):
        yield "  ".join(_padded(c, w, right) for c, (w, right) in zip(row, columns, strict=False)).rstrip()
    yield f"({len(cells)} row{'' if len(cells) == 1 else 's'})"
    if width is not None and shown < len(names):
        left = names[shown:]
        listed = f"{len(left)} more {'column does' if len(left) == 1 else 'columns do'} not fit: {', '.join(left)}"
        yield from textwrap.wrap(f"{listed}. {rest}", max(20, width))


def _fitting(widths: list[int], width: int) -> int:
    """How many columns fit, two spaces between them."""
    return sum(end <= width + 2 for end in accumulate(w + 2 for w in widths))


def _padded(text: str, width: int, right: bool) -> str:
    space = " " * (width - cell_len(text))
    return space + text if right else text + space


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _cell(value: Any) -> str:
    """A value on one line: control characters written out, long texts cut."""
    if value is None:
        return "NULL"
    text = f"{value:.6g}" if isinstance(value, float) else value if isinstance(value, str) else str(value)
    return _cut(printable(text), _WIDEST)


def _cut(text: str, width: int) -> str:
    return text if cell_len(text) <= width else set_cell_size(text, width - 1).rstrip() + "…"
