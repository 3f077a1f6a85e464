"""Statistics of next-token distributions as pure functions of float32 logits or log-probabilities; natural logarithms.

T positions, V vocabulary. All work in log space; none knows a model.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def rank(logits: Tensor, ids: Tensor) -> Tensor:
    """1 + the number of tokens with a strictly larger logit than the given one. int32, in 1..V.

    Counted, never sorted: ties do not push a token down, and the count is one pass over the logits.
    """
    own = logits.gather(-1, ids[:, None])  # [T, 1]
    return (logits > own).sum(-1, dtype=torch.int32) + 1  # [T]


def entropy(logp: Tensor) -> Tensor:
    """H(p) = -Σ p ln p, in 0..ln V."""
    return -_weighted_sum(logp, logp)  # [T]


def kl(logp: Tensor, logq: Tensor) -> Tensor:
    """KL(p‖q) = Σ p (ln p - ln q), at least 0; not symmetric. Infinite where q gives nothing to a token that p has.

    The difference is taken before the sum: two separate sums would lose three digits where p and q are close.
    """
    return _weighted_sum(logp, logp - logq).clamp_min(0)  # [T]


def js(logp: Tensor, logq: Tensor) -> Tensor:
    """Jensen-Shannon divergence ½KL(p‖m) + ½KL(q‖m), m = (p+q)/2; symmetric, in 0..ln 2."""
    logm = torch.logaddexp(logp, logq) - math.log(2)  # [T, V]
    return (0.5 * (kl(logp, logm) + kl(logq, logm))).clamp_max(math.log(2))  # [T]


def _weighted_sum(logp: Tensor, values: Tensor) -> Tensor:
    """Σ p · values, where 0 · ∞ counts as 0 (a token that p rules out adds nothing)."""
    terms = logp.exp() * values  # [T, V]
    return terms.masked_fill_(logp == -torch.inf, 0).sum(-1)  # [T]
