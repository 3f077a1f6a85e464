"""A database from anywhere, opened so that nothing in it can act: no other file, no network, no extension, no setting.

Whoever made the file may have put anything into it. What is run over it is locked in before the first query.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import duckdb

from tds_atlas.paths import real_path

Config = dict[str, str | bool | int | float | list[str]]
RECORDS = "records"  # the name under which a file is attached
NO_EXTENSIONS: Config = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
_SEALED = NO_EXTENSIONS | {"enable_external_access": False}
_LOCK = "SET lock_configuration = true"


def quiet(con: duckdb.DuckDBPyConnection) -> None:
    """No progress among the rows, where DuckDB 2.0 writes it. A notebook without ipywidgets refuses to be told."""
    with suppress(duckdb.InvalidInputException):
        con.execute("SET enable_progress_bar = false")


def identifier(name: str) -> str:
    """A name in SQL, whatever characters it has."""
    return '"' + name.replace('"', '""') + '"'


def open_as_stored(database: Path) -> duckdb.DuckDBPyConnection:
    """The file with its own views and macros, read-only: for a user's SQL."""
    con = duckdb.connect(str(real_path(database)), read_only=True, config=_SEALED)
    if not is_locked(con):  # by another connection of this process
        quiet(con)
        con.execute(_LOCK)
    return con


def attach(con: duckdb.DuckDBPyConnection, database: Path, search_path: str = "") -> None:
    """Attach the file, read-only, as `records`, and lock the connection. Names are not looked up in the file."""
    path = str(real_path(database)).replace("'", "''")
    con.execute(f"ATTACH '{path}' AS {RECORDS} (READ_ONLY, TYPE duckdb)")
    if search_path:
        con.execute(f"SET search_path = '{search_path}'")
    quiet(con)
    con.execute(f"SET enable_external_access = false; {_LOCK}")


def is_locked(con: duckdb.DuckDBPyConnection) -> bool:
    """Named in full: the file may have a macro of the function's name."""
    (locked,) = con.execute("SELECT system.main.current_setting('lock_configuration')").fetchall()[0]
    return bool(locked)
