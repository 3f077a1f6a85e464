"""Shards: finished pieces of work as folders of Parquet files, named by a hash of everything their content depends on.

A shard exists whole or not at all: it is written under a temporary name and renamed. Its index has size and hash of
every file, so that a changed one is noticed; the checksums of Parquet's pages find what changes before it is read.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tds_atlas.domain import Divergence, InputError, Response, Score
from tds_atlas.parts import discard, new_part

_INDEX = "index.json"


def content_key(*parts: Any) -> str:
    """Hash of parts that JSON can write: equal parts give an equal key on any machine."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


class DamagedShard(InputError):
    """A file of a shard is not what was written. Once the shard is removed, the next run measures it anew."""

    def __init__(self, shard: Shard, path: Path, reason: str = "damaged") -> None:
        super().__init__(f"{path}: {reason}")
        self.shard = shard


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
        """Whether the work is done. Raises DamagedShard if what is there is not what was written."""
        return os.path.lexists(self.folder) and bool(self._index())

    def write(self, tables: Mapping[str, pa.Table], meta: Mapping[str, Any] | None = None) -> None:
        """Write all tables or none. If another worker finishes the same shard first, its copy is used."""
        part = new_part(self.folder)
        try:
            part.mkdir(parents=True)
            files = {name: _write_table(table, part / f"{name}.parquet") for name, table in tables.items()}
            index = {"tables": files, "meta": dict(meta or {})}
            text = json.dumps(index | {"checksum": self._checksum(index)}, indent=1)
            (part / _INDEX).write_text(text, encoding="utf-8")
            part.rename(self.folder)
        except OSError as error:
            discard(part)
            if not self.exists():
                problem = f"cannot be written: {error.strerror}; finished shards are kept"
                raise InputError(f"{self.folder}: {problem}") from None

    def remove(self) -> None:
        """Remove what stands in the shard's place, unless another process has measured it anew."""
        try:
            for name in self._index()["tables"] if os.path.lexists(self.folder) else ():
                self.verified(name)
        except DamagedShard:
            aside = new_part(self.folder)
            with suppress(FileNotFoundError):
                self.folder.rename(aside)
            discard(aside)

    def read(self, name: str) -> pa.Table:
        """A table. Raises DamagedShard if it is not what was written."""
        path = self.verified(name)
        try:
            return pq.read_table(path, page_checksum_verification=True)
        except (OSError, pa.ArrowInvalid):
            raise DamagedShard(self, path) from None

    def columns(self, name: str) -> tuple[str, ...]:
        """The names of a table's columns."""
        try:
            return tuple(pq.read_schema(self.verified(name)).names)
        except (OSError, pa.ArrowInvalid):
            raise DamagedShard(self, self.folder / f"{name}.parquet") from None

    def verified(self, name: str) -> Path:
        """The file of a table, after comparing all of it with what was written."""
        entry, path = self._index()["tables"].get(name), self.folder / f"{name}.parquet"
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except PermissionError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from None
        except OSError:
            raise DamagedShard(self, path) from None
        if entry is None or entry["sha256"] != digest:
            raise DamagedShard(self, path)
        return path

    def digest(self, name: str) -> str:
        """The hash of a table, as written."""
        return str(self._index()["tables"][name]["sha256"])

    def meta(self) -> dict[str, Any]:
        """What was recorded about the work."""
        return dict(self._index()["meta"])

    def _index(self) -> dict[str, Any]:
        """The index, compared with its own checksum and with the sizes of the files."""
        path = self.folder / _INDEX
        if not os.path.lexists(self.folder):
            raise InputError(f"{self.folder}: not measured yet; where workers share the work, finish the step before")
        if not path.is_file():
            raise DamagedShard(self, path, "missing, as in shards of earlier versions")
        try:
            index = json.loads(path.read_bytes())
        except PermissionError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from None
        except (OSError, ValueError, RecursionError):
            raise DamagedShard(self, path) from None
        if not isinstance(index, dict) or index.pop("checksum", None) != self._checksum(index):
            raise DamagedShard(self, path)
        for name, entry in index["tables"].items():
            file = self.folder / f"{name}.parquet"
            if not file.is_file() or file.stat().st_size != entry["bytes"]:
                raise DamagedShard(self, file, "damaged" if file.exists() else "missing")
        return index

    def _checksum(self, index: Mapping[str, Any]) -> str:
        return content_key(self.kind, self.key, index)


def _write_table(table: pa.Table, path: Path) -> dict[str, Any]:
    """Write a table. Returns its entry in the index; the hash is of what was to be written, not of what a disk kept."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", write_page_checksum=True)
    content = memoryview(sink.getvalue())
    path.write_bytes(content)
    return {"rows": table.num_rows, "bytes": content.nbytes, "sha256": hashlib.sha256(content).hexdigest()}


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
        | _bounds(scores, ("entropy",))
    )


def divergence_table(divergences: Sequence[Divergence]) -> pa.Table:
    """One row per position of a response and comparison."""
    names = ("kl_aligned_base", "kl_base_aligned", "js", "clamped")
    columns = {name: _column(divergences, name) for name in names} | _bounds(divergences, names[:3])
    return pa.table(_key_columns(divergences, "comparison_id") | columns)


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
    """NaN, for what is not known, as NULL."""
    values = np.concatenate([getattr(r, name) for r in records])
    return pa.array(values, mask=np.isnan(values))


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
