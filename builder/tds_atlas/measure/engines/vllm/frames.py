"""Messages between two processes over a socket: a short header of JSON, then arrays as the bytes that they are.

Both sides run this file, each under its own Python: it knows NumPy and nothing of the project. Nothing is unpickled.
"""

from __future__ import annotations

import json
import math
import socket
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

_LENGTH = struct.Struct("<Q")
_HEADER = 1_000_000  # bytes at most
_BODY = 2**36  # bytes of an array at most
_TYPES = ("int32", "float32")


class Torn(ConnectionError):
    """The other side is gone in the middle of a message, or sends something else."""


@dataclass(frozen=True)
class Frame:
    """What is asked or answered, by name, and the arrays that belong to it."""

    kind: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)


def send(to: socket.socket, frame: Frame) -> None:
    arrays = {name: np.ascontiguousarray(values) for name, values in frame.arrays.items()}
    shapes = [[name, values.dtype.name, list(values.shape)] for name, values in arrays.items()]
    header = json.dumps([frame.kind, dict(frame.fields), shapes]).encode()
    to.sendall(_LENGTH.pack(len(header)) + header)
    for values in arrays.values():
        if values.size:
            to.sendall(_bytes(values))


def receive(source: socket.socket) -> Frame | None:
    """The next message; None if the other side has closed. Raises Torn for anything that is no whole message."""
    start = _read(source, _LENGTH.size, may_end=True)
    if start is None:
        return None
    (length,) = _LENGTH.unpack(start)
    if length > _HEADER:
        raise Torn("a header that is too long")
    try:
        kind, fields, shapes = json.loads(_read(source, length) or b"")
        arrays = {name: _array(source, dtype, shape) for name, dtype, shape in shapes}
    except (ValueError, TypeError) as error:
        raise Torn(f"not a message: {error}") from None
    return Frame(kind, fields, arrays)


def _array(source: socket.socket, dtype: str, shape: Sequence[int]) -> np.ndarray:
    if dtype not in _TYPES or not all(type(n) is int and n >= 0 for n in shape) or 4 * math.prod(shape) > _BODY:
        raise ValueError(f"an array of {dtype} {shape}")
    values = np.empty(shape, dtype)
    if values.size:
        _fill(source, _bytes(values))
    return values


def _bytes(values: np.ndarray) -> memoryview:
    return values.reshape(-1).view(np.uint8).data


def _read(source: socket.socket, size: int, may_end: bool = False) -> bytearray | None:
    buffer = bytearray(size)
    return buffer if _fill(source, memoryview(buffer), may_end) else None


def _fill(source: socket.socket, view: memoryview, may_end: bool = False) -> bool:
    """Whether the view was filled: it is not if the other side has closed, where it may."""
    done = 0
    while done < len(view):
        try:
            count = source.recv_into(view[done:])
        except ConnectionResetError:
            count = 0
        if not count:
            if may_end and not done:
                return False
            raise Torn("the other side is gone")
        done += count
    return True


def joined(rows: Sequence[Sequence[int]]) -> dict[str, np.ndarray]:
    """Rows of different lengths as two arrays: all ids one after another, and the length of each row."""
    ids = np.fromiter((i for row in rows for i in row), np.int32)
    return {"ids": ids, "lengths": np.fromiter(map(len, rows), np.int32)}


def parted(arrays: Mapping[str, np.ndarray], name: str = "ids") -> Iterator[np.ndarray]:
    """The rows again, as views into one array."""
    start = 0
    for length in arrays["lengths"].tolist():
        yield arrays[name][start : start + length]
        start += length
