"""Two models write one text together, a token at a time; at each position a rule says whose first choice is taken.

Both keep their caches; each reads the text after its own prompt. Knows only token ids.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from tds_atlas.measure.engines.transformers import LoadedModel
from tds_atlas.measure.memory import rows_at_once
from tds_atlas.measure.probes.reader import Reader
from tds_atlas.measure.side import Ids
from tds_atlas.measure.statistics import rows_on

Takes = Callable[[float, float], bool]  # (JS of the two models, entropy of the base), nats -> take the aligned choice?


@dataclass
class JointText:
    """One text written by both models, and what was measured at each of its positions."""

    ids: list[int] = field(default_factory=list)  # [n] with the end token last, if it was reached
    is_swap: list[bool] = field(default_factory=list)  # [n] the aligned model's choice was taken
    is_change: list[bool] = field(default_factory=list)  # [n] and it differed from the base's
    js: list[float] = field(default_factory=list)  # [n] nats
    entropy: list[float] = field(default_factory=list)  # [n] of the base, nats


def write(
    base: LoadedModel,
    aligned: LoadedModel,
    prompts: Sequence[tuple[Ids, Ids]],  # the ids before the answer, for base and aligned
    takes: Sequence[Takes],
    max_new_tokens: int,
) -> list[JointText]:
    """One batch, greedily, until every text has its end token or its maximum length.

    A text ends at an end token of the model whose choice was taken. Texts that are alike so far are read once; what
    grows too large for the memory is halved, and the other half is read anew when the first is done.
    """
    texts = [JointText() for _ in prompts]
    waiting = [list(range(len(prompts)))]
    with torch.inference_mode():
        while waiting:
            waiting += _Joint(base, aligned, prompts, takes, texts, max_new_tokens).write(waiting.pop())
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
        firsts = [x.argmax(-1).tolist() for x in logits]
        js, entropy = _js_and_entropy(*logits)
        going = []
        for n, row in enumerate(rows):
            differ = firsts[0][n] != firsts[1][n]
            for i in row:
                swap = self.takes[i](js[n], entropy[n])
                token = firsts[swap][n]
                _add(self.texts[i], token, swap, swap and differ, js[n], entropy[n])
                ends = token in (self.aligned if swap else self.base).end_ids
                if not ends and len(self.texts[i].ids) < self.most:
                    going.append((n, token, i))
        found = _grouped((n, token) for n, token, _ in going)
        return [going[row[0]][0] for row in found], [[going[n][2] for n in row] for row in found]

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


def _js_and_entropy(base: Tensor, aligned: Tensor) -> tuple[list[float], list[float]]:
    """JS of the two, and the base's entropy, per row, in nats."""
    kind, none = rows_on([base.device]), torch.zeros(len(base), dtype=torch.int64)
    b, a = (kind.of(x.to(base.device), none, 1) for x in (base, aligned))
    return a.divergences(b)[2].tolist(), b.columns["entropy"].tolist()


def _add(text: JointText, token: int, is_swap: bool, is_change: bool, js: float, entropy: float) -> None:
    text.ids.append(token)
    text.is_swap.append(is_swap)
    text.is_change.append(is_change)
    text.js.append(js)
    text.entropy.append(entropy)
