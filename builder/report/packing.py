"""Whole numbers as short text that stands in JSON unescaped: an example page holds thousands, and should stay light.

A number is one character below 45, two below 2,070, three below 93,195. Digits 45 to 89 say that more follows. Read by
`reader` in assets/js/example-data.js.
"""

from __future__ import annotations

from collections.abc import Iterable

DIGITS = "".join(c for c in map(chr, range(0x20, 0x7F)) if c not in '"\\<>&')
_HALF = len(DIGITS) // 2
LENGTHS = (_HALF, _HALF + _HALF**2)  # where numbers of two and of three characters begin


def packed(values: Iterable[int]) -> str:
    """Numbers from 0 on, one behind the other."""
    return "".join([_SHORT[v] if v < len(_SHORT) else _digits(v) for v in values])


def _digits(value: int) -> str:
    text = ""
    while value >= _HALF:
        text += DIGITS[_HALF + value % _HALF]
        value = value // _HALF - 1
    return text + DIGITS[value]


_SHORT = [_digits(v) for v in range(LENGTHS[1])]  # nearly all that a page holds
