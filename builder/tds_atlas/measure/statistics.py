"""The statistics of positions by what is fastest where their logits are: compiled kernels on a CPU, else torch's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Protocol, Self

import numpy as np
import torch
from torch import Tensor

from tds_atlas.measure import distance
from tds_atlas.measure.distance import Distribution

Columns = dict[str, np.ndarray]  # what is stored of each position, by name
Divergences = tuple[Tensor, Tensor, Tensor, Tensor]  # KL(p‖q), KL(q‖p), JS, what rounding changed: [T] each


class Rows(Protocol):
    """The next-token distributions of T positions under one condition."""

    @property
    def columns(self) -> Columns:
        """rank, logprob, entropy (NaN: no distribution), top_ids and top_logprobs."""

    @classmethod
    def of(cls, logits: Tensor, ids: Tensor, k: int) -> Self:
        """Of float32 logits [T, V], the ids [T] that were written, and the length of the lists, at most V.

        Takes the logits over. An id beyond the vocabulary has log-probability -inf and rank V + 1.
        """

    def divergences(self, other: Self) -> Divergences:
        """Over the ids that both have: if one vocabulary extends the other, both are conditioned on those ids."""

    def at(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Log-probabilities of the ids [T, n] (-1: any), and the least of any id [T], in float64."""


@dataclass(frozen=True)
class TorchRows:
    """In torch's words, on any device: the reference."""

    columns: Columns
    x: Distribution

    @classmethod
    def of(cls, logits: Tensor, ids: Tensor, k: int) -> Self:
        ids, width = ids.to(logits.device), logits.shape[-1]
        rank, x = distance.rank(logits, ids), Distribution.of(logits)
        own = x.logp.gather(-1, ids.clamp_max(width - 1)[:, None])[:, 0].where(ids < width, -torch.inf)
        values, indices = distance.top(x.logp, k)
        entropy = distance.entropy(x).where(x.mass.isfinite(), torch.nan)
        found = {
            "rank": rank.int(),
            "logprob": own,
            "entropy": entropy,
            "top_ids": indices.int(),
            "top_logprobs": values,
        }
        return cls(_fetched(found), x)

    def divergences(self, other: Self) -> Divergences:
        p, q = self.x, other.x
        width, device = min(p.logp.shape[-1], q.logp.shape[-1]), p.logp.device
        q = Distribution(*(t.to(device) for t in (q.logp, q.p, q.mass, q.rounding)))
        return distance.divergences(*(x if x.logp.shape[-1] == width else x.given_first(width) for x in (p, q)))

    def at(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        wanted = torch.from_numpy(ids).to(self.x.logp.device).clamp_min(0)
        found = self.x.logp.gather(-1, wanted), self.x.logp.amin(-1)
        return tuple(x.double().cpu().numpy() for x in found)  # type: ignore[return-value]


def _fetched(columns: dict[str, Tensor]) -> Columns:
    """Columns [T] or [T, k] of four bytes a number as arrays, in one transfer: each waits for all that a GPU does."""
    flat = [column.reshape(len(column), -1) for column in columns.values()]
    bits = torch.cat([x.contiguous().view(torch.int32) for x in flat], -1).cpu()
    parts = torch.split(bits, [x.shape[1] for x in flat], -1)
    return {
        name: part.contiguous().view(column.dtype).reshape(column.shape).numpy()
        for (name, column), part in zip(columns.items(), parts, strict=True)
    }


def rows_on(devices: Iterable[torch.device]) -> type[Rows]:
    """What to use for logits on these devices."""
    if _has_numba() and all(device.type == "cpu" for device in devices):
        from tds_atlas.measure.fused import FusedRows

        return FusedRows
    return TorchRows


@cache
def _has_numba() -> bool:
    return find_spec("numba") is not None
