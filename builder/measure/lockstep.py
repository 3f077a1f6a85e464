"""Two models write one text together, a token at a time; at each place a rule says whose first choice is taken.

Both keep their caches; each reads the text behind its own prompt. Knows token ids only.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from builder.measure import distance
from builder.measure.distance import Distribution
from builder.measure.models import LoadedModel
from builder.measure.score import divergences_of

Takes = Callable[[float, float], bool]  # (JS of the two models, entropy of the base), nats -> the aligned one's choice?


@dataclass
class Written:
    """One text and what was seen at each of its positions."""

    ids: list[int] = field(default_factory=list)  # [n] the end token, if it was reached, last
    swapped: list[bool] = field(default_factory=list)  # [n] the aligned model's choice was taken
    changed: list[bool] = field(default_factory=list)  # [n] and it was another than the base's
    js: list[float] = field(default_factory=list)  # [n] nats
    entropy: list[float] = field(default_factory=list)  # [n] of the base, nats


def write(
    base: LoadedModel,
    aligned: LoadedModel,
    heads: Sequence[tuple[tuple[int, ...], tuple[int, ...]]],  # the ids before the answer, of either
    takes: Sequence[Takes],
    max_new_tokens: int,
) -> list[Written]:
    """One batch, greedily, until every text has its end token or its length.

    Where the text so far is the base's own, the end tokens are the base's; an aligned choice ends by the aligned ones.
    """
    texts = [Written() for _ in heads]
    sides = [Reader(m, [h[i] for h in heads]) for i, m in enumerate((base, aligned))]
    open_ = list(range(len(heads)))
    with torch.inference_mode():
        said = [reader.read() for reader in sides]  # 2 x [B, V]
        for step in range(max_new_tokens):
            firsts = [logits.argmax(-1).tolist() for logits in said]
            js, entropy = _apart(*said)
            still = []
            for row, i in enumerate(open_):
                swap = takes[i](js[row], entropy[row])
                token = firsts[swap][row]
                _add(texts[i], token, swap, swap and firsts[0][row] != firsts[1][row], js[row], entropy[row])
                if token not in (aligned if swap else base).end_ids:
                    still.append(row)
            if not still or step + 1 == max_new_tokens:
                break
            open_ = [open_[row] for row in still]
            for reader in sides:
                reader.keep(still)
            new = [texts[i].ids[-1] for i in open_]
            said = [reader.read(new) for reader in sides]
    return texts


class Reader:
    """One model reading a batch behind its prompts, padded on the left; a model that reads padding, row by row anew."""

    def __init__(self, model: LoadedModel, heads: Sequence[tuple[int, ...]]) -> None:
        width = max(map(len, heads))
        self.model = model
        rows = [[model.unreadable] * (width - len(head)) + list(head) for head in heads]
        self.ids = torch.tensor(rows, device=model.device)  # [B, T]
        self.mask = torch.tensor([[0] * (width - len(h)) + [1] * len(h) for h in heads], device=model.device)
        self.cache: Any = None
        takes = inspect.signature(model.model.forward).parameters
        self.keeps_cache = "past_key_values" in takes
        self.options: dict[str, Any] = {"logits_to_keep": 1} if "logits_to_keep" in takes else {}

    def read(self, new: Sequence[int] = ()) -> Tensor:
        """[B, V] float32 logits of the next token, after one more id for each row."""
        if new:
            known = self.model.readable(new)
            self.ids = torch.cat([self.ids, torch.tensor(known, device=self.ids.device)[:, None]], -1)
            self.mask = torch.cat([self.mask, self.mask.new_ones(len(known), 1)], -1)
        if not self.model.hides_padding:
            return self._row_by_row()
        ids = self.ids if self.cache is None else self.ids[:, -1:]
        inputs: dict[str, Any] = {"input_ids": ids, "attention_mask": self.mask, **self.options}
        inputs |= {name: places[:, -ids.shape[1] :] for name, places in self.model.places(self.mask).items()}
        if self.keeps_cache:
            inputs |= {"use_cache": True, "past_key_values": self.cache}
        else:
            inputs["use_cache"] = False
        with self.model.using():
            out = self.model.model(**inputs)
        self.cache = out.past_key_values if self.keeps_cache else None
        logits: Tensor = out.logits[:, -1].float()
        return logits

    def _row_by_row(self) -> Tensor:
        """[B, V] The same of each row by itself, without its padding."""
        with self.model.using():
            rows = [
                self.model.logits(ids[kept == 1][None])[0, -1] for ids, kept in zip(self.ids, self.mask, strict=True)
            ]
        return torch.stack(rows).float()

    def keep(self, rows: Sequence[int]) -> None:
        """Let the other rows go; a row may be kept several times."""
        if list(rows) == list(range(len(self.ids))):
            return
        chosen = torch.tensor(rows, device=self.ids.device)
        self.ids, self.mask = self.ids[chosen], self.mask[chosen]
        if self.cache is not None:
            self.cache.batch_select_indices(chosen)

    def branch(self, rows: Sequence[int], lengths: Sequence[int]) -> None:
        """Go on from these rows, each as if it had ended after so many of its own ids."""
        if self.cache is None or any(self.cache.is_sliding):  # a window counts what the mask hides: read anew
            starts = (self.mask == 0).sum(-1).tolist()
            texts = [tuple(self.ids[i, starts[i] : starts[i] + n].tolist()) for i, n in zip(rows, lengths, strict=True)]
            again = Reader(self.model, texts)
            again.read()
            self.ids, self.mask, self.cache = again.ids, again.mask, again.cache
            return
        self.keep(rows)
        places = self.mask.cumsum(-1)  # [B, T] from 1
        self.mask *= places <= torch.tensor(lengths, device=self.mask.device)[:, None]


def _apart(base: Tensor, aligned: Tensor) -> tuple[list[float], list[float]]:
    """JS of the two, and the base's entropy, per row, in nats."""
    b, a = Distribution.of(base), Distribution.of(aligned.to(base.device))
    return divergences_of(a, b)[2].tolist(), distance.entropy(b).tolist()


def _add(text: Written, token: int, swapped: bool, changed: bool, js: float, entropy: float) -> None:
    text.ids.append(token)
    text.swapped.append(swapped)
    text.changed.append(changed)
    text.js.append(js)
    text.entropy.append(entropy)
