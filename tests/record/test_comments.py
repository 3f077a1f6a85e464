"""The comments of tables, views and columns: each text has its place, and each place one text."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb

from tds_atlas.record.catalog import reference
from tds_atlas.record.comments import SHARED, comments, write_comments

COLUMNS = "SELECT table_name, column_name, comment FROM duckdb_columns() WHERE NOT internal"
RELATIONS = "SELECT table_name, '', comment FROM duckdb_tables() UNION ALL SELECT view_name, '', comment FROM duckdb_views() WHERE NOT internal"


def places() -> dict[tuple[str, str], str | None]:
    """The comment of each column, and of each table and view under an empty column."""
    return {
        (relation, column): text
        for relation, column, text in reference().execute(f"{COLUMNS} UNION ALL {RELATIONS}").fetchall()
    }


def test_every_text_has_its_place() -> None:
    """None is left of a column that is gone, and none says again what all columns of the name mean."""
    found, known = places(), comments()
    shared = known.pop(SHARED)
    assert len(found) > 400 and None not in found.values()
    assert {(relation, column) for relation in known for column in known[relation]} <= found.keys()
    assert [(r, c) for r in known for c, text in known[r].items() if shared.get(c) == text] == []
    assert {c for c in shared if not any((r, c) in found and c not in known[r] for r in known)} == set()


def test_each_place_has_one_text() -> None:
    """A statement in the SQL would hide the text of comments.yml."""
    known = comments()
    folder = Path(__file__).parent.parent.parent / "builder/tds_atlas/record"
    sql = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.sql"))
    names = [
        name.replace('"', "").partition(".") for name in re.findall(r"COMMENT ON (?:TABLE|VIEW|COLUMN)\s+(\S+) IS", sql)
    ]
    assert [(relation, column) for relation, _, column in names if column in known.get(relation, {})] == []


def test_a_text_in_the_sql_is_kept_and_a_quote_survives() -> None:
    with duckdb.connect() as con:
        con.execute("CREATE TABLE prompt (prompt_id VARCHAR, text VARCHAR, other VARCHAR)")
        con.execute("COMMENT ON COLUMN prompt.prompt_id IS 'its own'")
        write_comments(con)
        (own, text, other) = (c for _, _, c in con.execute(COLUMNS).fetchall())
    assert own == "its own" and text == comments()["prompt"]["text"] and "user's" in text and other is None
