"""Two models write one text together, a token at a time; at each place a rule says whose next token is taken.

Both keep their caches; each reads the text after its own prompt. Knows only token ids.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from tds_atlas.measure.engines.transformers import LoadedModel
from tds_atlas.measure.memory import rows_at_once
from tds_atlas.measure.probes.draws import Draws
from tds_atlas.measure.probes.reader import Reader
from tds_atlas.measure.side import Ids
from tds_atlas.measure.statistics import rows_on


class Place(NamedTuple):
    """What both models say where a text goes on, in nats."""

    js: float  # of the two
    entropy: float  # of the base
    aligned_entropy: float
    delta: float  # ln p(aligned) - ln p(base) of the token that the aligned model would write


Takes = Callable[[Place], bool]  # is the aligned model's token taken there?


@dataclass
class JointText:
    """One text written by both models, and what they said at each of its places."""

    ids: list[int] = field(default_factory=list)  # [n] with the end token last, if it was reached
    is_swap: list[bool] = field(default_factory=list)  # [n] the aligned model's token was taken
    is_change: list[bool] = field(default_factory=list)  # [n] and it differed from the base's
    places: list[Place] = field(default_factory=list)  # [n]


def write(
    base: LoadedModel,
    aligned: LoadedModel,
    prompts: Sequence[tuple[Ids, Ids]],  # the ids before the answer, for base and aligned
    takes: Sequence[Takes],
    max_new_tokens: int,
    draws: Draws | None = None,  # none: greedily
) -> list[JointText]:
    """One batch, until every text has its end token or its maximum length.

    A text ends at an end token of the model whose choice was taken. Texts that are alike so far are read once; what
    grows too large for the memory is halved, and the other half is read anew when the first is done.
    """
    texts = [JointText() for _ in prompts]
    waiting = [list(range(len(prompts)))]
    with torch.inference_mode():
        while waiting:
            waiting += _Joint(base, aligned, prompts, takes, texts, max_new_tokens, draws).write(waiting.pop())
    return texts


@dataclass(frozen=True)
class _Joint:
    """Both models, and texts that they have begun."""

    base: LoadedModel
    aligned: LoadedModel
    prompts: Sequence[tuple[Ids, Ids]]
    takes: Sequence[Takes]
    texts: Sequence[JointText]
    most: int  # tokens of a text
    draws: Draws | None

    def write(self, unfinished: Sequence[int]) -> list[list[int]]:
        """Write these texts to their ends, except those that are returned: they wait, since they do not fit."""
        rows = _grouped((self.prompts[i], tuple(self.texts[i].ids)) for i in unfinished)
        rows = [[unfinished[n] for n in row] for row in rows]
        waiting = []
        if (size := self._size(rows)) < len(rows):
            waiting.append([i for row in rows[size:] for i in row])
            rows = rows[:size]
        readers = [
            Reader(model, [(*self.prompts[row[0]][side], *self.texts[row[0]].ids) for row in rows])
            for side, model in enumerate((self.base, self.aligned))
        ]
        logits = [reader.read() for reader in readers]  # 2 x [B, V]
        while True:
            kept, rows = self._step(rows, logits)
            if (size := self._size(rows)) < len(rows):
                half = min(size, len(rows) // 2)
                waiting.append([i for row in rows[half:] for i in row])
                kept, rows = kept[:half], rows[:half]
            if not rows:
                return waiting
            for reader in readers:
                reader.keep(kept)
            logits = [reader.read([self.texts[row[0]].ids[-1] for row in rows]) for reader in readers]

    def _step(self, rows: Sequence[Sequence[int]], logits: Sequence[Tensor]) -> tuple[list[int], list[list[int]]]:
        """Give every text its next token. Returns the rows of texts that go on: which it was, and its texts."""
        pairs = [(n, i) for n, row in enumerate(rows) for i in row]
        own = [self._next(x, pairs) for x in logits]  # 2 x [texts]
        places = _places(logits[0], logits[1], [n for n, _ in pairs], own[1])
        going = []
        for (n, i), choices, place in zip(pairs, zip(*own, strict=True), places, strict=True):
            swap = self.takes[i](place)
            token = choices[swap]
            _add(self.texts[i], token, swap, swap and choices[0] != choices[1], place)
            ends = token in (self.aligned if swap else self.base).end_ids
            if not ends and len(self.texts[i].ids) < self.most:
                going.append((n, token, i))
        found = _grouped((n, token) for n, token, _ in going)
        return [going[row[0]][0] for row in found], [[going[n][2] for n in row] for row in found]

    def _next(self, logits: Tensor, pairs: Sequence[tuple[int, int]]) -> list[int]:
        """The token that a model would write next in each text, from the row of logits that it has."""
        if self.draws is not None:
            return self.draws.next(logits, [(n, i, len(self.texts[i].ids)) for n, i in pairs])
        firsts = logits.argmax(-1).tolist()
        return [firsts[n] for n, _ in pairs]

    def _size(self, rows: Sequence[Sequence[int]]) -> int:
        """How many of these rows both models read together, with one token more."""
        lengths = (len(self.texts[row[0]].ids) + max(map(len, self.prompts[row[0]])) for row in rows)
        return rows_at_once([self.base, self.aligned], max(lengths, default=0) + 1, len(rows) or 1)


def _grouped(keys: Iterable[Hashable]) -> list[list[int]]:
    """The places of equal keys, in the order of the first of them."""
    found: dict[Hashable, list[int]] = {}
    for place, key in enumerate(keys):
        found.setdefault(key, []).append(place)
    return list(found.values())


def _places(base: Tensor, aligned: Tensor, rows: Sequence[int], ids: Sequence[int]) -> list[Place]:
    """What is said where each text goes on, from its row of logits and the token that the aligned model would write."""
    kind, none = rows_on([base.device]), torch.zeros(len(base), dtype=torch.int64)
    below = [_below_peak(x, rows, ids) for x in (base, aligned)]  # first: the statistics take the logits over
    b, a = (kind.of(x.to(base.device), none, 1) for x in (base, aligned))
    js, firsts = a.divergences(b)[2].tolist(), [x.columns["top_logprobs"][:, 0].tolist() for x in (b, a)]
    entropies = [x.columns["entropy"].tolist() for x in (b, a)]
    return [
        Place(js[n], entropies[0][n], entropies[1][n], (firsts[1][n] + own) - (firsts[0][n] + other))
        for n, other, own in zip(rows, *below, strict=True)
    ]


def _below_peak(logits: Tensor, rows: Sequence[int], ids: Sequence[int]) -> list[float]:
    """How far the logit of a token is from its row's largest; minus infinity for an id beyond the vocabulary."""
    wanted = torch.tensor(ids)
    own = logits[torch.tensor(rows), wanted.clamp_max(logits.shape[-1] - 1)].cpu() - logits.amax(-1).cpu()[rows]
    return own.where(wanted < logits.shape[-1], -torch.inf).tolist()


def _add(text: JointText, token: int, is_swap: bool, is_change: bool, place: Place) -> None:
    text.ids.append(token)
    text.is_swap.append(is_swap)
    text.is_change.append(is_change)
    text.places.append(place)
