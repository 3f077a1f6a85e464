"""The database, read-only, and the report's own SQL by name. A user's SQL is in user_sql.py."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count, takewhile
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from tds_atlas.domain import InputError, one_line, text_fault
from tds_atlas.record.catalog import DEFINITIONS, attach_definitions, define, open_records, reference
from tds_atlas.record.kept import is_kept
from tds_atlas.record.sealed import NO_EXTENSIONS, Config, identifier, is_locked, open_as_stored

SQL = Path(__file__).parent / "sql"
# DuckDB where a report is built: two processes share the machine, and what needs more memory spills beside the file.
FRUGAL: Config = {"memory_limit": "400MB", "threads": 2, "block_allocator_memory": "200MB"}
HELD = "held"  # the schema of the views held as tables; see materialise.py
# con.sql(...), which the warning recommends, plans each query twice: a quarter of a report's time in the database.
warnings.filterwarnings("ignore", "Arrow output on a DB-API result", UserWarning)
_CONNECTED = count()  # how often this process connected
_DAMAGE = ("Corrupt database file", "Could not read enough bytes")  # DuckDB's words for a bad block and a cut file
_OF_PACKAGE = ("pages/schema", "pages/macros")  # what the package defines, whatever a file says of itself


def connect(database: Path, views: Path | None = None, config: Config | None = None) -> duckdb.DuckDBPyConnection:
    """Open a database for the package's own SQL, with the package's own views, whatever the file has under their names.

    views: a file with views of this database as tables (see materialise.py), which are read instead of the views.
    config: DuckDB settings other than the defaults.
    """
    _check_file(database)
    settings = NO_EXTENSIONS | (config or {})
    try:
        if views is None:
            con = duckdb.connect(config=settings | {"temp_directory": f"{database}.tmp"})
            if next(_CONNECTED) or is_kept(DEFINITIONS):
                attach_definitions(con)
                open_records(con, database, "views.main")
            else:  # one that stays alone, as in most commands, is quickest this way
                open_records(con, database)
                define(con)
        else:
            con = duckdb.connect(str(views), read_only=True, config=settings)
            if not is_locked(con):  # by another connection of this process
                open_records(con, database, f"views.{HELD},views.main")
    except duckdb.Error as error:
        raise _unopened(database, error) from None
    return con


@contextmanager
def consistent(database: Path) -> Iterator[None]:
    """Raises InputError where the block cannot make sense of what the database holds."""
    try:
        yield
    except InputError:
        raise
    except (duckdb.Error, pa.ArrowException, LookupError, TypeError, ValueError, ArithmeticError) as error:
        what = f"{type(error).__name__}: {one_line(error)}"
        fault = "is damaged" if is_damage(error) else "its rows contradict one another"
        raise InputError(f"{database}: {fault} ({what}); run `tds store` again") from error


def is_damage(error: Exception) -> bool:
    """Whether the file, and not the query, is at fault."""
    return any(words in str(error) for words in _DAMAGE)


def check(database: Path) -> None:
    """Raises InputError where the file is not what this package stores."""
    _check_file(database)
    try:
        with duckdb.connect(config=NO_EXTENSIONS) as con:
            open_records(con, database)
    except duckdb.Error as error:
        raise _unopened(database, error) from None


def connect_as_stored(database: Path) -> duckdb.DuckDBPyConnection:
    """Open a database for a user's SQL, with whatever is in the file. It is locked: no other file, no network."""
    _check_file(database)
    try:
        con = open_as_stored(database)
        con.execute("SELECT count(*) FROM run").fetchall()
    except duckdb.Error as error:
        raise _unopened(database, error) from None
    return con


def _unopened(database: Path, error: duckdb.Error) -> InputError:
    if is_damage(error):
        return InputError(f"{database}: is damaged ({one_line(error)}); run `tds store` again")
    return InputError(f"{database}: not a tds database: {one_line(error)}")


def _check_file(database: Path) -> None:
    if not database.is_file():
        raise InputError(f"{database}: no such file; run `tds store` to write it, or name another with --db")
    if text_fault(str(database)):
        raise InputError(f"{database}: DuckDB opens no file whose name is not UTF-8; rename it")


def portions(con: duckdb.DuckDBPyConnection, positions: int) -> list[tuple[str, str]]:
    """The first and the last response of each portion of the answers, in order of their ids."""
    return con.execute(
        """SELECT min(response_id), max(response_id)
        FROM (SELECT response_id, sum(n_tokens) OVER (ORDER BY response_id) // $positions AS portion FROM response)
        GROUP BY portion ORDER BY portion""",
        {"positions": positions},
    ).fetchall()


def sql_of(name: str | Path) -> str:
    """The text of sql/NAME.sql, or of a file elsewhere."""
    return (name if isinstance(name, Path) else SQL / f"{name}.sql").read_text(encoding="utf-8")


def has_figure(name: str) -> bool:
    """Whether the report has a figure of that name."""
    return (SQL / "figures" / f"{name}.sql").is_file()


def caption(sql: str) -> str:
    """The leading comment of a query as one line; for the cookbook, the question."""
    lines = takewhile(lambda line: line.startswith("-- ") and not line.startswith("-- part: "), sql.splitlines())
    return " ".join(line.removeprefix("-- ") for line in lines)


def whole(con: duckdb.DuckDBPyConnection, view: str) -> pa.Table:
    """A whole view, its numbers as they are."""
    return con.execute(f"FROM {identifier(view)}").to_arrow_table()


def table(con: duckdb.DuckDBPyConnection, name: str | Path, **parameters: Any) -> pa.Table:
    """The result of sql/NAME.sql, rounded to ten digits: the last digits of float sums differ from run to run."""
    try:
        return rounded(source(con, name).execute(sql_of(name), parameters or None).to_arrow_table())
    except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
        if is_damage(error):
            raise
        raise InputError(f"{name}.sql: no room for its result: {one_line(error)}") from None


def source(con: duckdb.DuckDBPyConnection, name: str | Path) -> duckdb.DuckDBPyConnection:
    """The connection that sql/NAME.sql asks: the database, or an empty one for what the package itself defines."""
    return reference() if name in _OF_PACKAGE else con


def rounded(result: pa.Table) -> pa.Table:
    """The rows, numbers to ten digits."""
    for i, field in enumerate(result.schema):
        if field.type == pa.float64():
            values = result.column(i).to_numpy()
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                scale = 10.0 ** (9 - np.floor(np.log10(np.abs(values))))
                rounded = np.where(np.isfinite(values * scale), np.round(values * scale) / scale, values)
            result = result.set_column(i, field, pa.array(rounded, mask=result.column(i).is_null().to_numpy()))
    return result


def rows(con: duckdb.DuckDBPyConnection, name: str | Path, **parameters: Any) -> list[dict[str, Any]]:
    return list(table(con, name, **parameters).to_pylist())
