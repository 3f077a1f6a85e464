"""The draw of an answer's tokens: transformers' own changes to a distribution, then a random number of the answer's.

Each answer has a generator of its own, seeded by what names it: which tokens are drawn does not depend on the answers
beside it in a batch, on their order, on a run before it, or on who shares the work.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from transformers import (
    LogitsProcessor,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from tds_atlas.domain import Sampling


def seed_of(seed: int, source: str, prompt_id: str, sample: int) -> int:
    """The seed of one answer, of 63 bits: the same wherever and whenever it is written."""
    name = json.dumps([seed, source, prompt_id, sample])
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) >> 1


def warpers(sampling: Sampling) -> list[LogitsProcessor]:
    """What changes the logits behind the repetition penalty, in transformers' order."""
    made: list[LogitsProcessor] = []
    if sampling.temperature != 1:
        made.append(TemperatureLogitsWarper(sampling.temperature))
    if sampling.top_k is not None:
        made.append(TopKLogitsWarper(sampling.top_k))
    if sampling.top_p is not None:
        made.append(TopPLogitsWarper(sampling.top_p))
    if sampling.min_p is not None:
        made.append(MinPLogitsWarper(sampling.min_p))
    return made


def drawn(logits: Tensor, numbers: Tensor) -> Tensor:
    """[B, V] logits, [B] numbers from 0 to below 1 -> [B] ids: where the sum of probabilities first exceeds the number.

    Summed in float64, so that a rounding error of the logits changes a token once in millions of draws.
    """
    wide = logits.cpu() if logits.device.type == "mps" else logits  # which has no float64
    sums = wide.double().softmax(-1).cumsum(-1)
    sums = sums / sums[:, -1:]
    return (sums > numbers.to(sums.device)[:, None]).int().argmax(-1).to(logits.device)


class Draw(LogitsProcessor):
    """Leaves each row of a batch the token that is drawn for it.

    lengths: those of the prompts, which are padded on the left: the penalty is for tokens of a text, not for padding.
    """

    def __init__(self, sampling: Sampling, lengths: Sequence[int], seeds: Sequence[int], max_new_tokens: int) -> None:
        self.sampling, self.lengths, self.width = sampling, lengths, max(lengths)
        self.warpers = warpers(sampling)
        rows = [np.random.Generator(np.random.Philox(key=seed)).random(max_new_tokens) for seed in seeds]
        self.numbers = torch.from_numpy(np.array(rows))  # [B, max_new_tokens]

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """[B, T] ids so far, [B, V] logits -> [B, V] zero for the drawn token, else minus infinity."""
        logits = self._penalised(input_ids, scores)
        for warp in self.warpers:
            logits = warp(input_ids, logits)
        ids = drawn(logits, self.numbers[:, input_ids.shape[1] - self.width])
        return torch.full_like(scores, -torch.inf).scatter_(-1, ids[:, None], 0.0)

    def _penalised(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        if self.sampling.repetition_penalty is None:
            return scores
        penalty = RepetitionPenaltyLogitsProcessor(self.sampling.repetition_penalty)
        starts = [self.width - length for length in self.lengths]
        return torch.cat([penalty(input_ids[i : i + 1, n:], scores[i : i + 1]) for i, n in enumerate(starts)])
