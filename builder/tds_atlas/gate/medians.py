"""The test of a median over prompts, for means with a heavy tail: signs alone, so that one prompt is one voice.

A prompt's excess is sign (b - a) - ρ |a| - τ with its own means; without a change beyond the tolerance it is above 0 as
often as below (the exact sign test). The difference is the median of the prompts' own, its interval two of them.
"""

from __future__ import annotations

import numpy as np

from tds_atlas.gate.rules import Rule
from tds_atlas.gate.student import half_binomial
from tds_atlas.gate.sums import Sums
from tds_atlas.gate.tails import Tested

_NORMAL = 0.929  # standard error of a median of G values times √G, in their interquartile range, if they are normal


def median_result(rule: Rule, sums: Sums) -> Tested:
    """The sign test over the prompts of both reports."""
    a, b = sums.xa / sums.na, sums.xb / sums.nb
    moved, g = np.sort(b - a), sums.prompts
    relative, absolute = (rule.tolerance, 0.0) if rule.is_relative else (0.0, rule.tolerance)
    excess = rule.sign * (b - a) - relative * np.abs(a) - absolute
    outside = _outside(g)
    quarter, three = np.quantile(excess, [0.25, 0.75])
    return Tested(
        float(np.median(moved)),
        float(moved[outside]),
        float(moved[g - 1 - outside]),
        float(np.median(excess)),
        float(_NORMAL * (three - quarter) / np.sqrt(g)),
        half_binomial(int((excess > 0).sum()), g),
        half_binomial(int((excess < 0).sum()), g),
    )


def _outside(prompts: int) -> int:
    """How many ordered values lie outside of a median's 95 % interval, at each end."""
    outside, ways, tail = 0, 1, 1  # of so many fair coins at most `outside` heads
    while 40 * tail <= 2**prompts:
        ways = ways * (prompts - outside) // (outside + 1)
        outside, tail = outside + 1, tail + ways
    return max(0, outside - 1)
