"""Times in rows as DuckDB writes them: Python has no 24:00:00, no infinite day, no year before 1, no span of months."""

from __future__ import annotations

import re
from typing import Any

import duckdb
from duckdb.sqltypes import DuckDBPyType

from tds_atlas.record.sealed import identifier

_TIME = re.compile(r"\b(DATE|TIME|TIMESTAMP\w*|INTERVAL)\b")  # within the name of a type


def times_as_text(result: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """The rows with text in place of each time, also of those within lists, structs and maps."""
    cells = [
        f"CAST(#{i} AS {_with_text(kind)})" if _has_time(kind) else f"#{i}" for i, kind in enumerate(result.types, 1)
    ]
    if not any(map(_has_time, result.types)):
        return result
    named = zip(cells, map(identifier, result.columns), strict=True)
    return result.project(", ".join(f"{cell} AS {name}" for cell, name in named))


def _has_time(kind: DuckDBPyType) -> bool:
    return kind.id != "enum" and _TIME.search(str(kind)) is not None


def _with_text(kind: Any) -> str:
    """The type in SQL, with VARCHAR for each time; VARCHAR for a whole tuple or union with one."""
    if not _has_time(kind):
        return str(kind)
    if kind.id in ("list", "array"):
        (_, inner), *size = kind.children
        return f"{_with_text(inner)}[{size[0][1] if size else ''}]"
    if kind.id == "map":
        return f"MAP({', '.join(_with_text(child) for _, child in kind.children)})"
    if kind.id == "struct":
        return f"STRUCT({', '.join(f'{identifier(name)} {_with_text(child)}' for name, child in kind.children)})"
    return "VARCHAR"
