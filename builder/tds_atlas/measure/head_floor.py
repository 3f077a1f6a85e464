"""The least probability that a model can give any token, proved by the weights of its head alone.

Where the final norm is an RMSNorm with weights γ and the head is linear without bias, logits are z_j = (W_j ∘ γ)·u with
u = x / √(mean x² + ε), so that ‖u‖ <= √d whatever the text. By Cauchy and Schwarz, for an id 1 whose ln q_1 is known,

    ln q_j = ln q_1 - (z_1 - z_j) >= ln q_1 - √d D_1,   D_1 = max_j ‖(W_1 - W_j) ∘ γ‖.

A soft cap on logits keeps this: it moves no two of them apart. A server rounds, each number with a relative error of at
most ρ. That of W moves no row by more than ρN, N = max_j ‖W_j ∘ γ‖, and so makes D_1 at most D_1 + 2ρN; those of γ, of
u, of γ∘u and of their cast stretch what comes of it by at most (1 + ρ)⁴; those of the two logits add at most
2ρN (1 + ρ)⁵ √d. So (1 + ρ)⁵ √d (D_1 + 4ρN) is taken off, with ρ of bfloat16, whatever the server's precision.

Scaled logits, biases, other norms and quantised weights are another matter: there is no floor for them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor

from tds_atlas.inputs.checkpoints import Checkpoint
from tds_atlas.inputs.model_config import read_config
from tds_atlas.inputs.weights import weight_files, weights_are_in

_PLAIN = ("llama", "mistral", "mixtral", "qwen2", "qwen2_moe", "qwen3", "qwen3_moe", "phi3")
_ONE_MORE = ("gemma", "gemma2")  # whose norms multiply by 1 + γ
_HEAD, _TABLE, _NORM, _BIAS = "lm_head.weight", "model.embed_tokens.weight", "model.norm.weight", "lm_head.bias"
_ROUNDING = 2.0**-8  # ρ of bfloat16
_SLACK = 1e-4  # nats, what ln q_1 of a list may be off
_AT_ONCE = 2**24  # numbers in float64


@dataclass
class HeadFloor:
    """Of a head W [V, d] and the weights γ [d] of the norm before it."""

    weight: Tensor
    gain: Tensor
    _reach: dict[int, float] = field(default_factory=dict)  # D_1 of the ids asked for so far

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> Self | None:
        """By the weight files in a checkpoint's folder; None where they are elsewhere, or prove nothing."""
        folder = checkpoint.folder
        config = read_config(folder)
        kind = config.get("model_type")
        if checkpoint.adapter or checkpoint.gguf or "quantization_config" in config or not weights_are_in(folder):
            return None
        if kind not in (*_PLAIN, *_ONE_MORE):
            return None
        found = _tensors(weight_files(f"models.{checkpoint.model_id}", folder), (_HEAD, _TABLE, _NORM, _BIAS))
        weight = found.get(_HEAD, found.get(_TABLE) if config.get("tie_word_embeddings", kind in _ONE_MORE) else None)
        if weight is None or _NORM not in found or _BIAS in found:
            return None
        return cls(weight, found[_NORM].double() + (kind in _ONE_MORE))

    def least(self, ids: np.ndarray, logprobs: np.ndarray) -> np.ndarray:
        """[T] ln of what every id has at least, by one known id of each position, and its log-probability."""
        self._find([int(i) for i in np.unique(ids) if int(i) not in self._reach])
        reach = np.array([self._reach[int(i)] for i in ids], np.float64)
        root, rounding = math.sqrt(self.weight.shape[1]) * (1 + _ROUNDING) ** 5, 4 * _ROUNDING * self._longest
        least: np.ndarray = logprobs.astype(np.float64) - root * (reach + rounding) - _SLACK
        return least

    @cached_property
    def _longest(self) -> float:
        """N."""
        return max(float(rows.norm(dim=1).max()) for rows in self._rows())

    def _rows(self) -> Any:
        """W ∘ γ in float64, some rows at a time."""
        size = max(1, _AT_ONCE // self.weight.shape[1])
        for start in range(0, len(self.weight), size):
            yield self.weight[start : start + size].double() * self.gain

    def _find(self, ids: Sequence[int]) -> None:
        own = self.weight[list(ids)].double() * self.gain
        most = torch.zeros(len(ids), dtype=torch.float64)
        for rows in self._rows() if ids else ():
            most = torch.maximum(most, torch.cdist(own, rows, compute_mode="use_mm_for_euclid_dist").amax(1))
        self._reach |= zip(ids, most.tolist(), strict=True)


def _tensors(files: Sequence[Path], names: Sequence[str]) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for path in files:
        with safe_open(path, framework="pt") as file:
            found |= {name: file.get_tensor(name) for name in names if name in file.keys()}  # noqa: SIM118
    return found
