"""Which tokens of each answer are shifted, for the filters of the table of examples: roles, and early positions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import duckdb

from tds_atlas.parts import write_file
from tds_atlas.report import query
from tds_atlas.report.markup import inline_json

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUV"
_BITS = 5  # positions in a digit


def write_shifted(con: duckdb.DuckDBPyConnection, path: Path, examples: Sequence[dict[str, Any]]) -> None:
    """A script with a row for each example, in their order: the roles of its shifted tokens, and where they are."""
    found = {(row["comparison_id"], row["response_id"]): row for row in query.rows(con, "pages/shifted_places")}
    nothing: dict[str, Any] = {"roles": [], "places": []}
    data = shifted_data([found.get((e["comparison_id"], e["response_id"]), nothing) for e in examples])
    write_file(path, f"window.tdsShifted={inline_json(data)};\n")


def shifted_data(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Column by column, from the roles and places of each row."""
    roles = sorted({role for row in rows for role in row["roles"]})
    return {
        "roles": roles,
        "role": [[roles.index(role) for role in row["roles"]] for row in rows],
        "at": [digits(row["places"]) for row in rows],
    }


def digits(places: Iterable[int]) -> str:
    """A set of positions in digits of base 32: position p is bit p % 5 of digit p // 5."""
    values: dict[int, int] = {}
    for place in places:
        values[place // _BITS] = values.get(place // _BITS, 0) | 1 << place % _BITS
    return "".join(_DIGITS[values.get(k, 0)] for k in range(max(values, default=-1) + 1))
