"""Two token sequences of one text, cut into stretches: the bytes between places where a token of both ends.

Knows no model: each sequence is the byte at which each of its tokens ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tds_atlas.domain import Response, Score


@dataclass(frozen=True)
class Retold:
    """A response in the tokens of a condition with another tokenizer than its writer's, without its end token.

    Each token is given by the byte of the text at which it ends.
    """

    response: Response
    written: tuple[int, ...]  # of the writer's tokens that write the text
    ends: tuple[int, ...]  # [n] of its own tokens
    score: Score | None = None  # None: not scored yet


class Stretch(NamedTuple):
    """Bytes of a text between places where tokens of both tokenizers end, and the tokens of each that write them."""

    start: int
    end: int
    first: int  # the first of the writer's tokens
    tokens: int  # how many
    base_first: int
    base_tokens: int


def stretches(ends: Sequence[int], base_ends: Sequence[int]) -> list[Stretch]:
    """The shortest stretches, in order, up to the last byte at which both end a token.

    The ends never fall. A token of no bytes, such as the space before a text that a tokenizer makes up, belongs to the
    stretch that follows, and behind the last one to that.
    """
    found = list[Stretch]()
    start = first = base_first = i = j = 0
    while i < len(ends) and j < len(base_ends):
        end, base_end = ends[i], base_ends[j]
        if end == base_end and end > start:
            i, j = i + 1, j + 1
            found.append(Stretch(start, end, first, i - first, base_first, j - base_first))
            start, first, base_first = end, i, j
        elif end <= base_end:
            i += 1
        else:
            j += 1
    return [*found[:-1], _with_rest(found[-1], ends, base_ends)] if found else []


def _with_rest(last: Stretch, ends: Sequence[int], base_ends: Sequence[int]) -> Stretch:
    """The last stretch with the tokens of no bytes behind it."""
    more, base_more = (
        sum(end == last.end for end in of[behind:])
        for of, behind in ((ends, last.first + last.tokens), (base_ends, last.base_first + last.base_tokens))
    )
    return last._replace(tokens=last.tokens + more, base_tokens=last.base_tokens + base_more)
