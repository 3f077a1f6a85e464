"""The rows of a file: JSON, JSON Lines, CSV, TSV (each also as .gz or .zst), Parquet, or a dataset on the hub.

Does not check columns.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

from tds_atlas.domain import InputError, one_line
from tds_atlas.inputs.fields import OnError, passing_over
from tds_atlas.inputs.settings import ResponseSettings

_UNPACKED = 2**29  # bytes of a packed file at most: a small one can unpack to more than the memory holds
Refusing = Callable[[], AbstractContextManager[None]]  # around each row: `passing_over`, or an error
_PACKED = (".gz", ".zst")
_OTHER_PACKED = (".zip", ".bz2", ".xz", ".7z", ".tar", ".tgz")


def read_rows(path: Path, on_error: OnError, passed_over: list[str]) -> Iterator[tuple[str, Any]]:
    """Each row with its place in words. Raises InputError naming file and row.

    The suffix gives the format; the first character tells JSON from JSON Lines.
    passed_over: gets a line for each row that cannot be read, if on_error lets such rows be passed over.
    """
    if not path.is_file():
        what = "a folder" if path.is_dir() else "not a file" if path.exists() else "No such file or directory"
        raise InputError(f"{path}: cannot be read: {what}")
    refusing = partial(passing_over, path, on_error, passed_over)
    kind = path.with_suffix("").suffix.lower() if path.suffix.lower() in _PACKED else path.suffix.lower()
    if kind == ".parquet" or kind in _OTHER_PACKED:
        if path.suffix.lower() != ".parquet":
            what = "only .gz and .zst of JSON, CSV and TSV are read as they are"
            raise InputError(f"{path}: compressed; unpack it first ({what})")
        rows = _parquet(path, refusing)
    elif kind in (".csv", ".tsv"):
        rows = _csv(path, "\t" if kind == ".tsv" else ",", refusing)
    else:
        text = _text(path)
        rows = _array(path, text) if text.lstrip().startswith("[") else _lines(path, text, refusing)
    empty = True
    for row in rows:
        empty = False
        yield row
    if empty and not passed_over:
        raise InputError(f"{path}: holds no rows")


def _text(path: Path) -> str:
    try:
        unpacked = {".gz": _gzip, ".zst": _zstandard}.get(path.suffix.lower(), Path.read_bytes)(path)
        if len(unpacked) > _UNPACKED and path.suffix.lower() in _PACKED:
            raise InputError(f"{path}: unpacks to more than {_UNPACKED // 2**20} MB; unpack it first")
        return unpacked.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path}: cannot be read: not UTF-8 text") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or one_line(error)}") from None


def _gzip(path: Path) -> bytes:
    try:
        with gzip.open(path) as file:
            return file.read(_UNPACKED + 1)
    except (EOFError, zlib.error) as error:
        raise InputError(f"{path}: not a whole gzip file: {one_line(error)}") from None


def _zstandard(path: Path) -> bytes:
    import pyarrow as pa

    try:
        with path.open("rb") as raw, pa.CompressedInputStream(pa.PythonFile(raw), "zstd") as file:
            return bytes(file.read(_UNPACKED + 1))
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path}: not a whole Zstandard file: {one_line(error)}") from None


def _array(path: Path, text: str) -> Iterator[tuple[str, Any]]:
    return ((f"row {i}", row) for i, row in enumerate(_json(path, text), 1))


def _lines(path: Path, text: str, refusing: Refusing) -> Iterator[tuple[str, Any]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            with refusing():
                yield f"line {number}", _json(path, line, number)


def _json(path: Path, text: str, line: int | None = None) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:  # also: a number of thousands of digits, thousands of brackets
        number = line or getattr(error, "lineno", 1)
        what = getattr(error, "msg", "numbers too long or brackets too deep")
        remedy = "write one row per line, or an array of rows"
        raise InputError(f"{path}: line {number}: not valid JSON: {what}; {remedy}") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys differ: of two values under one key JSON keeps the last in silence."""
    row = dict(pairs)
    if len(row) < len(pairs):
        keys = [key for key, _ in pairs]
        raise json.JSONDecodeError(f"the key {next(k for k in keys if keys.count(k) > 1)!r} is given twice", "", 0)
    return row


def _csv(path: Path, delimiter: str, refusing: Refusing) -> Iterator[tuple[str, Any]]:
    csv.field_size_limit(2**31 - 1)
    reader = csv.DictReader(io.StringIO(_text(path), newline=""), delimiter=delimiter, strict=True)
    try:
        names = reader.fieldnames or ()
        duplicate = next((name for name in names if names.count(name) > 1), None)
        if duplicate is not None:
            raise InputError(f"{path}: line 1: two columns are called {duplicate!r}; their names must differ")
        for number, row in enumerate(reader, 1):
            with refusing():
                if None in row or None in row.values():
                    raise InputError(f"{path}: row {number}: does not have {len(names)} fields, like the first line")
                yield f"row {number}", row
    except csv.Error as error:
        raise InputError(f"{path}: line {reader.line_num}: not valid CSV: {error}") from None


def _parquet(path: Path, refusing: Refusing) -> Iterator[tuple[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, page_checksum_verification=True)  # of files that have checksums
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path}: not a readable Parquet file: {one_line(error)}") from None
    for number in range(table.num_rows):
        with refusing():
            try:
                (row,) = table.slice(number, 1).to_pylist()
            except (ValueError, OverflowError, pa.ArrowException) as error:  # not UTF-8; a date Python does not have
                raise InputError(f"{path}: row {number + 1}: cannot be read: {one_line(error)}") from None
            yield f"row {number + 1}", row


def read_dataset(settings: ResponseSettings) -> Iterator[tuple[str, Any]]:
    """The rows of a dataset on the hub at its revision."""
    try:
        from datasets import load_dataset
    except ImportError:
        raise InputError("responses: hub needs the extra datasets: pip install 'tds-atlas[datasets]'") from None
    try:
        rows = load_dataset(settings.hub, settings.config, revision=settings.revision, split=settings.split)
        yield from ((f"row {i}", dict(row)) for i, row in enumerate(rows, 1))
    except Exception as error:  # the library raises many types: no such dataset, no network, no such split
        raise InputError(f"responses: {settings.hub} at {settings.revision}: {one_line(error)}") from None
