"""The rows of a file: JSON, JSON Lines, CSV, TSV, Parquet, or a dataset on the hub. Does not check columns."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tds_atlas.domain import InputError, first_line
from tds_atlas.inputs.settings import ResponseSettings


def read_rows(path: Path) -> Iterator[tuple[str, Any]]:
    """Each row with its place in words. Raises InputError naming file and row.

    The suffix gives the format; the first character tells JSON from JSON Lines.
    """
    if not path.is_file():
        raise InputError(f"{path}: cannot be read: {'a folder' if path.is_dir() else 'No such file or directory'}")
    kind = path.suffix.lower()
    if kind == ".parquet":
        rows = _parquet(path)
    elif kind in (".csv", ".tsv"):
        rows = _csv(path, "\t" if kind == ".tsv" else ",")
    else:
        text = _text(path)
        rows = _array(path, text) if text.lstrip().startswith("[") else _lines(path, text)
    empty = True
    for row in rows:
        empty = False
        yield row
    if empty:
        raise InputError(f"{path}: holds no rows")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or 'not UTF-8 text'}") from None


def _array(path: Path, text: str) -> Iterator[tuple[str, Any]]:
    return ((f"row {i}", row) for i, row in enumerate(_json(path, text), 1))


def _lines(path: Path, text: str) -> Iterator[tuple[str, Any]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield f"line {number}", _json(path, line, number)


def _json(path: Path, text: str, line: int | None = None) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:  # also: a number of thousands of digits, thousands of brackets
        number = line or getattr(error, "lineno", 1)
        what = getattr(error, "msg", "numbers too long or brackets too deep")
        remedy = "write one row per line, or an array of rows"
        raise InputError(f"{path}: line {number}: not valid JSON: {what}; {remedy}") from None


def _csv(path: Path, delimiter: str) -> Iterator[tuple[str, Any]]:
    csv.field_size_limit(2**31 - 1)
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, delimiter=delimiter, strict=True)
        try:
            names = reader.fieldnames or ()
            duplicate = next((name for name in names if names.count(name) > 1), None)
            if duplicate is not None:
                raise InputError(f"{path}: line 1: two columns are called {duplicate!r}; their names must differ")
            for number, row in enumerate(reader, 1):
                if None in row or None in row.values():
                    raise InputError(f"{path}: row {number}: does not have {len(names)} fields, like the first line")
                yield f"row {number}", row
        except UnicodeDecodeError:
            raise InputError(f"{path}: cannot be read: not UTF-8 text") from None
        except csv.Error as error:
            raise InputError(f"{path}: line {reader.line_num}: not valid CSV: {error}") from None


def _parquet(path: Path) -> Iterator[tuple[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows = pq.read_table(path).to_pylist()
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(f"{path}: not a readable Parquet file: {first_line(error)}") from None
    return ((f"row {i}", row) for i, row in enumerate(rows, 1))


def read_dataset(settings: ResponseSettings) -> Iterator[tuple[str, Any]]:
    """The rows of a dataset on the hub at its revision."""
    try:
        from datasets import load_dataset
    except ImportError:
        raise InputError("responses: hub needs the extra datasets: pip install 'tds-atlas[datasets]'") from None
    try:
        rows = load_dataset(settings.hub, revision=settings.revision, split=settings.split)
    except Exception as error:  # the library raises many types: no such dataset, no network, no such split
        raise InputError(f"responses: {settings.hub} at {settings.revision}: {first_line(error)}") from None
    return ((f"row {i}", dict(row)) for i, row in enumerate(rows, 1))
