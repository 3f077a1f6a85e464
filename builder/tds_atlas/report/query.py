"""The database, read-only: the report's own SQL by name, and a user's SQL."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import takewhile
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import numpy as np
import pyarrow as pa

from tds_atlas.domain import InputError, first_line, text_fault
from tds_atlas.record.store import QUIET, attach_database

T = TypeVar("T")
SQL = Path(__file__).parent / "sql"
Config = dict[str, str | bool | int | float | list[str]]
# DuckDB where a report is built: two processes share the machine, and what needs more memory spills beside the file.
FRUGAL: Config = {"memory_limit": "400MB", "threads": 2, "block_allocator_memory": "200MB"}


def connect(database: Path, views: Path | None = None, config: Config | None = None) -> duckdb.DuckDBPyConnection:
    """Open a database for reading, locked: no other file, no network, no extension.

    views: a file with views of this database as tables (see materialise.py), which are read instead of the views.
    config: DuckDB settings other than the defaults.
    """
    if not database.is_file():
        raise InputError(f"{database}: no such file; run `tds store` to write it, or name another with --db")
    if text_fault(str(database)):
        raise InputError(f"{database}: DuckDB opens no file whose name is not UTF-8; rename it")
    try:
        con = duckdb.connect(str(views or database), read_only=True, config=config or {})
        (locked,) = con.execute("SELECT current_setting('lock_configuration')").fetchall()[0]
        if not locked:  # by another connection of this process
            if views:
                attach_records(con, database)
            con.execute(f"{QUIET}; SET enable_external_access = false; SET lock_configuration = true")
        con.execute("SELECT count(*) FROM run").fetchall()
    except duckdb.Error as error:
        raise InputError(f"{database}: not a tds database: {first_line(error)}") from None
    return con


def attach_records(con: duckdb.DuckDBPyConnection, database: Path) -> None:
    """Attach the database of records to a connection to a file of views, for whatever that file does not hold."""
    attach_database(con, database, "records")
    con.execute("SET search_path = 'views.main,records.main'")


def portions(con: duckdb.DuckDBPyConnection, positions: int) -> list[tuple[str, str]]:
    """The first and the last response of each portion of the answers, in order of their ids."""
    return con.execute(
        """SELECT min(response_id), max(response_id)
        FROM (SELECT response_id, sum(n_tokens) OVER (ORDER BY response_id) // $positions AS portion FROM response)
        GROUP BY portion ORDER BY portion""",
        {"positions": positions},
    ).fetchall()


def sql_of(name: str) -> str:
    """The text of sql/NAME.sql."""
    return (SQL / f"{name}.sql").read_text(encoding="utf-8")


def caption(sql: str) -> str:
    """The leading comment of a query as one line; for the cookbook, the question."""
    lines = takewhile(lambda line: line.startswith("-- ") and not line.startswith("-- part: "), sql.splitlines())
    return " ".join(line.removeprefix("-- ") for line in lines)


def table(con: duckdb.DuckDBPyConnection, name: str, **parameters: Any) -> pa.Table:
    """The result of sql/NAME.sql, rounded to ten digits: the last digits of float sums differ from run to run."""
    try:
        return _rounded(con.sql(sql_of(name), params=parameters or None).to_arrow_table())
    except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
        raise InputError(f"{name}.sql: no room for its result: {first_line(error)}") from None


def _rounded(result: pa.Table) -> pa.Table:
    for i, field in enumerate(result.schema):
        if field.type == pa.float64():
            values = result.column(i).to_numpy()
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                scale = 10.0 ** (9 - np.floor(np.log10(np.abs(values))))
                rounded = np.where(np.isfinite(scale), np.round(values * scale) / scale, values)
            result = result.set_column(i, field, pa.array(rounded, mask=result.column(i).is_null().to_numpy()))
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
        raise InputError("the statement returns no rows; the database is read-only")
    return result


def run(con: duckdb.DuckDBPyConnection, sql: str) -> pa.Table:
    """The rows of a user's query."""
    try:
        return relation(con, sql).to_arrow_table()
    except duckdb.Error as error:
        raise InputError(first_line(error)) from None


def interruptible(con: duckdb.DuckDBPyConnection, work: Callable[[], T]) -> T:
    """The result of work on the connection, in a thread: DuckDB notices Ctrl+C only between long pieces of a query."""
    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(work)
        try:
            return result.result()
        except KeyboardInterrupt:
            con.interrupt()
            raise


def read_sql(text: str) -> str:
    """A user's SQL: as given, or from standard input for a dash. Raises InputError for text that DuckDB cannot read."""
    if text == "-" and sys.stdin is None:
        raise InputError("standard input is closed; give the SQL as an argument")
    try:
        sql = sys.stdin.read() if text == "-" else text
    except UnicodeDecodeError:
        raise InputError("the SQL on standard input is not UTF-8") from None
    if fault := text_fault(sql):
        raise InputError(f"the SQL {fault}")
    return sql
