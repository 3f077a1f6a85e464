"""The tests of a gate: is a change beyond its tolerance, or within it, by more than chance? One-sided and paired.

With r = Σx/Σn in each report and a tolerance τ (and ρ relative to A), the excess of a rise is
    E = r_B - (1 + ρ) r_A - τ,
that of a fall E = (1 - ρ) r_A - r_B - τ. It is linearised in the prompts' sums (Cochran, Sampling Techniques, 1977,
section 6.3), and E over its standard error is read from Student's t with G - 1 degrees of freedom. Without a tolerance
the signs of the prompts are flipped instead. Yes-or-no outcomes are tested by their discordant prompts: Tango's score
(Statistics in Medicine 17, 1998, p. 891) and, since a change beyond a tolerance is a change, McNemar's exact test.
"""

from __future__ import annotations

import math

import numpy as np

from tds_atlas.gate.medians import median_result
from tds_atlas.gate.rules import Rule
from tds_atlas.gate.student import half_binomial, normal_tail, quantile
from tds_atlas.gate.sums import Sums
from tds_atlas.gate.tails import SAME, Tested, t_tails
from tds_atlas.gate.unpaired import Apart, apart_result

_ALL_FLIPS = 14  # prompts up to which every pattern of flips is tried
_FLIPS = 9_999
_PORTION = 2_000_000  # flips in memory at a time


def result_of(rule: Rule, sums: Sums, seed: int = 0) -> Tested:
    """The tests of a rule over at least three prompts."""
    if isinstance(sums, Apart):
        return apart_result(rule, sums)
    if sums.is_median:
        return median_result(rule, sums)
    relative, absolute = (rule.tolerance, 0.0) if rule.is_relative else (0.0, rule.tolerance)
    excess = rule.sign * (sums.b - sums.a) - relative * abs(sums.a) - absolute
    influence = rule.sign * (_influence(sums.xb, sums.nb) - _influence(sums.xa, sums.na))
    influence = influence - relative * np.sign(sums.a) * _influence(sums.xa, sums.na)
    error, g = _error(influence), sums.prompts
    beyond, within = t_tails(excess, error, g, g - 1)
    if is_yes_or_no(rule, sums):
        beyond, within = _paired_shares(rule, sums, relative * abs(sums.a) + absolute)
        low, high = share_interval(sums)
        return Tested(sums.b - sums.a, low, high, excess, error, beyond, within)
    if rule.tolerance == 0 and error > SAME:
        beyond = flips_p(rule.sign, sums, seed)
    half = quantile(0.975, g - 1) * _error(_influence(sums.xb, sums.nb) - _influence(sums.xa, sums.na))
    return Tested(sums.b - sums.a, sums.b - sums.a - half, sums.b - sums.a + half, excess, error, beyond, within)


def is_yes_or_no(rule: Rule, sums: Sums) -> bool:
    """Whether each prompt has one answer in each report, which has the quality or not."""
    paired = rule.measure.yes_or_no and not isinstance(sums, Apart)
    return paired and bool((sums.na == 1).all() and (sums.nb == 1).all())


def _influence(x: np.ndarray, n: np.ndarray) -> np.ndarray:
    """[G] What each prompt does to Σx/Σn; the sum is 0."""
    return np.asarray((x - x.sum() / n.sum() * n) / n.sum())


def _error(influence: np.ndarray) -> float:
    g = len(influence)
    error = math.sqrt(g / (g - 1) * float(influence @ influence))
    return error if error > SAME else 0.0


def flips_p(sign: int, sums: Sums, seed: int) -> float:
    """One-sided p of the difference when A's and B's sums of a prompt are exchanged at random, or in every way."""
    total = np.array([sums.xa.sum(), sums.na.sum(), sums.xb.sum(), sums.nb.sum()])
    move = np.stack([sums.xb - sums.xa, sums.nb - sums.na], -1)  # [G, 2]
    seen, g = sign * (sums.b - sums.a), sums.prompts

    def as_large(flips: np.ndarray) -> int:
        moved = flips @ move  # [m, 2]
        a = (total[0] + moved[:, 0]) / (total[1] + moved[:, 1])
        b = (total[2] - moved[:, 0]) / (total[3] - moved[:, 1])
        return int((sign * (b - a) >= seen - SAME).sum())

    if g <= _ALL_FLIPS:
        every = (np.arange(2**g)[:, None] >> np.arange(g)) & 1
        return float(as_large(every.astype(float)) / 2**g)
    rng, left, count = np.random.default_rng(seed), _FLIPS, 0
    while left:
        m = min(left, max(1, _PORTION // g))
        count += as_large(rng.integers(0, 2, (m, g)).astype(float))
        left -= m
    return (1 + count) / (1 + _FLIPS)


def _paired_shares(rule: Rule, sums: Sums, tolerance: float) -> tuple[float, float]:
    """p that a share moved beyond the tolerance, and that it stayed within."""
    worse, better = _discordant(rule.sign, sums)
    score = tango(worse, better, sums.prompts, tolerance)
    beyond = max(normal_tail(score), half_binomial(worse, worse + better))
    return beyond, normal_tail(-score)


def _discordant(sign: int, sums: Sums) -> tuple[int, int]:
    """How many prompts changed in the direction of the rule, and how many in the other."""
    change = sign * (sums.xb - sums.xa)
    return int((change > 0).sum()), int((change < 0).sum())


def tango(more: int, fewer: int, prompts: int, difference: float) -> float:
    """Tango's score of (more - fewer) / prompts against a true difference: standard normal if that is the true one."""
    a, b = 2 * prompts, (2 * prompts - more + fewer) * difference - more - fewer
    c = -fewer * difference * (1 - difference)
    q = (math.sqrt(max(b * b - 4 * a * c, 0)) - b) / (2 * a)  # the likeliest share of `fewer` under that difference
    variance = prompts * (2 * q + difference * (1 - difference))
    gap = more - fewer - prompts * difference
    return gap / math.sqrt(variance) if variance > SAME else math.copysign(math.inf, gap) if abs(gap) > SAME else 0.0


def share_interval(sums: Sums) -> tuple[float, float]:
    """The 95 % interval of b - a for a share: the differences that Tango's score does not reject."""
    more, fewer = _discordant(1, sums)
    seen, limit = (more - fewer) / sums.prompts, 1.959964

    def bound(outside: float, sign: int) -> float:
        inside = seen
        for _ in range(60):
            middle = (inside + outside) / 2
            if sign * tango(more, fewer, sums.prompts, middle) > limit:
                outside = middle
            else:
                inside = middle
        return inside

    return bound(-1.0, 1), bound(1.0, -1)


def holm(ps: list[float]) -> list[float]:
    """Holm's adjusted p values, in the same order (Scandinavian Journal of Statistics 6, 1979, p. 65)."""
    adjusted, running = [0.0] * len(ps), 0.0
    for place, i in enumerate(sorted(range(len(ps)), key=lambda i: ps[i])):
        running = max(running, min(1.0, (len(ps) - place) * ps[i]))
        adjusted[i] = running
    return adjusted
