"""The tables, views and macros of a database as SQL, and a database that holds nothing else yet."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb

from tds_atlas.record.comments import TEXT as COMMENTS
from tds_atlas.record.comments import write_comments
from tds_atlas.record.kept import kept

STORAGE_VERSION = "v1.4.0"  # for DuckDB 1.4 and later, DuckDB-Wasm included; only 2.0 opens files with 2.0's default
_FOLDER = Path(__file__).parent
_FILES = {
    "schema": ("schema",),
    "views": (
        "statistics",
        "tests",
        "views",
        "analysis",
        "parting",
        "by_prompt",
        "samples",
        "series",
        "curves",
        "probes",
        "controls",
        "amplified",
        "fingerprint",
        "aligntds",
        "token_path",
        "likelihood",
        "support",
        "passages",
    ),
}
SQL = {
    name: "".join((_FOLDER / f"{part}.sql").read_text(encoding="utf-8") for part in parts)
    for name, parts in _FILES.items()
}


def schema_text() -> str:
    """The SQL of tables and views, and their comments; part of the database's content key."""
    return SQL["schema"] + SQL["views"] + COMMENTS


def create_views(con: duckdb.DuckDBPyConnection) -> None:
    """The views and macros over the tables of the schema, and comments on all of them."""
    con.execute(SQL["views"])
    write_comments(con)


def write_empty(path: Path) -> None:
    """A new database without a row: a copy, since DuckDB plans each view that it makes: a second for all."""
    shutil.copyfile(empty(), path)


def empty() -> Path:
    """A database without a row, to copy."""
    return kept("empty.duckdb", _write_empty)


def _write_empty(path: Path) -> None:
    with duckdb.connect(str(path), config={"storage_compatibility_version": STORAGE_VERSION}) as con:
        con.execute(SQL["schema"])
        create_views(con)
