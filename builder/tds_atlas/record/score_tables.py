"""Scores and divergences as tables: one row per position, with what is not known as NULL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from tds_atlas.domain import Divergence, Score


def score_table(scores: Sequence[Score]) -> pa.Table:
    """One row per position of a response and condition."""
    k, unknown = scores[0].top_ids.shape[1], pa.array((np.concatenate([s.top_ids for s in scores]) < 0).all(1))
    return pa.table(
        key_columns(scores, "condition_id")
        | {
            "logprob": finite(scores, "logprob"),
            "rank": _ranks(scores),
            "entropy": column(scores, "entropy"),
            "top_ids": _lists(scores, "top_ids", k, unknown),
            "top_logprobs": _lists(scores, "top_logprobs", k, unknown),
        }
        | _bounds(scores, ("entropy",))
    )


def divergence_table(divergences: Sequence[Divergence]) -> pa.Table:
    """One row per position of a response and comparison."""
    names = ("kl_aligned_base", "kl_base_aligned", "js", "clamped")
    columns = {name: column(divergences, name) for name in names} | _bounds(divergences, names[:3])
    return pa.table(key_columns(divergences, "comparison_id") | columns)


def key_columns(records: Sequence[Any], owner: str) -> dict[str, pa.Array]:
    sizes = [len(r.logprob if isinstance(r, Score) else r.js) for r in records]
    which = pa.array(np.repeat(np.arange(len(records)), sizes))  # numpy would give every text the longest one's width
    return {
        "response_id": pa.array([r.response_id for r in records]).take(which),
        "pos": pa.array(np.concatenate([np.arange(n, dtype=np.int32) for n in sizes])),
        owner: pa.array([getattr(r, owner) for r in records]).take(which),
    }


def column(records: Sequence[Any], name: str) -> pa.Array:
    """NaN, for what is not known, as NULL."""
    values = np.concatenate([getattr(r, name) for r in records])
    return pa.array(values, mask=np.isnan(values))


def _ranks(scores: Sequence[Score]) -> pa.Array:
    """0, for a rank that is not known, as NULL."""
    values = np.concatenate([s.rank for s in scores])
    return pa.array(values, mask=values == 0)


def _bounds(records: Sequence[Any], names: Sequence[str]) -> dict[str, pa.Array]:
    """Columns of bounds, if any record has some; those of an exact one are its values."""
    columns = {}
    for name in names:
        sides = (f"{name}_lower", f"{name}_upper")
        if any(getattr(r, sides[0]) is not None for r in records):
            for side in sides:
                parts = [getattr(r, name if getattr(r, side) is None else side) for r in records]
                values = np.concatenate(parts).astype(np.float32)
                columns[side] = pa.array(values, mask=np.isnan(values))
    return columns


def finite(records: Sequence[Any], name: str) -> pa.Array:
    """Infinite values as NULL."""
    values = np.concatenate([getattr(r, name) for r in records])
    return pa.array(values, mask=np.isinf(values))


def _lists(records: Sequence[Any], name: str, k: int, unknown: pa.Array) -> pa.Array:
    flat = np.concatenate([getattr(r, name) for r in records])  # [N, k]
    offsets = pa.array(np.arange(0, flat.size + 1, k, dtype=np.int32))
    return pa.ListArray.from_arrays(offsets, pa.array(flat.reshape(-1)), mask=unknown)
