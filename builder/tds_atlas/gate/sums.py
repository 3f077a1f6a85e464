"""A measure over the prompts that two reports have: sums, values, and what each prompt adds to their difference."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Sums:
    """A measure over the prompts that both reports have: x over n in each, prompt by prompt."""

    texts: tuple[str, ...]
    xa: np.ndarray  # [G]
    na: np.ndarray  # [G]
    xb: np.ndarray  # [G]
    nb: np.ndarray  # [G]
    bad: int  # values of these prompts that are infinite or were not measured
    left_out: float = 0.0  # how much of A cannot be compared
    is_median: bool = False  # of the prompts' ratios, instead of the ratio of all

    @property
    def prompts(self) -> int:
        return len(self.texts)

    @cached_property
    def a(self) -> float:
        """The value of A."""
        return self._value(self.xa, self.na)

    @cached_property
    def b(self) -> float:
        """The value of B."""
        return self._value(self.xb, self.nb)

    def _value(self, x: np.ndarray, n: np.ndarray) -> float:
        if not self.prompts:
            return float("nan")
        return float(np.median(x / n) if self.is_median else x.sum() / n.sum())

    @property
    def is_equal(self) -> bool:
        """Whether every prompt has the same in both reports."""
        return bool((self.xa == self.xb).all() and (self.na == self.nb).all())

    @cached_property
    def contributions(self) -> np.ndarray:
        """[G] What each prompt adds to b - a; of a median, how much it moved itself."""
        if self.is_median:
            return np.asarray(self.xb / self.nb - self.xa / self.na)
        return np.asarray(self.xb / self.nb.sum() - self.xa / self.na.sum())
