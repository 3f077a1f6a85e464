"""Token swap: the base writes, and at a share of the positions the aligned model's first choice replaces its own.

At the positions where the two differ most (JS), where the base is least certain (entropy), or at random. These are
known only as the text is written, so a level is set beforehand, from the base's own texts, and the share that results
is recorded. After a swap the text is no longer the base's own, and the two may differ more.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tds_atlas.domain import Prompt
from tds_atlas.measure.memory import in_batches, rows_at_once
from tds_atlas.measure.probes.lockstep import JointText, Takes, write
from tds_atlas.measure.side import Side

DIVERGENCE, ENTROPY, RANDOM = "divergence", "entropy", "random"
_ROWS = 64  # texts written at a time


@dataclass(frozen=True)
class Swap:
    """One text for a prompt."""

    prompt: int  # index into the prompts
    method: str
    share: float  # aimed at
    text: JointText


def swaps(
    base: Side, aligned: Side, prompts: Sequence[Prompt], shares: Sequence[float], max_new_tokens: int
) -> Iterator[Swap]:
    """Every prompt by the base alone (share 0), by the aligned model alone (1), and at every share by every method.

    The methods entropy and random aim at the share that resulted from divergence, so that all swap as many tokens.
    """
    prompt_ids = [(base.prompt_ids(p), aligned.prompt_ids(p)) for p in prompts]
    longest = max((len(ids) for both in prompt_ids for ids in both), default=1)
    size = rows_at_once([base.resident, aligned.resident], longest + max_new_tokens, _ROWS)

    def texts(method: str, share: float, takes: Callable[[str], Takes]) -> list[Swap]:
        def work(batch: Sequence[int]) -> list[JointText]:
            rules = [takes(prompts[i].text) for i in batch]
            return write(base.resident, aligned.resident, [prompt_ids[i] for i in batch], rules, max_new_tokens)

        joint_texts = in_batches(work, range(len(prompts)), size, lambda i: aligned.out_of_memory(prompts[i]))
        return [Swap(i, method, share, text) for i, text in enumerate(joint_texts)]

    alone = texts(DIVERGENCE, 0.0, lambda _: _never)
    yield from alone
    yield from texts(DIVERGENCE, 1.0, lambda _: _always)
    for share in shares:
        by_divergence = texts(DIVERGENCE, share, _at_least(DIVERGENCE, alone, share))
        yield from by_divergence
        result = realised_share(by_divergence)
        yield from texts(ENTROPY, share, _at_least(ENTROPY, alone, result))
        yield from texts(RANDOM, share, _at_random(share, result))


def realised_share(texts: Sequence[Swap]) -> float:
    """The share of all positions at which a token was swapped."""
    return sum(sum(x.text.is_swap) for x in texts) / sum(len(x.text.ids) for x in texts)


def _never(js: float, entropy: float) -> bool:
    return False


def _always(js: float, entropy: float) -> bool:
    return True


def _at_least(method: str, alone: Sequence[Swap], share: float) -> Callable[[str], Takes]:
    """Swap where the measure reaches the level that this share of the positions in the base's own texts reach."""
    values = [v for x in alone for v in (x.text.js if method == DIVERGENCE else x.text.entropy)]
    level = highest(values, share)

    def takes(js: float, entropy: float) -> bool:
        return (js if method == DIVERGENCE else entropy) >= level

    return lambda _: takes


def _at_random(share: float, rate: float) -> Callable[[str], Takes]:
    """Swap at random, the same way in every run: seeded by the prompt and the aimed share."""

    def of(prompt: str) -> Takes:
        draw = random.Random(f"{prompt}\0{share}")
        return lambda js, entropy: draw.random() < rate

    return of


def highest(values: Sequence[float], share: float) -> float:
    """The level that this share of the values reach."""
    descending = sorted(values, reverse=True)
    count = round(share * len(descending))
    return descending[count - 1] if count else float("inf")
