"""Statistics of next-token distributions as pure functions of float32 logits or log-probabilities; natural logarithms.

T positions, V vocabulary. All work in log space; none knows a model. A token that a model rules out (logit -inf) adds
nothing to a sum. Differences are taken before sums: two separate sums would lose three digits if p and q are close.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

_BLOCK = 128  # values per block when long rows are summed in two steps


@dataclass(frozen=True)
class Distribution:
    """Next-token distributions of T positions. A row is NaN if its logits contained a NaN or an infinity.

    The rounding error that float32 makes alike for a whole row is kept with it, for the difference of two rows.
    """

    logp: Tensor  # [T, V] nats
    p: Tensor  # [T, V]
    mass: Tensor  # [T] float64: Σ p, 1 except for rounding
    rounding: Tensor  # [T] float64: what every ln p of the row lacks

    @classmethod
    def of(cls, logits: Tensor) -> Distribution:
        """The softmax, computed in place. The largest logit is subtracted first: ln p is exact if p is near 1."""
        logp = logits.sub_(logits.amax(-1, keepdim=True))
        p = logp.exp()
        total = _exact_sum(p)[:, None]
        scale = total.reciprocal().float()
        shift = scale.double().log()
        logp.add_(shift.float())
        return cls(logp, p.mul_(scale), (total * scale)[:, 0], (shift - shift.float())[:, 0])

    def given_first(self, width: int) -> Distribution:
        """The distribution given that the token is one of the first `width`."""
        return Distribution.of(self.logp[:, :width].clone())


def rank(logits: Tensor, ids: Tensor) -> Tensor:
    """1 + the number of tokens with a strictly larger logit than the given one. int32, in 1..V.

    Counted, never sorted: ties do not push a token down, and the count is one pass over the logits. An id beyond the
    vocabulary has no logit: every token ranks before it, and its rank is V + 1.
    """
    width = logits.shape[-1]
    own = logits.gather(-1, ids.clamp_max(width - 1)[:, None])  # [T, 1]
    larger = torch.gt(logits, own, out=torch.empty_like(logits)).sum(-1)  # in float32: exact to 2^24, five times faster
    return torch.where(ids < width, larger.int() + 1, width + 1).int()  # [T]


def top(logp: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k largest values of each row, largest first, and their indices: [T, k] each.

    On a CPU by blocks: the k largest values are in the k blocks with the largest maxima. Block j of n holds the indices
    j, j + n, j + 2n, ..., so that the maxima are taken along memory.
    """
    width = logp.shape[-1]
    if logp.device.type != "cpu":
        values, indices = logp.topk(min(k, width), dim=-1)
        return values, indices
    size = math.isqrt(width // k)  # values per block: as many blocks as candidates
    if size < 2:
        indices = _largest(logp, k)
        return logp.gather(1, indices), indices
    n = width // size
    blocks = _largest(logp[:, : n * size].reshape(-1, size, n).amax(1), k)  # [T, k]
    inside = (blocks[:, None] + torch.arange(0, n * size, n)[:, None]).flatten(1)  # [T, B k]
    rest = torch.arange(n * size, width).expand(len(logp), -1)
    candidates = torch.cat([inside, rest], -1)
    indices = candidates.gather(1, _largest(logp.gather(1, candidates), k))
    return logp.gather(1, indices), indices


def _largest(values: Tensor, k: int) -> Tensor:
    """Indices [T, k] of the k largest of each row [T, n], n <= 2^29, largest first.

    NumPy sorts float64 several times faster than `topk` selects, and a float32 leaves 29 of its bits for the index.
    """
    keys = values.clamp_min(torch.finfo(torch.float32).min).double().view(torch.int64)
    keys |= torch.arange(values.shape[-1])
    keys.view(torch.float64).numpy().sort(axis=-1)
    return keys[:, -k:].flip(-1) & (2**29 - 1)


def entropy(x: Distribution) -> Tensor:
    """H(p) = -Σ p ln p, in 0..ln V."""
    return -_sum(x.p, x.logp).clamp_max(0)  # [T]


def divergences(x: Distribution, y: Distribution) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """KL(p‖q), KL(q‖p) and JS, each put back into its range, and the most that this changed one of the three: [T].

    The change is what rounding alone should do: of the order of 1e-7. It is kept, so that it can be checked.
    """
    kl, kl_back, js = _unclamped(x, y)
    beyond = torch.stack([-kl, -kl_back, -js, js - math.log(2)]).amax(0).clamp_min(0)  # [T]
    kept = kl.clamp_min(0), kl_back.clamp_min(0), js.clamp(0, math.log(2)), beyond
    return kept[0].float(), kept[1].float(), kept[2].float(), kept[3].float()


def _unclamped(x: Distribution, y: Distribution) -> tuple[Tensor, Tensor, Tensor]:
    """KL(p‖q), KL(q‖p) and the Jensen-Shannon divergence ½KL(p‖m) + ½KL(q‖m), m = (p+q)/2: [T] each.

    KL(p‖q) = Σ p (ln p - ln q) is at least 0, not symmetric, and infinite where q rules out a token that p has; JS is
    symmetric and at most ln 2. With d = ln p - ln q: KL(p‖q) = Σ (p d - p + q), where Σ (q - p) removes
    the rounding error of the two normalisations, and JS = ½ Σ [(p + q) ln(p/m) - q d].
    """
    p, q = x.p, y.p
    d = x.logp - y.logp  # [T, V]
    p_d, q_d = _row_sum(p * d), _row_sum(q * d)
    log_mean = torch.addcdiv(d.new_tensor(0.5), q, p, value=0.5, out=d).log_()  # ln(m / p)
    to_mean = -_row_sum((p + q).mul_(log_mean))
    if not bool((p_d + to_mean).isfinite().all()):  # a token ruled out by one side or both
        return _divergences_term_by_term(x, y)
    offset, excess = x.rounding - y.rounding, x.mass - y.mass
    p_d, q_d = p_d + offset * x.mass, q_d + offset * y.mass
    return p_d - excess, excess - q_d, 0.5 * (to_mean - q_d)


def _divergences_term_by_term(x: Distribution, y: Distribution) -> tuple[Tensor, Tensor, Tensor]:
    def kl(p: Tensor, logp: Tensor, logq: Tensor) -> Tensor:
        return _sum(p, logp - logq)

    logm = torch.logaddexp(x.logp, y.logp) - math.log(2)
    js = 0.5 * (kl(x.p, x.logp, logm) + kl(y.p, y.logp, logm))
    return kl(x.p, x.logp, y.logp), kl(y.p, y.logp, x.logp), js


def _exact_sum(p: Tensor) -> Tensor:
    """Σ p by row [T] in float64: first by blocks, short enough for exact sums in float32."""
    whole = p.shape[-1] // _BLOCK * _BLOCK
    blocks = p[:, :whole].reshape(len(p), -1, _BLOCK).sum(-1)
    return blocks.sum(-1, dtype=torch.float64) + p[:, whole:].sum(-1, dtype=torch.float64)


def _row_sum(values: Tensor) -> Tensor:
    return values.sum(-1).double()


def _sum(p: Tensor, values: Tensor) -> Tensor:
    """Σ p · values by row [T], where 0 · ∞ counts as 0 (a token that p rules out adds nothing)."""
    total = (p * values).sum(-1)
    return total if bool(total.isfinite().all()) else (p * values).masked_fill_(p == 0, 0).sum(-1)
