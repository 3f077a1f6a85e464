"""The example pages of comparisons with two tokenizers: the answer coloured by stretches, and both sides' tokens.

Plain HTML without a script: what is coloured is chosen by two radio buttons that the style sheet reads.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from tds_atlas.report.examples.told import Row, Told, scale, write_told
from tds_atlas.report.numbers import number

_STEPS = (-0.5, -0.1, -0.02, 0.02, 0.1, 0.5)  # nats per byte, between the colours of the scale
_UNKNOWN = 3  # the colour in the middle, of what has no number


def write_stretch_pages(con: duckdb.DuckDBPyConnection, folder: Path, shown: Sequence[Row]) -> Iterator[str]:
    """Write the pages of these rows of pages/retold_examples. Yields the name of each."""
    yield from write_told(con, folder, shown, Told("stretches.md", "pages/stretches", _values))


def _values(rows: Sequence[Row], answer: str) -> Row:
    return {"stretches": list(_drawn(rows, answer)), "rest": _rest(rows, answer), "steps": scale(_STEPS)}


def _drawn(rows: Sequence[Row], answer: str) -> Iterator[Row]:
    for row in rows:
        per_byte = row["delta_logprob_per_byte"]
        step = _UNKNOWN if per_byte is None else bisect(_STEPS, per_byte)
        text = answer[row["char_start"] : row["char_end"]]
        yield row | {"text": text, "look": _look(row, text), "step": step, "told": _told(row)}


def _rest(rows: Sequence[Row], answer: str) -> str:
    """What no stretch holds: behind the last of them."""
    return answer[rows[-1]["char_end"] :] if rows else answer


def _look(row: Mapping[str, Any], text: str) -> str:
    """Its classes: that of the rank where it has one, else whether the base's greedy path writes it."""
    part = "" if text else " tds-part"
    if row["shift"]:
        return f"tds-c-{row['shift']}{part}"
    return f"tds-w-{'greedy' if row['is_base_greedy'] else 'other'}{part}"


def _told(row: Mapping[str, Any]) -> str:
    """What is said where a pointer rests."""
    path = "" if row["is_base_greedy"] is None else f", {'' if row['is_base_greedy'] else 'not '}the base's greedy path"
    of_base = f"base's rank {number(row['base_rank'])}" if row["base_rank"] else f"{_counted(row)}{path}"
    said = " and ".join(number(row[name], 2) for name in ("aligned_logprob", "base_logprob"))
    return f"{of_base}; ln p {said}; Δ per byte {number(row['delta_logprob_per_byte'], 3)}"


def _counted(row: Mapping[str, Any]) -> str:
    return f"{len(row['own'])} to {len(row['base'])} tokens"
