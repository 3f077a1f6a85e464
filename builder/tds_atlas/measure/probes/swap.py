"""Token swap: the base writes, and at a share of the positions the aligned model's first choice replaces its own.

At the positions where the two differ most (JS), where the base is least certain (entropy), or at random. These are
known only as the text is written, so a level is set beforehand, from the base's own texts, and the share that results
is recorded. After a swap the text is no longer the base's own, and the two may differ more.

The other way round, the aligned model writes, and the base's first choice replaces its own where the two differ most;
the level is set from the aligned model's own texts.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tds_atlas.domain import Prompt
from tds_atlas.measure.memory import in_batches
from tds_atlas.measure.probes.lockstep import JointText, Takes, write
from tds_atlas.measure.side import Side

DIVERGENCE, ENTROPY, RANDOM, REVERSE = "divergence", "entropy", "random", "reverse"
_TEXTS = 512  # written at a time


@dataclass(frozen=True)
class Swap:
    """One text for a prompt."""

    prompt: int  # index into the prompts
    method: str
    share: float  # aimed at
    text: JointText


@dataclass(frozen=True)
class Rule:
    """Where tokens are swapped in the texts of one method at one share."""

    method: str
    share: float  # aimed at
    takes: Callable[[str], Takes]  # of a prompt's text


def swaps(
    base: Side,
    aligned: Side,
    prompts: Sequence[Prompt],
    shares: Sequence[float],
    max_new_tokens: int,
    reverse: Sequence[float] = (),
) -> Iterator[Swap]:
    """Every prompt by the base alone (share 0), by the aligned model alone (1), and at every share by every method.

    The methods entropy and random aim at the share that resulted from divergence, so that all swap as many tokens. For
    each share in reverse the base chooses at that share of the positions, and the aligned model at the others.
    """
    prompt_ids = [(base.prompt_ids(p), aligned.prompt_ids(p)) for p in prompts]

    def texts(*rules: Rule) -> list[list[Swap]]:
        """The text of every prompt by each rule. All texts of a prompt are written together: they begin alike."""
        tasks = [(i, rule) for i in range(len(prompts)) for rule in rules]

        def work(batch: Sequence[tuple[int, Rule]]) -> list[JointText]:
            takes = [rule.takes(prompts[i].text) for i, rule in batch]
            return write(base.resident, aligned.resident, [prompt_ids[i] for i, _ in batch], takes, max_new_tokens)

        made = in_batches(work, tasks, _TEXTS, lambda n: aligned.out_of_memory(prompts[tasks[n][0]]))
        found = [Swap(i, rule.method, rule.share, text) for (i, rule), text in zip(tasks, made, strict=True)]
        return [found[n :: len(rules)] for n in range(len(rules))]

    alone, whole = texts(Rule(DIVERGENCE, 0.0, lambda _: _never), Rule(DIVERGENCE, 1.0, lambda _: _always))
    yield from alone + whole
    by_divergence = texts(*(Rule(DIVERGENCE, share, _at_least(DIVERGENCE, alone, share)) for share in shares))
    rates = [realised_share(found) for found in by_divergence]
    both = zip(shares, rates, strict=True)
    others = texts(
        *(
            rule
            for share, rate in both
            for rule in (
                Rule(ENTROPY, share, _at_least(ENTROPY, alone, rate)),
                Rule(RANDOM, share, _at_random(share, rate)),
            )
        )
    )
    for n, found in enumerate(by_divergence):
        yield from found + others[2 * n] + others[2 * n + 1]
    for found in texts(*(Rule(REVERSE, round(1 - share, 6), _below(whole, share)) for share in reverse)):
        yield from found


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


def _below(whole: Sequence[Swap], share: float) -> Callable[[str], Takes]:
    """The base chooses from a level of JS on: the one that this share of the aligned model's own positions reach."""
    level = highest([js for x in whole for js in x.text.js], share)
    return lambda _: lambda js, entropy: js < level


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
