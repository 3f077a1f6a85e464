"""Shards in a bucket, where nothing can be renamed: the index is put last, where none stands, by one writer of all.

Every writer names its tables after itself, so that no two share an object; the index says whose count. A shard is
there if its index is; tables without one were left by a killed writer, or by one that came second, and are removed.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tds_atlas.domain import InputError
from tds_atlas.parts import temporary_folder
from tds_atlas.record.bucket import Bucket, bucket_at
from tds_atlas.record.shards import INDEX, UNMEASURED, DamagedShard, Shard, packed


def shard_at(place: Path | str, kind: str, key: str) -> Shard:
    """The shard of a folder, or of a bucket if `place` is a URL."""
    return Shard(place, kind, key) if isinstance(place, Path) else BucketShard(Path(), kind, key, bucket_at(place))


@dataclass(frozen=True)
class BucketShard(Shard):
    """One piece of work; `folder` is what the names of its objects begin with."""

    bucket: Bucket

    def exists(self) -> bool:
        """Whether the work is done. Unlike in a folder, damage is noticed only when a table is read."""
        return self._path(INDEX) in self.bucket.listing(self.kind)

    def write(self, tables: Mapping[str, pa.Table], meta: Mapping[str, Any] | None = None) -> None:
        """Write all tables or none. If another worker finishes the same shard first, its copy is used."""
        writer, entries, own = uuid.uuid4().hex[:8], {}, set()
        for name, table in tables.items():
            content, entries[name] = packed(table)
            own.add(self._path(f"{name}-{writer}.parquet"))
            self.bucket.put(self._path(f"{name}-{writer}.parquet"), content)
        text = self._index_text({"tables": entries, "meta": dict(meta or {}), "writer": writer})
        is_first = self.bucket.put_new(self._path(INDEX), text.encode())
        with suppress(InputError):  # whoever may not delete leaves what nobody reads
            others = self.bucket.names(self.folder.as_posix()) - own - {self._path(INDEX)} if is_first else own
            self.bucket.delete(others)

    def remove(self) -> None:
        """Remove the index of a damaged shard, unless another process has measured it anew."""
        try:
            if self.bucket.get(self._path(INDEX)) is not None:
                for name in self._index()["tables"]:
                    self._content(name)
        except DamagedShard:
            self.bucket.delete([self._path(INDEX)])

    def read(self, name: str) -> pa.Table:
        content = self._content(name)
        try:
            return pq.read_table(pa.BufferReader(content), page_checksum_verification=True)
        except (OSError, pa.ArrowInvalid):
            raise DamagedShard(self, self._where(f"{name}.parquet")) from None

    @contextmanager
    def file(self, name: str) -> Iterator[Path]:
        """A copy in the system's folder for temporary files."""
        with temporary_folder() as folder:
            path = Path(folder) / f"{name}.parquet"
            path.write_bytes(self._content(name))
            yield path

    def verified(self, name: str) -> Path:
        raise NotImplementedError("a bucket has no files: see `file`")

    def _content(self, name: str) -> memoryview:
        """The bytes of a table, after comparing them with what was written."""
        index = self._index()
        entry, file = index["tables"].get(name), f"{name}-{index['writer']}.parquet"
        content = self.bucket.get(self._path(file)) if entry else None
        if content is None:
            raise DamagedShard(self, self._where(file), "missing")
        if entry["sha256"] != hashlib.sha256(content).hexdigest():
            raise DamagedShard(self, self._where(file))
        return content

    def _index(self) -> dict[str, Any]:
        raw = self.bucket.get(self._path(INDEX))
        if raw is None:
            raise InputError(f"{self._where()}: {UNMEASURED}")
        return self._parsed(bytes(raw), self._where(INDEX))

    def _path(self, name: str) -> str:
        return (self.folder / name).as_posix()

    def _where(self, name: str = "") -> str:
        return f"{self.bucket.url}/{self._path(name) if name else self.folder.as_posix()}"
