"""Student's t and the binomial in closed form, as record/tests.sql has them for the database."""

from __future__ import annotations

import math
from functools import cache

_TERMS = 200  # of the continued fraction, from the last


def upper_tail(t: float, df: float) -> float:
    """P(T > t) of Student's t with df degrees of freedom, by the incomplete beta function."""
    square = t * t
    if square < 1.5:
        beyond = 1 - _beta_share(square / (df + square), 0.5, df / 2)
    else:
        beyond = _beta_share(df / (df + square), df / 2, 0.5)
    return beyond / 2 if t > 0 else 1 - beyond / 2


def _beta_share(x: float, a: float, b: float) -> float:
    """I_x(a, b)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    return _fraction(x, a, b) if x < (a + 1) / (a + b + 2) else 1 - _fraction(1 - x, b, a)


def _fraction(x: float, a: float, b: float) -> float:
    """I_x(a, b) below its mean, by its continued fraction (Abramowitz and Stegun 26.5.8)."""
    rest = 1.0
    for m in range(_TERMS, -1, -1):
        even = (m + 1) * (b - m - 1) * x / ((a + 2 * m + 1) * (a + 2 * m + 2))
        odd = (a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        rest = 1 - odd / (1 + even / rest)
    log = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(log) / a / rest


@cache
def quantile(share: float, df: float) -> float:
    """The value below which Student's t is with that probability, by halving."""
    if share < 0.5:
        return -quantile(1 - share, df)
    low, high = 0.0, 1.0
    while upper_tail(high, df) > 1 - share:
        low, high = high, 2 * high
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if upper_tail(middle, df) > 1 - share else (low, middle)
    return high


def normal_tail(z: float) -> float:
    """P(Z > z) of the standard normal."""
    return math.erfc(z / math.sqrt(2)) / 2


def half_binomial(k: int, n: int) -> float:
    """P(X >= k) of n fair coins: McNemar's exact test, one-sided."""
    return float(sum(math.comb(n, i) for i in range(k, n + 1)) / 2**n)
