"""The intervals of record/statistics.sql written out prompt by prompt, and Student's t by integrating its density."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

Sums = Sequence[tuple[float, float]]  # a prompt's sum of the quantity, and its number of positions


@functools.cache
def t95(df: int) -> float:
    """The 97.5 % quantile: the point up to which the density from 0 holds 0.475, by Simpson's rule and bisection."""
    scale = math.exp(math.lgamma((df + 1) / 2) - math.lgamma(df / 2)) / math.sqrt(df * math.pi)

    def mass(end: float, steps: int = 2000) -> float:
        # x = tan u keeps the heavy tails of few degrees of freedom within reach.
        width = math.atan(end) / steps
        height = [
            scale * (1 + math.tan(u) ** 2 / df) ** (-(df + 1) / 2) / math.cos(u) ** 2
            for u in (i * width for i in range(steps + 1))
        ]
        return width / 3 * (height[0] + height[-1] + 4 * sum(height[1:-1:2]) + 2 * sum(height[2:-1:2]))

    low, high = 1.0, 20.0
    while high - low > 1e-7:
        middle = (low + high) / 2
        low, high = (middle, high) if mass(middle) < 0.475 else (low, middle)
    return low


def _moments(sums: Sums) -> tuple[float, float, float]:
    """Mean, standard error and skewness of the residuals."""
    size = sum(n for _, n in sums)
    mean = sum(x for x, _ in sums) / size
    residuals = [x - mean * n for x, n in sums]
    squares = sum(r * r for r in residuals)
    error = math.sqrt(len(sums) / (len(sums) - 1) * squares) / size
    skew = sum(r**3 for r in residuals) / len(sums) / (squares / len(sums)) ** 1.5 if error > 1e-9 else 0.0
    return mean, error, skew


def half_width(sums: Sums) -> float | None:
    """Of a difference: Student's t."""
    return t95(len(sums) - 1) * _moments(sums)[1] if len(sums) > 2 else None


def mean_bounds(sums: Sums) -> tuple[float, float]:
    """Of a mean of what is not negative: Hall's transformation, each end found by bisection instead of inverted."""
    mean, error, skew = _moments(sums)
    prompts, t = len(sums), t95(len(sums) - 1)

    def transformed(u: float) -> float:
        a = skew / math.sqrt(prompts)
        return u + a * u * u / 3 + a * a * u**3 / 27 + a / 6

    def studentised(wanted: float) -> float:
        low, high = -1e6, 1e6
        for _ in range(200):
            middle = (low + high) / 2
            low, high = (middle, high) if transformed(middle) < wanted else (low, middle)
        return low

    return mean - error * studentised(t), mean - error * studentised(-t)


def difference_bounds(a: Sums, b: Sums) -> tuple[float, float]:
    """Of two groups of prompts: how far each end is from its mean, squared and added."""
    (a_low, a_high), (b_low, b_high) = mean_bounds(a), mean_bounds(b)
    one, other = (sum(x for x, _ in sums) / sum(n for _, n in sums) for sums in (a, b))
    return (
        one - other - math.hypot(one - a_low, b_high - other),
        one - other + math.hypot(a_high - one, other - b_low),
    )


def share_bounds(sums: Sums) -> tuple[float, float]:
    """Of a share: the same, but no further than the shares of which what was found is likely enough, were each prompt all
    or nothing."""
    share = sum(x for x, _ in sums) / sum(n for _, n in sums)
    prompts = sum(n for _, n in sums) ** 2 / sum(n * n for _, n in sums)

    def furthest(end: float) -> float:
        """By bisection: where the distance from the share is t times the standard deviation there."""
        near, far = share, end
        for _ in range(100):
            middle = (near + far) / 2
            inside = abs(share - middle) <= t95(len(sums) - 1) * math.sqrt(middle * (1 - middle) / prompts)
            near, far = (middle, far) if inside else (near, middle)
        return near

    low, high = mean_bounds(sums)
    return max(low if share < 1 else 0, furthest(0)), min(high if share > 0 else 1, furthest(1))
