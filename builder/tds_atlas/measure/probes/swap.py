"""Token swap: one model writes, and at a share of the positions the other's next token replaces its own.

At the positions where the two differ most (JS), where tuning raised the aligned model's token most (Δ), where the
writer is least certain (entropy), or at random. These are known only as the text is written, so a level is set
beforehand, from the writer's own texts, and the share that results is recorded. After a swap the text is no longer the
writer's own, and the two may differ more. A threshold of Δ may be given, too, whatever share results.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tds_atlas.domain import Prompt, Sampling
from tds_atlas.measure.memory import in_batches
from tds_atlas.measure.probes.draws import Draws, numbers_of
from tds_atlas.measure.probes.lockstep import JointText, write
from tds_atlas.measure.probes.swap_rules import ALIGNED, BASE, DIVERGENCE, ENTROPY, RANDOM, Name, Rule, realised_share
from tds_atlas.measure.side import Side

_TEXTS = 512  # written at a time


@dataclass(frozen=True)
class Swap:
    """One text for a prompt."""

    prompt: int  # index into the prompts
    sample: int | None  # from 1; None: it is greedy
    name: Name
    text: JointText


@dataclass(frozen=True)
class Asked:
    """What is tried on each prompt."""

    shares: Sequence[float] = ()  # of the aligned model's tokens in the base's text
    reverse: Sequence[float] = ()  # of the base's tokens in the aligned model's text
    methods: Sequence[str] = (DIVERGENCE, ENTROPY, RANDOM)  # at each of the shares
    reverse_methods: Sequence[str] = (DIVERGENCE,)
    thresholds: Sequence[float] = ()  # of Δ, in the base's text; in the aligned model's, too, where reverse has shares
    sampling: Sampling | None = None
    samples: int = 1


def swaps(base: Side, aligned: Side, prompts: Sequence[Prompt], asked: Asked, max_new_tokens: int) -> Iterator[Swap]:
    """Every prompt by the base alone (share 0), by the aligned model alone (1), and at every share by every method.

    The other methods aim at the share that resulted from divergence, so that all swap as many tokens.
    """
    texts = _Texts(base, aligned, prompts, asked, max_new_tokens)
    alone, whole = texts.by(Rule.fixed(0.0), Rule.fixed(1.0))
    yield from alone + whole
    yield from _direction(texts.by, BASE, alone, asked.shares, asked.methods, asked.thresholds)
    if asked.reverse:
        yield from _direction(texts.by, ALIGNED, whole, asked.reverse, asked.reverse_methods, asked.thresholds)


def _direction(
    by: Callable[..., list[list[Swap]]],
    writer: str,
    alone: Sequence[Swap],
    shares: Sequence[float],
    methods: Sequence[str],
    thresholds: Sequence[float],
) -> Iterator[Swap]:
    """The texts of one writer with tokens of the other."""
    own = [swap.text for swap in alone]
    first = by(*(Rule.from_level(writer, DIVERGENCE, share, own, share) for share in shares))
    rules = []
    for share, found in zip(shares, first, strict=True):
        rate = realised_share(writer, [swap.text for swap in found])
        for method in methods:
            if method == RANDOM:
                rules.append(Rule.at_random(writer, share, rate))
            elif method != DIVERGENCE:
                rules.append(Rule.from_level(writer, method, share, own, rate))
    for found in first + by(*rules, *(Rule.above(writer, threshold) for threshold in thresholds)):
        yield from found


@dataclass(frozen=True)
class _Texts:
    """The texts of all prompts, as many of each as there are samples."""

    base: Side
    aligned: Side
    prompts: Sequence[Prompt]
    asked: Asked
    max_new_tokens: int

    def by(self, *rules: Rule) -> list[list[Swap]]:
        """Those of each rule. All texts of a prompt are written together: they begin alike."""
        samples = range(1, self.asked.samples + 1) if self.asked.sampling else [None]
        tasks = [(i, sample, rule) for i in range(len(self.prompts)) for sample in samples for rule in rules]
        made = in_batches(self._write, tasks, _TEXTS, lambda n: self.aligned.out_of_memory(self.prompts[tasks[n][0]]))
        found = [Swap(i, sample, rule.name, text) for (i, sample, rule), text in zip(tasks, made, strict=True)]
        return [found[n :: len(rules)] for n in range(len(rules))]

    def _write(self, batch: Sequence[tuple[int, int | None, Rule]]) -> list[JointText]:
        prompts = {i: self.prompts[i] for i, *_ in batch}
        ids = {i: (self.base.prompt_ids(p), self.aligned.prompt_ids(p)) for i, p in prompts.items()}
        takes = [rule.takes(prompts[i].text, sample) for i, sample, rule in batch]
        models = self.base.resident, self.aligned.resident
        return write(*models, [ids[i] for i, *_ in batch], takes, self.max_new_tokens, self._draws(batch))

    def _draws(self, batch: Sequence[tuple[int, int | None, Rule]]) -> Draws | None:
        sampling = self.asked.sampling
        if sampling is None:
            return None
        pairs = {(i, sample): self.prompts[i].prompt_id for i, sample, _ in batch if sample is not None}
        known = {key: numbers_of(sampling, prompt_id, key[1], self.max_new_tokens) for key, prompt_id in pairs.items()}
        return Draws(sampling, [known[i, sample] for i, sample, _ in batch if sample is not None])
