"""Shards: finished pieces of work as folders of Parquet files, named by a hash of everything their content depends on.

A shard exists whole or not at all: it is written under a temporary name and renamed. Resuming skips what exists.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tds_atlas.domain import Divergence, InputError, Response, Score

_META = b"tds"


def content_key(*parts: Any) -> str:
    """Hash of parts that JSON can write: equal parts give an equal key on any machine."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


@dataclass(frozen=True)
class Shard:
    """One piece of work; `folder` is where its result is, or will be."""

    root: Path
    kind: str
    key: str

    @property
    def folder(self) -> Path:
        return self.root / self.kind / self.key

    def exists(self) -> bool:
        return self.folder.is_dir()

    def write(self, tables: Mapping[str, pa.Table], meta: Mapping[str, Any] | None = None) -> None:
        """Write all tables or none. If another worker finishes the same shard first, its copy is used."""
        part = self.folder.with_name(f".part-{self.key}-{os.getpid()}")
        shutil.rmtree(part, ignore_errors=True)
        try:
            part.mkdir(parents=True)
            for name, table in tables.items():
                with_meta = table.replace_schema_metadata({_META: json.dumps(dict(meta or {})).encode()})
                pq.write_table(with_meta, part / f"{name}.parquet", compression="zstd")
            part.rename(self.folder)
            for leftover in self.folder.parent.glob(f".part-{self.key}-*"):  # of a run that was killed
                shutil.rmtree(leftover, ignore_errors=True)
        except OSError as error:
            shutil.rmtree(part, ignore_errors=True)
            if not self.exists():
                problem = f"cannot be written: {error.strerror}; finished shards are kept"
                raise InputError(f"{self.folder}: {problem}") from None

    def read(self, name: str) -> pa.Table:
        """Raises InputError if the file is damaged, naming the folder to delete."""
        try:
            return pq.read_table(self.path(name))
        except (OSError, pa.ArrowInvalid):
            raise self.damage(name) from None

    def meta(self, name: str) -> dict[str, Any]:
        try:
            raw = (pq.read_schema(self.path(name)).metadata or {}).get(_META, b"{}")
        except (OSError, pa.ArrowInvalid):
            raise self.damage(name) from None
        return dict(json.loads(raw))

    def damage(self, name: str) -> InputError:
        return InputError(f"{self.path(name)}: damaged; delete the folder {self.folder} and run again")

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.parquet"


def response_table(responses: Sequence[Response]) -> pa.Table:
    return pa.Table.from_pylist([asdict(r) | {"spans": [list(span) for span in r.spans]} for r in responses], _RESPONSE)


def read_responses(shard: Shard) -> list[Response]:
    rows = shard.read("response").to_pylist()
    return [
        Response(**row | {"token_ids": tuple(row["token_ids"]), "spans": tuple(map(tuple, row["spans"]))})
        for row in rows
    ]


def score_table(scores: Sequence[Score]) -> pa.Table:
    """One row per position of a response and condition."""
    k = scores[0].top_ids.shape[1]
    return pa.table(
        _key_columns(scores, "condition_id")
        | {
            "logprob": _finite(scores, "logprob"),
            "rank": _column(scores, "rank"),
            "entropy": _column(scores, "entropy"),
            "top_ids": _lists(scores, "top_ids", k),
            "top_logprobs": _lists(scores, "top_logprobs", k),
        }
    )


def divergence_table(divergences: Sequence[Divergence]) -> pa.Table:
    """One row per position of a response and comparison."""
    names = ("kl_aligned_base", "kl_base_aligned", "js")
    return pa.table(_key_columns(divergences, "comparison_id") | {name: _column(divergences, name) for name in names})


def by_response(shard: Shard, table: str, owner: str, name: str, column: str) -> dict[str, list[Any]]:
    """One column of a shard of scores, for one condition or comparison: response_id -> values in order of position."""
    rows = shard.read(table)
    rows = rows.filter(pc.equal(rows[owner], name)).select(["response_id", column])
    values: dict[str, list[Any]] = {}
    for response_id, value in zip(rows["response_id"].to_pylist(), rows[column].to_pylist(), strict=True):
        values.setdefault(response_id, []).append(value)
    return values


def rows_table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist([dict(row) for row in rows])


def _key_columns(records: Sequence[Any], owner: str) -> dict[str, pa.Array]:
    sizes = [len(r.logprob if isinstance(r, Score) else r.js) for r in records]
    which = pa.array(np.repeat(np.arange(len(records)), sizes))  # numpy would give every text the longest one's width
    return {
        "response_id": pa.array([r.response_id for r in records]).take(which),
        "pos": pa.array(np.concatenate([np.arange(n, dtype=np.int32) for n in sizes])),
        owner: pa.array([getattr(r, owner) for r in records]).take(which),
    }


def _column(records: Sequence[Any], name: str) -> pa.Array:
    return pa.array(np.concatenate([getattr(r, name) for r in records]))


def _finite(records: Sequence[Any], name: str) -> pa.Array:
    """Infinite values as NULL."""
    values = np.concatenate([getattr(r, name) for r in records])
    return pa.array(values, mask=np.isinf(values))


def _lists(records: Sequence[Any], name: str, k: int) -> pa.Array:
    flat = np.concatenate([getattr(r, name) for r in records])  # [N, k]
    offsets = pa.array(np.arange(0, flat.size + 1, k, dtype=np.int32))
    return pa.ListArray.from_arrays(offsets, pa.array(flat.reshape(-1)))


_RESPONSE = pa.schema(
    [
        ("response_id", pa.string()),
        ("prompt_id", pa.string()),
        ("source", pa.string()),
        ("condition_id", pa.string()),
        ("text", pa.string()),
        ("token_ids", pa.list_(pa.int32())),
        ("spans", pa.list_(pa.list_(pa.int32()))),
        ("has_end", pa.bool_()),
        ("finish", pa.string()),
        ("boundary", pa.bool_()),
    ]
)
