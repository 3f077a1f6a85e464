"""Token swap: the base writes, and at a share of the positions the aligned model's first choice is put in.

At the positions where the two stand furthest apart (JS), or where the base is least sure (entropy), or anywhere. Which
these are is only known as the text is written, so that a level is set beforehand, from the base's own texts; the share
that came of it is recorded. Behind a swap the text is no longer the base's own, and the two may stand further apart.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from builder.measure.generate import Side
from builder.measure.lockstep import Takes, Written, write
from builder.measure.memory import without_overflow

DIVERGENCE, ENTROPY, RANDOM = "divergence", "entropy", "random"
_ROWS = 64  # texts written at a time


@dataclass(frozen=True)
class Swapped:
    """One text of a prompt."""

    prompt: int  # its place among the prompts given
    method: str
    share: float  # aimed at
    written: Written


def swaps(
    base: Side, aligned: Side, prompts: Sequence[str], shares: Sequence[float], max_new_tokens: int
) -> Iterator[Swapped]:
    """Every prompt by the base alone (share 0), by the aligned model alone (1), and at every share by every method.

    The shares of the methods entropy and random are those that came of divergence, so that all swap as many tokens.
    """
    heads = [(base.frame.prompt_ids(p), aligned.frame.prompt_ids(p)) for p in prompts]

    def texts(method: str, share: float, takes: Callable[[str], Takes]) -> list[Swapped]:
        def work(part: Sequence[int]) -> list[Written]:
            rules = [takes(prompts[i]) for i in part]
            return write(base.model, aligned.model, [heads[i] for i in part], rules, max_new_tokens)

        made: list[Written] = []
        for start in range(0, len(heads), _ROWS):
            part = range(start, min(start + _ROWS, len(heads)))
            made += without_overflow(work, part, lambda i, part=part: aligned.too_large(prompts[part[i]]))  # type: ignore[misc]
        return [Swapped(i, method, share, text) for i, text in enumerate(made)]

    alone = texts(DIVERGENCE, 0.0, lambda _: _never)
    yield from alone
    yield from texts(DIVERGENCE, 1.0, lambda _: _always)
    for share in shares:
        made = texts(DIVERGENCE, share, _at_least(DIVERGENCE, alone, share))
        yield from made
        came = sum(sum(x.written.swapped) for x in made) / sum(len(x.written.ids) for x in made)
        yield from texts(ENTROPY, share, _at_least(ENTROPY, alone, came))
        yield from texts(RANDOM, share, _drawn(share, came))


def _never(js: float, entropy: float) -> bool:
    return False


def _always(js: float, entropy: float) -> bool:
    return True


def _at_least(method: str, alone: Sequence[Swapped], share: float) -> Callable[[str], Takes]:
    """Swap where the measure reaches the level that this share of the positions of the base's own texts reach."""
    seen = [v for x in alone for v in (x.written.js if method == DIVERGENCE else x.written.entropy)]
    level = highest(seen, share)

    def takes(js: float, entropy: float) -> bool:
        return (js if method == DIVERGENCE else entropy) >= level

    return lambda _: takes


def _drawn(share: float, came: float) -> Callable[[str], Takes]:
    """Swap at random, alike in every run: the prompt is the seed."""

    def of(prompt: str) -> Takes:
        draw = random.Random(f"{prompt}\0{share}")
        return lambda js, entropy: draw.random() < came

    return of


def highest(values: Sequence[float], share: float) -> float:
    """The level that this share of the values reach."""
    ordered = sorted(values, reverse=True)
    count = round(share * len(ordered))
    return ordered[count - 1] if count else float("inf")
