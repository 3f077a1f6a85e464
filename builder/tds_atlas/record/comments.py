"""What every table, view and column holds in words, as comments in the database: from comments.yml, or from the SQL."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import yaml

from tds_atlas.record.sealed import identifier

TEXT = Path(__file__).with_suffix(".yml").read_text(encoding="utf-8")
SHARED = "shared"  # the block of columns that mean the same in every table and view
_WITHOUT = """
    SELECT kind, relation, "column"
    FROM
        (
            SELECT 'TABLE' AS kind, database_name, table_name AS relation, '' AS "column", comment, internal
            FROM duckdb_tables()
            UNION ALL
            SELECT 'VIEW', database_name, view_name, '', comment, internal
            FROM duckdb_views()
            UNION ALL
            SELECT 'COLUMN', database_name, table_name, column_name, comment, internal
            FROM duckdb_columns()
        )
    WHERE comment IS NULL AND NOT internal AND database_name = current_database()"""


@cache
def _blocks() -> dict[str, Any]:
    return dict(yaml.safe_load(TEXT))


def comments() -> dict[str, dict[str, str]]:
    """By table or view its columns' texts, and its own under the empty name; those of shared columns under `shared`."""
    blocks = dict(_blocks())
    shared = dict(blocks.pop(SHARED))
    return {SHARED: shared} | {name: {"": block["is"]} | block.get("columns", {}) for name, block in blocks.items()}


def write_comments(con: duckdb.DuckDBPyConnection) -> None:
    """Comment on each table, view and column that its SQL has not commented on."""
    known = comments()
    statements = []
    for kind, relation, column in con.execute(_WITHOUT).fetchall():
        text = known.get(relation, {}).get(column) or known[SHARED].get(column)
        if text:
            name = f"{identifier(relation)}.{identifier(column)}" if column else identifier(relation)
            quoted = text.replace("'", "''")
            statements.append(f"COMMENT ON {kind} {name} IS '{quoted}';")
    con.execute("\n".join(statements))
