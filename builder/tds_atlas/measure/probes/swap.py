"""Token swap: the base writes, and at a share of the positions the aligned model's first choice is put in.

At the positions where the two stand furthest apart (JS), or where the base is least sure (entropy), or anywhere. Which
these are is only known as the text is written, so that a level is set beforehand, from the base's own texts; the share
that came of it is recorded. Behind a swap the text is no longer the base's own, and the two may stand further apart.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tds_atlas.measure.memory import in_batches
from tds_atlas.measure.probes.lockstep import Takes, Written, write
from tds_atlas.measure.side import Side

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
    prompt_ids = [(base.frame.prompt_ids(p), aligned.frame.prompt_ids(p)) for p in prompts]

    def texts(method: str, share: float, takes: Callable[[str], Takes]) -> list[Swapped]:
        def work(batch: Sequence[int]) -> list[Written]:
            rules = [takes(prompts[i]) for i in batch]
            return write(base.model, aligned.model, [prompt_ids[i] for i in batch], rules, max_new_tokens)

        everyone = range(len(prompts))
        written = in_batches(work, everyone, _ROWS, lambda i: aligned.out_of_memory(prompts[i]))
        return [Swapped(i, method, share, text) for i, text in enumerate(written)]

    alone = texts(DIVERGENCE, 0.0, lambda _: _never)
    yield from alone
    yield from texts(DIVERGENCE, 1.0, lambda _: _always)
    for share in shares:
        by_divergence = texts(DIVERGENCE, share, _at_least(DIVERGENCE, alone, share))
        yield from by_divergence
        realised = realised_share(by_divergence)
        yield from texts(ENTROPY, share, _at_least(ENTROPY, alone, realised))
        yield from texts(RANDOM, share, _at_random(share, realised))


def realised_share(texts: Sequence[Swapped]) -> float:
    """The share of all positions at which a token was swapped in."""
    return sum(sum(x.written.swapped) for x in texts) / sum(len(x.written.ids) for x in texts)


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


def _at_random(share: float, realised: float) -> Callable[[str], Takes]:
    """Swap at random, the same way in every run: the prompt and the aimed share are the seed."""

    def of(prompt: str) -> Takes:
        draw = random.Random(f"{prompt}\0{share}")
        return lambda js, entropy: draw.random() < realised

    return of


def highest(values: Sequence[float], share: float) -> float:
    """The level that this share of the values reach."""
    ordered = sorted(values, reverse=True)
    count = round(share * len(ordered))
    return ordered[count - 1] if count else float("inf")
