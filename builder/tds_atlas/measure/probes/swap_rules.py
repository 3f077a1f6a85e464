"""Where tokens are swapped: by a measure of the two models' distributions, from a level on, or at random.

A rule is for a text that one model writes and into which tokens of the other are put. Which share of the positions a
level catches is known only once the text is written, so it is taken from the writer's own texts.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tds_atlas.measure.probes.lockstep import JointText, Place, Takes

BASE, ALIGNED = "base", "aligned"  # who writes
DIVERGENCE, DELTA, ENTROPY, RANDOM = "divergence", "delta", "entropy", "random"
Measure = Callable[[Place], float]


@dataclass(frozen=True)
class Name:
    """What names the texts of one rule."""

    writer: str
    method: str
    share: float | None = None  # of the positions at which the aligned model's token is aimed at
    threshold: float | None = None  # of Δ, in nats, where that and not a share is given


@dataclass(frozen=True)
class Rule:
    """Where tokens are swapped in the texts of one name."""

    name: Name
    takes: Callable[[str, int | None], Takes]  # of the text of a prompt, and of its sample

    @classmethod
    def fixed(cls, share: float) -> Rule:
        """One of the models alone: the base (share 0) or the aligned model (1)."""
        return cls(Name(BASE, DIVERGENCE, share), lambda *_: lambda at: bool(share))

    @classmethod
    def above(cls, writer: str, threshold: float) -> Rule:
        """Where Δ is above the threshold."""
        return cls(
            Name(writer, DELTA, threshold=threshold),
            lambda *_: _takes(writer, lambda at: at.delta > threshold),
        )

    @classmethod
    def from_level(cls, writer: str, method: str, aim: float, own: Sequence[JointText], share: float) -> Rule:
        """Where the measure reaches the level that this share of the positions in the writer's own texts reach."""
        measure = _measure(writer, method)
        level = highest([measure(place) for text in own for place in text.places], share)
        return cls(
            Name(writer, method, _aligned_share(writer, aim)),
            lambda *_: _takes(writer, lambda at: measure(at) >= level),
        )

    @classmethod
    def at_random(cls, writer: str, aim: float, rate: float) -> Rule:
        """At random, the same way in every run: seeded by what names the text, and the aimed share."""

        def takes(prompt: str, sample: int | None) -> Takes:
            more = [x for x in (None if writer == BASE else writer, sample) if x is not None]
            draw = random.Random("\0".join(map(str, [prompt, aim, *more])))
            return _takes(writer, lambda at: draw.random() < rate)

        return cls(Name(writer, RANDOM, _aligned_share(writer, aim)), takes)


def realised_share(writer: str, texts: Sequence[JointText]) -> float:
    """The share of all positions at which the other model's token was put in."""
    swapped = sum(is_swap == (writer == BASE) for text in texts for is_swap in text.is_swap)
    return swapped / sum(len(text.ids) for text in texts)


def highest(values: Sequence[float], share: float) -> float:
    """The level that this share of the values reach."""
    descending = sorted(values, reverse=True)
    count = round(share * len(descending))
    return descending[count - 1] if count else float("inf")


def _measure(writer: str, method: str) -> Measure:
    """JS of the two models; Δ, how much tuning raised what the aligned model would write; how unsure the writer is."""
    if method == DIVERGENCE:
        return lambda at: at.js
    if method == DELTA:
        return lambda at: at.delta
    return (lambda at: at.entropy) if writer == BASE else (lambda at: at.aligned_entropy)


def _takes(writer: str, swaps: Callable[[Place], bool]) -> Takes:
    """Whether the aligned model's token is taken, from whether the writer's is replaced."""
    return swaps if writer == BASE else lambda at: not swaps(at)


def _aligned_share(writer: str, share: float) -> float:
    """The share of positions at which the aligned model's token is taken, where the other's is put in at this share."""
    return share if writer == BASE else round(1 - share, 6)
