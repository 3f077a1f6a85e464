"""A user's SQL on a database: read, refused where it would write, run so that Ctrl+C ends it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import duckdb
import pyarrow as pa

from tds_atlas.domain import InputError, one_line, text_fault
from tds_atlas.report.query import is_damage

T = TypeVar("T")


def relation(con: duckdb.DuckDBPyConnection, sql: str) -> duckdb.DuckDBPyRelation:
    """A user's query, not yet run. Raises InputError with the database's own first line."""
    try:
        statements = con.extract_statements(sql)
        _refuse_copy(statements)
        result = con.sql(sql)
    except duckdb.Error as error:
        raise InputError(one_line(error)) from None
    if any(map(_is_select, statements[:-1])):
        raise InputError("several queries, of which only the last one's rows would be shown; give one at a time")
    if result is None:
        raise InputError("the statement returns no rows; the database is read-only")
    return result


def _is_select(statement: duckdb.Statement) -> bool:
    try:
        return bool(statement.type == duckdb.StatementType.SELECT)
    except ValueError:  # DuckDB knows more kinds than its Python package
        return False


def _refuse_copy(statements: list[duckdb.Statement]) -> None:
    """COPY could replace the database itself, the one file that stays open; EXPLAIN ANALYZE and EXECUTE run it, too."""
    for statement in statements:
        if not _is_select(statement) and re.search(r"\bcopy\b", statement.query, re.IGNORECASE):
            raise InputError("COPY is not possible, the database is read-only; write rows to a file with --output")


def rows_of(con: duckdb.DuckDBPyConnection, sql: str) -> pa.Table:
    """The rows of a user's query."""
    return fetch(relation(con, sql))


def fetch(result: duckdb.DuckDBPyRelation) -> pa.Table:
    try:
        return result.to_arrow_table()
    except duckdb.Error as error:
        mend = "; the database is damaged, run `tds store` again" if is_damage(error) else ""
        raise InputError(f"{one_line(error)}{mend}") from None


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
