"""Tokens drawn by numbers of each text's own: the same in any batch, and for both models of a pair.

Texts of a prompt that share a sample have the same numbers, whatever the rule by which they are written: they begin
alike, and differ by their rules alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tds_atlas.domain import Sampling
from tds_atlas.measure.sampling import drawn, seed_of, warpers

_LOGITS = 20_000_000  # that are summed at a time


@dataclass(frozen=True)
class Draws:
    """How tokens are drawn, and the numbers of each text of a batch: one for each of its tokens, from 0 to below 1."""

    sampling: Sampling
    numbers: Sequence[np.ndarray]

    def next(self, logits: Tensor, texts: Sequence[tuple[int, int, int]]) -> list[int]:
        """The next token of each text: of the row of logits [B, V] that it has, its number, and how long it is."""
        asked = [(row, float(self.numbers[i][length])) for row, i, length in texts]
        pairs = list(dict.fromkeys(asked))  # texts that are alike so far draw once
        size = max(1, _LOGITS // logits.shape[-1])
        found: list[int] = []
        for start in range(0, len(pairs), size):
            rows, numbers = zip(*pairs[start : start + size], strict=True)
            found += drawn(self._warped(logits[list(rows)]), torch.tensor(numbers, dtype=torch.float64)).tolist()
        tokens = dict(zip(pairs, found, strict=True))
        return [tokens[pair] for pair in asked]

    def _warped(self, logits: Tensor) -> Tensor:
        no_ids = torch.empty(len(logits), 0, dtype=torch.long)  # nothing here depends on the text so far
        for warp in warpers(self.sampling):
            logits = warp(no_ids, logits)
        return logits


def numbers_of(sampling: Sampling, prompt_id: str, sample: int, count: int) -> np.ndarray:
    """The numbers of one sample of a prompt."""
    key = seed_of(sampling.seed, "swap", prompt_id, sample)
    return np.random.Generator(np.random.Philox(key=key)).random(count)
