"""A model's weight files: which they are, and the shapes that their headers name. Reads no weight."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tds_atlas.domain import InputError

ONE_FILE, INDEX = "model.safetensors", "model.safetensors.index.json"
_HEADER = 100_000_000  # bytes at most, as in the safetensors library
_WIDTHS = {"F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2, "U16": 2}

Shape = tuple[int, ...]


def weight_files(key: str, folder: Path) -> list[Path]:
    """The files that transformers loads: model.safetensors, or those that the index names. No other copy counts.

    Raises InputError naming the missing file.
    """
    if (folder / ONE_FILE).is_file():
        return [folder / ONE_FILE]
    index = folder / INDEX
    if not index.is_file():
        raise InputError(f"{key}: {folder} has no safetensors weights: neither {ONE_FILE} nor {INDEX}")
    try:
        names = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        names = set()
    if not names or not all(isinstance(name, str) and name == Path(name).name for name in names):
        raise InputError(f"{index}: not an index of weight files: weight_map must name a file for each tensor")
    files = [folder / name for name in sorted(names)]
    for file in files:
        if not file.is_file():
            raise InputError(f"{index}: names {file.name}, which is not in the folder; copy it there")
    return files


def weights_are_in(folder: Path) -> bool:
    return (folder / ONE_FILE).is_file() or (folder / INDEX).is_file()


def tensor_shapes(path: Path) -> list[Shape]:
    """The shape of each tensor of a safetensors file. Raises InputError if the header and the file disagree."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 0 < length <= min(_HEADER, size - 8):
                raise ValueError
            header = json.loads(file.read(length))
        return list(_shapes(header, size - 8 - length))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise InputError(f"{path}: not a safetensors file, or truncated; download or save it again") from None


def _shapes(header: dict[str, Any], room: int) -> Iterator[Shape]:
    """Shapes as in the header: 8 bytes of length, then JSON with each tensor's dtype, shape and place in the file."""
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        shape, (start, end) = entry["shape"], entry["data_offsets"]
        if not all(type(n) is int and n >= 0 for n in (*shape, start, end)) or not start <= end <= room:
            raise ValueError
        width = _WIDTHS.get(entry["dtype"])
        if width is not None and math.prod(shape) * width != end - start:
            raise ValueError
        yield tuple(shape)
