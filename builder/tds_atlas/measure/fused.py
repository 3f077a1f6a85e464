"""Statistics of a CPU's logits by the compiled kernels, on as many threads as torch has. Knows no model."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from tds_atlas.measure import kernels
from tds_atlas.measure.statistics import Columns, Divergences

_LEAST_WORK = 50_000  # logits that are worth a thread of their own


@dataclass(frozen=True)
class FusedRows:
    """Distributions as their logits, and what normalises them: ln p = (x - peak) - log_total."""

    columns: Columns
    logits: Tensor  # [T, V] float32
    width: int  # how many of them count
    peak: np.ndarray  # [T] float32
    log_total: np.ndarray  # [T] float32

    @classmethod
    def of(cls, logits: Tensor, ids: Tensor, k: int) -> Self:
        logits, width = logits.contiguous(), logits.shape[-1]
        columns, peak, log_total = _summary(logits, width, ids, k)
        own = logits.gather(-1, ids.clamp_max(width - 1)[:, None])[:, 0].numpy()
        with np.errstate(invalid="ignore"):  # a row that is no distribution
            columns["logprob"] = np.where((ids < width).numpy(), (own - peak) - log_total, np.float32(-np.inf))
        return cls(columns, logits, width, peak, log_total)

    def divergences(self, other: Self) -> Divergences:
        width = min(self.width, other.width)
        x, y = self._given_first(width), other._given_first(width)
        found = [np.empty(len(x.logits)) for _ in range(3)]
        normal = x.peak, x.log_total, y.peak, y.log_total
        _by_rows(kernels.diverge, width, x.logits.numpy(), y.logits.numpy(), width, *normal, *found)
        kl, kl_back, js = (torch.from_numpy(column) for column in found)
        beyond = (js - math.log(2)).clamp_min(0)  # KL has no negative term
        return kl.float(), kl_back.float(), js.clamp_max(math.log(2)).float(), beyond.float()

    def at(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        logits = self.logits[:, : self.width]
        normal = (self.peak + self.log_total).astype(np.float64)
        found = logits.gather(-1, torch.from_numpy(ids).clamp_min(0)).double().numpy()
        return found - normal[:, None], logits.amin(-1).double().numpy() - normal

    def _given_first(self, width: int) -> Self:
        """The distributions given that the token is one of the first `width`."""
        if width == self.width:
            return self
        _, peak, log_total = _summary(self.logits, width, torch.zeros(len(self.logits), dtype=torch.int64), 1)
        return replace(self, width=width, peak=peak, log_total=log_total)


def _summary(logits: Tensor, width: int, ids: Tensor, k: int) -> tuple[Columns, np.ndarray, np.ndarray]:
    """All columns but one's own log-probability, the largest logit of each row [T], and ln Σ e^(x - peak) [T]."""
    count = len(logits)
    rank, top_ids = np.empty(count, np.int32), np.empty((count, k), np.int32)
    peak, top = np.empty(count, np.float32), np.empty((count, k), np.float32)
    total, moment = np.empty(count), np.empty(count)
    _by_rows(kernels.summarize, width, logits.numpy(), width, ids.numpy(), k, rank, peak, total, moment, top, top_ids)
    entropy = np.maximum(np.log(total) - moment / total, 0).astype(np.float32)
    log_total = np.log(total).astype(np.float32)
    with np.errstate(invalid="ignore"):
        top_logprobs = (top - peak[:, None]) - log_total[:, None]
    return {"rank": rank, "entropy": entropy, "top_ids": top_ids, "top_logprobs": top_logprobs}, peak, log_total


def _by_rows(kernel: Callable[..., None], width: int, *arguments: Any) -> None:
    """The kernel over all rows, in as many parts as there are threads; what is no array goes to each as it is."""
    count = len(arguments[0])
    parts = max(1, min(torch.get_num_threads(), count, count * width // _LEAST_WORK))
    bounds = [count * i // parts for i in range(parts + 1)]

    def run(i: int) -> None:
        rows = slice(bounds[i], bounds[i + 1])
        kernel(*(a[rows] if isinstance(a, np.ndarray) else a for a in arguments))

    others = [_pool().submit(run, i) for i in range(1, parts)]
    run(0)
    for other in others:
        other.result()


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(thread_name_prefix="statistics")
