"""Answers in two tokenizers as tables: a row a token of the one that did not write them, and a row a stretch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from tds_atlas.domain import Score
from tds_atlas.record.score_tables import column, finite, key_columns
from tds_atlas.stretches import Retold, Stretch

_NUMBERS = (
    "number",
    "char_start",
    "char_end",
    "byte_start",
    "byte_end",
    "pos",
    "n_tokens",
    "base_pos",
    "base_n_tokens",
)
_STRETCH = pa.schema(
    [("comparison_id", pa.string()), ("response_id", pa.string())] + [(n, pa.int32()) for n in _NUMBERS]
)
_TEXT_END = 0x41  # any byte that begins a character


def retold_table(told: Sequence[Retold]) -> pa.Table:
    """One row per token of a condition that reads the answers in tokens of its own."""
    scores = [one.score for one in told if one.score is not None]
    ends = [end for one in told for end in one.ends]
    starts = [start for one in told for start in (0, *one.ends[:-1])]
    return pa.table(
        key_columns(scores, "condition_id")
        | {"token_id": np.array([i for one in told for i in one.response.token_ids], np.int32)}
        | {"byte_start": np.array(starts, np.int32), "byte_end": np.array(ends, np.int32)}
        | {"logprob": finite(scores, "logprob"), "rank": column(scores, "rank"), "entropy": column(scores, "entropy")}
        | {"top_id": _first(scores, "top_ids"), "top_logprob": _first(scores, "top_logprobs")}
    )


def stretch_table(rows: Sequence[tuple[str, Retold, Sequence[Stretch]]]) -> pa.Table:
    """One row per stretch of a response and comparison: its bytes, its whole characters, the tokens of both sides."""
    listed = [row for comparison_id, one, found in rows for row in _rows(comparison_id, one, found)]
    return pa.Table.from_pylist(listed, _STRETCH)


def _rows(comparison_id: str, one: Retold, found: Sequence[Stretch]) -> Iterator[dict[str, Any]]:
    characters = _characters(one.response.text.encode())
    for number, stretch in enumerate(found, 1):
        start, end = (int(characters[place]) for place in (stretch.start, stretch.end))
        values = (number, start, end, *stretch)
        key = {"comparison_id": comparison_id, "response_id": one.response.response_id}
        yield key | dict(zip(_NUMBERS, values, strict=True))


def _characters(text: bytes) -> np.ndarray:
    """[n + 1] characters that are whole at each byte: of one that several tokens write, the last has it."""
    following = np.frombuffer(text[1:] + bytes([_TEXT_END]), np.uint8)
    return np.concatenate([[0], np.cumsum((following & 0xC0) != 0x80)])


def _first(scores: Sequence[Score], name: str) -> np.ndarray:
    """What heads each list."""
    return np.concatenate([getattr(score, name)[:, 0] for score in scores])
