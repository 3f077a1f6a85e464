"""Power said beforehand: how many prompts a rule needs, from one report alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tds_atlas.domain import InputError
from tds_atlas.gate.reports import ReportSums
from tds_atlas.gate.rules import Rule
from tds_atlas.gate.student import quantile
from tds_atlas.gate.verdicts import POWER

_MOST = 10_000_000


@dataclass(frozen=True)
class Need:
    """What a rule needs for one comparison."""

    comparison_id: str
    rule: Rule
    prompts: int  # of the report
    value: float
    needed: int | None  # None: more than ten million, or no spread to reckon with


def needs(report: ReportSums, rules: tuple[Rule, ...], alpha: float) -> list[Need]:
    """How many prompts are needed so that a change of twice the tolerance fails, and no change passes, each with a
    chance of 80 %. B is taken to spread as A does and to be independent of it: with pairs that are alike, fewer do.
    """
    found, count = [], len(rules) * len(report.comparisons)
    for comparison_id in report.comparisons:
        for rule in rules:
            rows = [(x, n) for x, n, _ in report.sums.get((comparison_id, rule.measure.records), {}).values() if n > 0]
            if rule.measure.median_of:
                raise InputError(f"--plan {rule.text}: only means and shares are planned; plan with js or kl")
            if rule.tolerance == 0:
                raise InputError(f"--plan {rule.text}: without a tolerance any number of prompts finds some change")
            if len(rows) < 3:
                found.append(Need(comparison_id, rule, len(rows), math.nan, None))
                continue
            mean, spread = _mean_and_spread(rows)
            tolerated = rule.tolerance * abs(mean) if rule.is_relative else rule.tolerance
            found.append(Need(comparison_id, rule, len(rows), mean, _needed(spread, tolerated, alpha / count)))
    return found


def _mean_and_spread(rows: list[tuple[float, float]]) -> tuple[float, float]:
    """Σx/Σn, and its standard error times the root of the number of prompts."""
    g, size = len(rows), sum(n for _, n in rows)
    mean = sum(x for x, _ in rows) / size
    squares = sum((x - mean * n) ** 2 for x, n in rows)
    return mean, math.sqrt(g / (g - 1) * squares) / size * math.sqrt(g)


def _needed(spread: float, excess: float, level: float) -> int | None:
    """The fewest prompts G at which (t + t80) · spread · √(2/G) is within the excess, by halving."""
    if spread == 0 or excess == 0:
        return None

    def enough(g: int) -> bool:
        return (quantile(1 - level, g - 1) + quantile(POWER, g - 1)) * spread * math.sqrt(2 / g) <= excess

    low, high = 2, 4
    while not enough(high):
        low, high = high, 2 * high
        if high > _MOST:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
