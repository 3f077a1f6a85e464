"""Integers as short text that needs no escaping in JSON: an example page holds thousands, and should stay small.

A number is one character below 45, two below 2,070, three below 93,195. Digits 45 to 89 mean that more follow. Read by
`reader` in assets/js/example-data.js.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Ints = np.ndarray[Any, np.dtype[np.int32]]
DIGITS = "".join(c for c in map(chr, range(0x20, 0x7F)) if c not in '"\\<>&')
_HALF = len(DIGITS) // 2
LENGTHS = (_HALF, _HALF + _HALF**2)  # where numbers of two and of three characters begin
_CODES = np.frombuffer(DIGITS.encode("ascii"), np.uint8)


def packed(values: Ints) -> str:
    """Non-negative numbers packed one after the other, row by row."""
    left, chars = values.ravel().astype(np.uint32), []
    while (more := left >= _HALF).any():
        chars.append(np.where(more, _CODES[_HALF + left % _HALF], 0).astype(np.uint8))
        left = np.where(more, left // _HALF - 1, left)
    return np.column_stack([*chars, _CODES[left]]).tobytes().translate(None, b"\0").decode("ascii")
