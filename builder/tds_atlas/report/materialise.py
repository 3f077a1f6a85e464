"""The views that many of a report's queries read, as tables in a separate file that is searched before the database.

The views are computed for a few answers at a time, so that memory does not grow with the report: temporary tables with
those answers' records shadow the full tables, since a temporary table is found before a table of the same name.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb

from tds_atlas.domain import InputError, one_line
from tds_atlas.parts import discard, whole_file
from tds_atlas.record.catalog import definitions, open_records
from tds_atlas.record.sealed import NO_EXTENSIONS, RECORDS, identifier
from tds_atlas.report import query

_WHOLE = ("end_token", "fingerprint_token")  # views that need all answers, or none, at once
_RECORDS = ("response", "position", "score", "divergence", "retold", "stretch")
# Views whose rows depend on one answer each.
_VIEWS = (
    "tds",
    "word",
    "split",
    "stage",
    "primed",
    "primed_pair",
    "sentence_end",
    "counted_twice",
    "example",
    "token_path",
    "likelihood",
    "support",
)
_AT_ONCE = 120_000_000  # bytes, about: the records of a portion and the rows that the views make of them


def materialise(database: Path, path: Path) -> None:
    """Write the file, which appears only when complete. Raises InputError if there is no room, or a table is missing.

    The package's views are in it, too, for whatever is not held.
    """
    try:
        discard(path)
        with (
            whole_file(path) as part,
            duckdb.connect(shutil.copyfile(definitions(), part), config=NO_EXTENSIONS | query.FRUGAL) as con,
        ):
            open_records(con, database)
            con.execute(f"CREATE SCHEMA {query.HELD}")
            for view in map(identifier, _WHOLE):
                con.execute(f"CREATE TEMP TABLE {view} AS FROM views.main.{view}")
                con.execute(f"CREATE TABLE views.{query.HELD}.{view} AS FROM temp.{view}")
            for view in map(identifier, _VIEWS):
                con.execute(f"CREATE TABLE views.{query.HELD}.{view} AS FROM views.main.{view} WITH NO DATA")
            for bounds in query.portions(con, max(1, int(_AT_ONCE / _weight(con)))):
                _add(con, bounds)
    except duckdb.Error as error:
        raise InputError(f"{path}: cannot be written: {one_line(error)}") from None


def _weight(con: duckdb.DuckDBPyConnection) -> float:
    """Approximate bytes per position: scores have lists of candidates, a divergence becomes rows of several views."""
    sql = """
        SELECT (scores * (40 + 8 * candidates) + 300 * divergences) / positions
        FROM (SELECT count(*) AS scores, coalesce(max(len(top_ids)), 0) AS candidates FROM score),
             (SELECT count(*) AS divergences FROM divergence), (SELECT count(*) AS positions FROM "position")"""
    (weight,) = con.execute(sql).fetchall()[0]
    return float(weight or 1)


def _add(con: duckdb.DuckDBPyConnection, bounds: tuple[str, str]) -> None:
    """The rows of the views for a portion of the responses."""
    for table in map(identifier, _RECORDS):
        rows = f"FROM {RECORDS}.main.{table} WHERE response_id BETWEEN ? AND ?"
        con.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {rows}", bounds)
    con.execute("CREATE OR REPLACE TEMP TABLE tds AS FROM views.main.tds")  # other views are made of it
    for view in _VIEWS:
        place = "temp" if view == "tds" else "views.main"
        con.execute(f"INSERT INTO views.{query.HELD}.{identifier(view)} FROM {place}.{identifier(view)}")
