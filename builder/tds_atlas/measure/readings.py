"""What a model reads before each answer, exactly: what all prompts of a condition share once, and the part of each.

A few-shot preamble or a system prompt is then not repeated for every prompt; opening + text + closing is the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tds_atlas.domain import Turns
from tds_atlas.measure.contexts import Frame


@dataclass(frozen=True)
class Readings:
    """The texts before the answers of one condition, in the order of the prompts."""

    opening: str  # that all of them begin with
    closing: str  # that the rest of all of them end with
    texts: tuple[str, ...]  # between the two
    special: tuple[tuple[int, ...], ...]  # where special tokens begin and end in the whole, in code points, in turn

    @staticmethod
    def of(frame: Frame, prompts: Sequence[str | Turns]) -> Readings:
        """`prompts`: what the context is filled with."""
        wholes = [frame.render(prompt) for prompt in prompts]
        opening = _beginning(wholes)
        rests = [whole[len(opening) :] for whole in wholes]
        closing = _beginning([rest[::-1] for rest in rests])[::-1]
        own = tuple(rest[: len(rest) - len(closing)] for rest in rests)
        return Readings(opening, closing, own, tuple(frame.special_places(prompt) for prompt in prompts))


def _beginning(texts: Sequence[str]) -> str:
    """What all texts begin with: what the first and the last in alphabetical order do."""
    first, last = min(texts), max(texts)
    return first[: next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))]
