"""What all texts of a condition begin with, such as a few-shot preamble: read once, its cache serves every batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from tds_atlas.measure.side import Ids

LEAST = 64  # ids that are worth a cache of their own


@dataclass(frozen=True)
class Opening:
    """Ids as one model has read them."""

    ids: Ids
    states: Tensor  # [P, d]
    cache: Any

    @staticmethod
    def read(body: Any, ids: Ids, device: torch.device) -> Opening:
        """`body`: the model without its head."""
        out = body(input_ids=torch.tensor([ids], device=device), use_cache=True)
        return Opening(ids, out.last_hidden_state[0], out.past_key_values)

    def states_of(self, body: Any, rows: Sequence[Ids]) -> list[Tensor]:
        """[n, d] hidden states behind each id of each row, all of which begin with these ids and go on."""
        rests = [row[len(self.ids) :] for row in rows]
        width = max(map(len, rests))
        ids = torch.tensor([[*rest, *[0] * (width - len(rest))] for rest in rests], device=self.states.device)
        cache = copy(self.cache)
        cache.layers = [copy(layer) for layer in self.cache.layers]  # their tensors are replaced, never changed
        cache.batch_repeat_interleave(len(rows))
        found = body(input_ids=ids, use_cache=True, past_key_values=cache).last_hidden_state  # [B, T, d]
        return [torch.cat([self.states, x[: len(rest)]]) for x, rest in zip(found, rests, strict=True)]


def shared(rows: Sequence[Ids]) -> int:
    """How many ids all rows begin with, while each goes on."""
    first, last = min(rows), max(rows)
    same = next((n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return min(same, min(map(len, rows)) - 1)


def goes_on(body: Any, ids: Tensor, alike: Callable[[Tensor, Tensor], bool]) -> bool:
    """Whether texts behind a cached beginning get the states of the whole text: no window, no recurrent state.

    `ids`: [1, T] of a short text; `alike` compares states.
    """
    whole = body(input_ids=ids, use_cache=False).last_hidden_state[0]
    row = tuple(ids[0].tolist())
    try:
        opening = Opening.read(body, row[: len(row) // 2], ids.device)
        if not opening.cache.layers or any(opening.cache.is_sliding):
            return False
        found = opening.states_of(body, [row, row[:-1]])
    except Exception:  # of any type, from the model's own code: a body without such a cache
        return False
    return alike(whole, found[0]) and alike(whole[:-1], found[1])
