"""The example pages of comparisons of log-probabilities alone: each token with both sides' ln p, coloured by no class.

Plain HTML without a script. Where the base's ranks were recorded without its lists, tokens have their classes.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from tds_atlas.report.examples.told import Row, Told, scale, write_told
from tds_atlas.report.markup import visible
from tds_atlas.report.numbers import number

_STEPS = (-1.0, -0.3, -0.1, 0.1, 0.3, 1.0)  # nats, between the colours of the scale
_UNKNOWN = 3  # the colour in the middle, of what has no number


def write_likelihood_pages(con: duckdb.DuckDBPyConnection, folder: Path, shown: Sequence[Row]) -> Iterator[str]:
    """Write the pages of these rows of pages/likelihood_examples. Yields the name of each."""
    yield from write_told(con, folder, shown, Told("likelihood.md", "pages/likelihood_positions", _values))


def _values(rows: Sequence[Row], answer: str) -> Row:
    return {"tokens": list(_drawn(rows, answer)), "steps": scale(_STEPS)}


def _drawn(rows: Sequence[Row], answer: str) -> Iterator[Row]:
    for row in rows:
        delta, text = row["delta_logprob"], answer[row["char_start"] : row["char_end"]]
        look = f"tds-c-{row['shift']}" if row["shift"] else ""
        step = _UNKNOWN if delta is None else bisect(_STEPS, delta)
        yield row | {"text": text, "look": look, "step": step, "told": _told(row), "shown": visible(row["token"])}


def _told(row: Mapping[str, Any]) -> str:
    """What is said where a pointer rests."""
    said = " and ".join(number(row[name], 2) for name in ("aligned_logprob", "base_logprob"))
    rank = f"base's rank {number(row['base_rank'])}; " if row["base_rank"] else ""
    return f"{rank}ln p {said}; Δ {number(row['delta_logprob'], 3)}"
