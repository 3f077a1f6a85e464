"""The database, read-only: the report's own SQL by name, and a user's SQL with its rows as text."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet

from builder.domain import InputError, first_line, printable
from builder.record import store
from builder.record.store import QUIET

SQL = Path(__file__).parent / "sql"
Config = dict[str, str | bool | int | float | list[str]]
# DuckDB where a report is built: two processes share the machine, and what needs more memory spills beside the file.
FRUGAL: Config = {"memory_limit": "400MB", "threads": 2, "block_allocator_memory": "200MB"}
_WIDEST = 60  # characters of a cell in a printed table
_BATCH = 50_000  # rows in memory, and in a row group of a Parquet file


def connect(database: Path, held: Path | None = None, config: Config | None = None) -> duckdb.DuckDBPyConnection:
    """Open a database for reading, with no way out of it: no other file, no network, no extension.

    held: a file with views of this database as tables (see held.py), which are read in their place.
    config: DuckDB's settings, where they are not its own.
    """
    if not database.is_file():
        raise InputError(f"{database}: there is no such file; `tds store` writes it, --db names another")
    try:
        con = duckdb.connect(str(held or database), read_only=True, config=config or {})
        (locked,) = con.execute("SELECT current_setting('lock_configuration')").fetchall()[0]
        if not locked:  # by another connection of this process
            if held:
                attach(con, database)
            con.execute(f"{QUIET}; SET enable_external_access = false; SET lock_configuration = true")
        con.execute("SELECT count(*) FROM run").fetchall()
    except duckdb.Error as error:
        raise InputError(f"{database}: not a database of tds: {first_line(error)}") from None
    return con


def attach(con: duckdb.DuckDBPyConnection, database: Path) -> None:
    """To a connection to a held file, the database of its records: what the file does not hold is found there."""
    store.attach(con, database, "records")
    con.execute("SET search_path = 'held.main,records.main'")


def portions(con: duckdb.DuckDBPyConnection, positions: int) -> list[tuple[str, str]]:
    """The first and the last response of each portion of the answers, in order of their ids."""
    return con.execute(
        """SELECT min(response_id), max(response_id)
        FROM (SELECT response_id, sum(n_tokens) OVER (ORDER BY response_id) // $positions AS portion FROM response)
        GROUP BY portion ORDER BY portion""",
        {"positions": positions},
    ).fetchall()


def load(name: str) -> str:
    """The text of sql/NAME.sql."""
    return (SQL / f"{name}.sql").read_text(encoding="utf-8")


def caption(sql: str) -> str:
    """The leading comment of a query, as one line; of a question of the cookbook, the question."""
    lines = takewhile(lambda line: line.startswith("-- ") and not line.startswith("-- part: "), sql.splitlines())
    return " ".join(line.removeprefix("-- ") for line in lines)


def table(con: duckdb.DuckDBPyConnection, name: str, **parameters: Any) -> pa.Table:
    """The result of sql/NAME.sql. Sums of floats differ in their last digits from run to run: ten digits are kept."""
    try:
        return _steady(con.sql(load(name), params=parameters or None).to_arrow_table())
    except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
        raise InputError(f"{name}.sql: no room for its result: {first_line(error)}") from None


def _steady(result: pa.Table) -> pa.Table:
    for i, field in enumerate(result.schema):
        if field.type == pa.float64():
            values = result.column(i).to_numpy()
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                scale = 10.0 ** (9 - np.floor(np.log10(np.abs(values))))
                kept = np.where(np.isfinite(scale), np.round(values * scale) / scale, values)
            result = result.set_column(i, field, pa.array(kept, mask=result.column(i).is_null().to_numpy()))
    return result


def rows(con: duckdb.DuckDBPyConnection, name: str, **parameters: Any) -> list[dict[str, Any]]:
    return list(table(con, name, **parameters).to_pylist())


def relation(con: duckdb.DuckDBPyConnection, sql: str) -> duckdb.DuckDBPyRelation:
    """A user's query, not yet run. Raises InputError with the database's own first line."""
    try:
        result = con.sql(sql)
    except duckdb.Error as error:
        raise InputError(first_line(error)) from None
    if result is None:
        raise InputError("the statement gives no rows; the database is open for reading only")
    return result


def run(con: duckdb.DuckDBPyConnection, sql: str) -> pa.Table:
    """The rows of a user's query."""
    try:
        return relation(con, sql).to_arrow_table()
    except duckdb.Error as error:
        raise InputError(first_line(error)) from None


def read_sql(text: str) -> str:
    """A user's SQL: as given, or from the standard input for a dash."""
    if text != "-":
        return text
    try:
        return sys.stdin.read()
    except UnicodeDecodeError:
        raise InputError("the SQL on the standard input is not UTF-8") from None


def write_parquet(batches: pa.RecordBatchReader, path: Path) -> int:
    """Rows as a Parquet file, a batch at a time. Returns their number."""
    with pa.parquet.ParquetWriter(path, batches.schema, compression="zstd") as writer:
        rows = 0
        for batch in batches:
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows


def save(result: pa.Table | duckdb.DuckDBPyRelation, style: str, path: Path, database: Path) -> None:
    """Rows into a file, which appears, or replaces an older one, only when it is whole."""
    if path.is_dir() or (path.exists() and not path.is_file()):
        raise InputError(f"{path}: is not a file; name one with --output")
    if path.exists() and database.exists() and path.samefile(database):
        raise InputError(f"{path}: is the database itself; name another file with --output")
    with _whole(path) as part:
        if style == "parquet":
            reader = result.to_reader(_BATCH) if isinstance(result, pa.Table) else result.to_arrow_reader(_BATCH)
            write_parquet(reader, part)
        else:
            table = result if isinstance(result, pa.Table) else result.to_arrow_table()
            part.write_text(format_table(table, style) + "\n", encoding="utf-8")


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """A temporary path beside a file, renamed to it at the end and removed after any failure."""
    target = path.resolve()
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(target)
    except (duckdb.Error, pa.ArrowException) as error:
        raise InputError(first_line(error)) from None
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or first_line(error)}") from None
    finally:
        part.unlink(missing_ok=True)


def format_table(result: pa.Table, style: str) -> str:
    """Rows as an aligned table, CSV or JSON lines of one array."""
    records = result.to_pylist()
    if style == "json":
        return json.dumps(records, ensure_ascii=False, default=str, indent=1)
    if style == "csv":
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerows([result.column_names, *(list(row.values()) for row in records)])
        return out.getvalue().rstrip("\n")
    return _aligned(result.column_names, [[_cell(value) for value in row.values()] for row in records], result.schema)


def _aligned(names: list[str], cells: list[list[str]], schema: pa.Schema) -> str:
    widths = [
        max(len(name), *(len(row[i]) for row in cells), 1) if cells else len(name) for i, name in enumerate(names)
    ]
    right = [pa.types.is_integer(t) or pa.types.is_floating(t) or pa.types.is_decimal(t) for t in schema.types]

    def line(row: list[str]) -> str:
        return "  ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right, strict=True)).rstrip()

    count = f"({len(cells)} row{'' if len(cells) == 1 else 's'})"
    return "\n".join([line(names), line(["─" * width for width in widths]), *map(line, cells), count])


def _cell(value: Any) -> str:
    """A value on one line: control characters written out, long texts cut."""
    if value is None:
        return "NULL"
    text = f"{value:.6g}" if isinstance(value, float) else value if isinstance(value, str) else str(value)
    text = printable(text)
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"
