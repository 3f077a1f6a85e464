"""An ONNX graph as bytes: the few messages of its protobuf that a graph over external weights needs, written by hand.

`onnx` would bring 17 MB to write some kilobytes. Field numbers are those of onnx.proto, format version 8.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

FLOAT, INT64, FLOAT16, BFLOAT16 = 1, 7, 10, 16  # TensorProto.DataType
_IR_VERSION, _OPSET = 8, 17
Attribute = int | float | Sequence[int]


@dataclass(frozen=True)
class Weight:
    """A tensor that stands in another file."""

    name: str
    kind: int
    shape: tuple[int, ...]
    file: str
    offset: int
    size: int  # bytes


@dataclass
class Graph:
    """A graph as it grows: each operator's result gets a name, which the next ones take."""

    inputs: Mapping[str, tuple[int, Sequence[int | str]]]  # type and shape; a text names a dimension that may vary
    parts: list[bytes] = field(default_factory=list)
    count: int = 0

    def add(self, operator: str, *inputs: str, **attributes: Attribute) -> str:
        """The name of an operator's only result."""
        return self.split(operator, 1, *inputs, **attributes)[0]

    def split(self, operator: str, results: int, *inputs: str, **attributes: Attribute) -> list[str]:
        names = [f"x{self.count + i}" for i in range(results)]
        self.count += results
        self._node(operator, inputs, names, attributes)
        return names

    def result(self, name: str, of: str) -> None:
        """A result of the whole graph under its own name."""
        self._node("Identity", [of], [name], {})
        self.parts.append(_message(12, _described(name, FLOAT, None)))

    def constant(self, kind: int, values: Sequence[float], *shape: int) -> str:
        name, letter = f"c{self.count}", {INT64: "q", FLOAT: "f"}[kind]
        self.count += 1
        raw = struct.pack(f"<{len(values)}{letter}", *values)
        self.parts.append(_message(5, _tensor(name, kind, shape) + _message(9, raw)))
        return name

    def weight(self, weight: Weight) -> str:
        """The tensor as it stands in its file."""
        entries = {"location": weight.file, "offset": str(weight.offset), "length": str(weight.size)}
        stored = b"".join(_message(13, _text(1, key) + _text(2, value)) for key, value in entries.items())
        self.parts.append(_message(5, _tensor(weight.name, weight.kind, weight.shape) + stored + _number(14, 1)))
        return weight.name

    def model(self) -> bytes:
        """The whole file."""
        inputs = [_message(11, _described(name, *described)) for name, described in self.inputs.items()]
        graph = b"".join(self.parts) + _text(2, "model") + b"".join(inputs)
        return _number(1, _IR_VERSION) + _text(2, "tds-atlas") + _message(7, graph) + _message(8, _number(2, _OPSET))

    def _node(
        self, operator: str, inputs: Sequence[str], outputs: Sequence[str], attributes: Mapping[str, Attribute]
    ) -> None:
        body = b"".join(_text(1, name) for name in inputs) + b"".join(_text(2, name) for name in outputs)
        body += _text(4, operator) + b"".join(_message(5, _attribute(*item)) for item in attributes.items())
        self.parts.append(_message(1, body))


def _attribute(name: str, value: Attribute) -> bytes:
    if isinstance(value, float):
        return _text(1, name) + _tag(2, 5) + struct.pack("<f", value) + _number(20, 1)
    if isinstance(value, int):
        return _text(1, name) + _number(3, value) + _number(20, 2)
    return _text(1, name) + b"".join(_number(8, i) for i in value) + _number(20, 7)


def _tensor(name: str, kind: int, shape: Sequence[int]) -> bytes:
    return b"".join(_number(1, size) for size in shape) + _number(2, kind) + _text(8, name)


def _described(name: str, kind: int, shape: Sequence[int | str] | None) -> bytes:
    dims = b"".join(_message(1, _number(1, d) if isinstance(d, int) else _text(2, d)) for d in shape or ())
    tensor = _number(1, kind) + (b"" if shape is None else _message(2, dims))
    return _text(1, name) + _message(2, _message(1, tensor))


def _text(number: int, value: str) -> bytes:
    return _message(number, value.encode())


def _message(number: int, body: bytes) -> bytes:
    return _tag(number, 2) + _varint(len(body)) + body


def _number(number: int, value: int) -> bytes:
    return _tag(number, 0) + _varint(value % 2**64)


def _tag(number: int, wire: int) -> bytes:
    return _varint(number << 3 | wire)


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; all but the last have the eighth set."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
