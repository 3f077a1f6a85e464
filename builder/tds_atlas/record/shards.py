"""Shards: finished pieces of work as folders of Parquet files, named by a hash of everything their content depends on.

A shard exists whole or not at all: it is written under a temporary name and renamed. Its index has size and hash of
every file, so that a changed one is noticed; the checksums of Parquet's pages find what changes before it is read.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tds_atlas.domain import InputError, Response
from tds_atlas.parts import discard, new_part

INDEX = "index.json"
UNMEASURED = "not measured yet; where workers share the work, finish the step before"


def content_key(*parts: Any) -> str:
    """Hash of parts that JSON can write: equal parts give an equal key on any machine."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


class DamagedShard(InputError):
    """A file of a shard is not what was written. Once the shard is removed, the next run measures it anew."""

    def __init__(self, shard: Shard, path: Path | str, reason: str = "damaged") -> None:
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
            entries = {}
            for name, table in tables.items():
                content, entries[name] = packed(table)
                (part / f"{name}.parquet").write_bytes(content)
            text = self._index_text({"tables": entries, "meta": dict(meta or {})})
            (part / INDEX).write_text(text, encoding="utf-8")
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

    @contextmanager
    def file(self, name: str) -> Iterator[Path]:
        """The file of a table on this machine, while the block lasts. Raises DamagedShard as `read` does."""
        yield self.verified(name)

    def columns(self, path: Path) -> tuple[str, ...]:
        """The names of the columns of such a file."""
        try:
            return tuple(pq.read_schema(path).names)
        except (OSError, pa.ArrowInvalid):
            raise DamagedShard(self, path) from None

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

    def holds(self, name: str) -> bool:
        """Whether it has such a table."""
        return name in self._index()["tables"]

    def digest(self, name: str) -> str:
        """The hash of a table, as written."""
        return str(self._index()["tables"][name]["sha256"])

    def meta(self) -> dict[str, Any]:
        """What was recorded about the work."""
        return dict(self._index()["meta"])

    def _index(self) -> dict[str, Any]:
        """The index, compared with its own checksum and with the sizes of the files."""
        path = self.folder / INDEX
        if not os.path.lexists(self.folder):
            raise InputError(f"{self.folder}: {UNMEASURED}")
        if not path.is_file():
            raise DamagedShard(self, path, "missing, as in shards of earlier versions")
        try:
            index = self._parsed(path.read_bytes(), path)
        except PermissionError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from None
        except OSError:
            raise DamagedShard(self, path) from None
        for name, entry in index["tables"].items():
            file = self.folder / f"{name}.parquet"
            if not file.is_file() or file.stat().st_size != entry["bytes"]:
                raise DamagedShard(self, file, "damaged" if file.exists() else "missing")
        return index

    def _index_text(self, index: Mapping[str, Any]) -> str:
        return json.dumps(dict(index) | {"checksum": self._checksum(index)}, indent=1)

    def _parsed(self, raw: bytes, path: Path | str) -> dict[str, Any]:
        """The index from its text. Raises DamagedShard if that is not what was written for this shard."""
        try:
            index = json.loads(raw)
        except (ValueError, RecursionError):
            raise DamagedShard(self, path) from None
        if not isinstance(index, dict) or index.pop("checksum", None) != self._checksum(index):
            raise DamagedShard(self, path)
        return index

    def _checksum(self, index: Mapping[str, Any]) -> str:
        return content_key(self.kind, self.key, index)


def packed(table: pa.Table) -> tuple[memoryview, dict[str, Any]]:
    """A table as a file's bytes, and its entry in the index: what was to be written, whatever a disk keeps of it."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", write_page_checksum=True)
    content = memoryview(sink.getvalue()).cast("B")
    return content, {"rows": table.num_rows, "bytes": content.nbytes, "sha256": hashlib.sha256(content).hexdigest()}


def response_table(responses: Sequence[Response]) -> pa.Table:
    return pa.Table.from_pylist([asdict(r) | {"spans": [list(span) for span in r.spans]} for r in responses], _RESPONSE)


def read_responses(shard: Shard) -> list[Response]:
    rows = shard.read("response").to_pylist()
    return [
        Response(**row | {"token_ids": tuple(row["token_ids"]), "spans": tuple(map(tuple, row["spans"]))})
        for row in rows
    ]


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
