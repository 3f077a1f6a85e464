"""The tables, views and macros of this package, over a file that may hold others.

Nothing in the file has a say in what a number means: the tables of the schema are checked column by column and read
through views that are defined here, in another catalog, beside the package's own views and macros. Names are looked up
there alone, so that a view or a macro of the file is never run.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import duckdb

from tds_atlas.domain import NAME, InputError
from tds_atlas.parts import temporary_folder
from tds_atlas.record.kept import kept
from tds_atlas.record.schema import SQL, create_views, write_empty
from tds_atlas.record.sealed import RECORDS, attach, identifier

Columns = tuple[tuple[str, str, bool], ...]  # name, type, and whether it may be NULL
_COLUMNS = """
    SELECT table_name, column_name, data_type, is_nullable
    FROM duckdb_columns()
    JOIN duckdb_tables() USING (database_name, schema_name, table_name)
    WHERE database_name = $database AND schema_name = 'main' AND NOT is_generated
    ORDER BY table_name, column_index"""
_OBJECTS = """
    SELECT 'table', table_name, sql FROM duckdb_tables() WHERE database_name = 'records'
    UNION ALL
    SELECT 'view', view_name, sql FROM duckdb_views() WHERE database_name = 'records' AND NOT internal
    UNION ALL
    SELECT function_type, function_name, concat(parameters::VARCHAR, macro_definition)
    FROM duckdb_functions()
    WHERE database_name = 'records' AND NOT internal
    UNION ALL
    SELECT 'index', index_name, sql FROM duckdb_indexes() WHERE database_name = 'records'
    UNION ALL
    SELECT 'sequence', sequence_name, sql FROM duckdb_sequences() WHERE database_name = 'records'
    UNION ALL
    SELECT 'type', type_name, '' FROM duckdb_types() WHERE database_name = 'records' AND NOT internal
    UNION ALL
    SELECT 'schema', schema_name, '' FROM duckdb_schemas() WHERE database_name = 'records' AND NOT internal
    ORDER BY ALL"""
DEFINITIONS = "views.duckdb"  # as it is attached, `views`
_EXCLUDED = re.compile(r"(?<=EXCLUDE \()[^()]*(?=\))")


@cache
def reference() -> duckdb.DuckDBPyConnection:
    """An empty database as this package makes it: what its tables, views and macros are, with their comments."""
    con = duckdb.connect()
    con.execute(SQL["schema"])
    create_views(con)
    return con


@cache
def tables() -> dict[str, Columns]:
    """The package's tables, each with its columns in order."""
    with duckdb.connect() as con:
        con.execute(SQL["schema"])
        return _tables(con, "memory")


@cache
def _views() -> list[duckdb.Statement]:
    """The statements that make views and macros; their comments are read from `reference`."""
    statements = duckdb.extract_statements(SQL["views"])
    return [statement for statement in statements if statement.type == duckdb.StatementType.CREATE]


def open_records(con: duckdb.DuckDBPyConnection, database: Path, search_path: str = "") -> None:
    """Attach a file and check it. Raises InputError where it is not what this package stores."""
    attach(con, database, search_path)
    stored = _tables(con, RECORDS)
    if not stored.keys() & tables().keys():
        raise InputError(f"{database}: not a tds database: it has none of the tables")
    for name, columns in tables().items():
        if stored.get(name) != columns:
            what = f"the table {name} has other columns" if name in stored else f"there is no table {name}"
            raise InputError(f"{database}: stored by another version of tds ({what}); run `tds store` to rewrite it")
    seen: set[str] = set()
    for (name,) in con.execute(f"SELECT comparison_id FROM {RECORDS}.main.comparison").fetchall():
        if not re.fullmatch(NAME, name) or name.lower() in seen:
            rule = "only letters, digits, _, . and -, and differ from others in more than their case"
            raise InputError(f"{database}: comparison_id {name[:80]!r}: names a folder; it must have {rule}")
        seen.add(name.lower())


def definitions() -> Path:
    """A file with what `define` makes: to attach or to copy it takes a fifth of the time."""
    return kept(DEFINITIONS, _write_definitions)


def _write_definitions(path: Path) -> None:
    with duckdb.connect(str(path)) as con:
        con.execute(f"ATTACH ':memory:' AS {RECORDS}; USE {RECORDS}")
        con.execute(SQL["schema"])
        con.execute("USE views")
        define(con)


def attach_definitions(con: duckdb.DuckDBPyConnection) -> None:
    """That file as `views`."""
    path = str(definitions()).replace("'", "''")
    con.execute(f"ATTACH '{path}' AS views (READ_ONLY)")


def define(con: duckdb.DuckDBPyConnection) -> None:
    """The package's tables as views over the attached file, then its own views and macros."""
    for name, columns in tables().items():
        listed = ", ".join(identifier(column) for column, _, _ in columns)
        con.execute(f"CREATE VIEW {identifier(name)} AS SELECT {listed} FROM {RECORDS}.main.{identifier(name)}")
    for statement in _views():
        con.execute(statement)


def holds_nothing_else(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether the attached file has this package's tables, views and macros to the letter, and nothing besides.

    Compared with a file, because DuckDB writes out a stored view in other words than one just made.
    """
    return _objects(con) == _own_objects()


def _objects(con: duckdb.DuckDBPyConnection) -> list[tuple[str, ...]]:
    """What is in the attached file. DuckDB turns the columns of an EXCLUDE round each time it stores a view."""
    return [(*names, excluded_in_order(sql or "")) for *names, sql in con.execute(_OBJECTS).fetchall()]


def excluded_in_order(sql: str) -> str:
    """A definition in which the columns of each EXCLUDE are sorted."""
    return _EXCLUDED.sub(lambda columns: ", ".join(sorted(columns.group().split(", "))), sql)


@cache
def _own_objects() -> list[tuple[str, ...]]:
    with temporary_folder() as folder:
        path = Path(folder) / f"{RECORDS}.duckdb"
        write_empty(path)
        with duckdb.connect(str(path), read_only=True) as own:
            return _objects(own)


def _tables(con: duckdb.DuckDBPyConnection, name: str) -> dict[str, Columns]:
    found: dict[str, Columns] = {}
    for table, *column in con.execute(_COLUMNS, {"database": name}).fetchall():
        found[table] = (*found.get(table, ()), tuple(column))
    return found
