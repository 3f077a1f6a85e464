"""Two reports on different prompts: their values standardised to A's tasks, and Welch's test of the difference.

The tasks of a prompt (and its set, where both reports have the same sets) are its stratum. A stratum weighs as much of
the whole as it does in A; one that fewer than five prompts of either report have is left out. The variance of a
report's standardised ratio is the sum over its strata of w²·G/(G-1)·Σe²/(Σn)², its degrees of freedom Satterthwaite's
(Biometrics Bulletin 2, 1946, p. 110). Shares of yes-or-no outcomes get two more outcomes, one of each kind, before they
are compared (Agresti and Caffo, The American Statistician 54, 2000, p. 280): none of them is then without a spread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from tds_atlas.domain import InputError
from tds_atlas.gate.reports import FEWEST, Match, Mode, ReportSums
from tds_atlas.gate.rules import Measure, Rule
from tds_atlas.gate.student import quantile
from tds_atlas.gate.sums import Sums
from tds_atlas.gate.tails import Tested, t_tails
from tds_atlas.report.numbers import counted

_LEAST = 5  # prompts of a stratum in each report


@dataclass(frozen=True)
class Apart(Sums):
    """A measure over the prompts of each report: xa and na as many as A has, xb and nb as B has."""

    strata_a: np.ndarray = field(kw_only=True)  # [G_A] which stratum
    strata_b: np.ndarray = field(kw_only=True)  # [G_B]

    @property
    def prompts(self) -> int:
        """Of the report that has fewer."""
        return min(len(self.xa), len(self.xb))

    @property
    def is_equal(self) -> bool:
        return False

    @cached_property
    def weights(self) -> np.ndarray:
        """How much of A each stratum is."""
        size = np.bincount(self.strata_a, self.na)
        return np.asarray(size / size.sum())

    @cached_property
    def a(self) -> float:
        return _standardised(self.xa, self.na, self.strata_a, self.weights).value if self.prompts else float("nan")

    @cached_property
    def b(self) -> float:
        return _standardised(self.xb, self.nb, self.strata_b, self.weights).value if self.prompts else float("nan")


@dataclass(frozen=True)
class Unpaired(Match):
    """A comparison of A and one of B, over prompts of their own."""

    @property
    def mode(self) -> Mode:
        return "unpaired"

    @property
    def told(self) -> str:
        a, b = (len(r.answers.get(i, {})) for r, i in ((self.a, self.a_id), (self.b, self.b_id)))
        return f"{counted(a, 'prompt')} in A, {b:,} in B, unpaired: B's tasks weigh as in A"

    def check(self, allowed: Sequence[str]) -> None:
        """Raises InputError where the yardstick moved, or where pairing would tell more."""
        self.check_yardstick(allowed)
        if len(self.shared) >= FEWEST:
            raise InputError(
                f"--unpaired: {self.name}: {len(self.shared)} prompts are in both; leave it out: pairs tell more"
            )

    def sums(self, measure: Measure) -> Sums:
        by_set = _sets(self.a, self.a_id) == _sets(self.b, self.b_id)
        columns = [_columns(r, i, measure, by_set) for r, i in ((self.a, self.a_id), (self.b, self.b_id))]
        counts = [{name: names.count(name) for name in names} for _, names in columns]
        kept = sorted(name for name in counts[0] if all(count.get(name, 0) >= _LEAST for count in counts))
        place = {name: i for i, name in enumerate(kept)}
        rows, strata = [], []
        for values, names in columns:
            chosen = [i for i, name in enumerate(names) if name in place]
            rows.append(values[chosen])
            strata.append(np.array([place[names[i]] for i in chosen], int))
        whole = columns[0][0][:, 1].sum()
        left_out = float(1 - rows[0][:, 1].sum() / whole) if whole else 0.0
        bad = sum(int(values[:, 2].sum()) for values in rows)
        (xa, na, _), (xb, nb, _) = rows[0].T, rows[1].T
        return Apart((), xa, na, xb, nb, bad, left_out, strata_a=strata[0], strata_b=strata[1])


def _sets(report: ReportSums, comparison_id: str) -> set[str]:
    return {report.strata[text][0] for text in report.answers.get(comparison_id, {})}


def _columns(report: ReportSums, comparison_id: str, measure: Measure, by_set: bool) -> tuple[np.ndarray, list[str]]:
    """x, n and bad of each prompt that has the measure, and its stratum."""
    sums: Mapping[str, tuple[float, float, float]] = report.sums.get((comparison_id, measure.records), {})
    known = [text for text, (_, n, _) in sums.items() if n > 0]
    names = ["\n".join(report.strata[text][0 if by_set else 1 :]) for text in known]
    return np.array([sums[text] for text in known], dtype=float).reshape(-1, 3), names


@dataclass(frozen=True)
class _Estimate:
    value: float
    variance: float
    freedom: float  # the sum of each stratum's variance² over its degrees of freedom


def _standardised(
    x: np.ndarray, n: np.ndarray, strata: np.ndarray, weights: np.ndarray, yes_or_no: bool = False
) -> _Estimate:
    """The ratio Σx/Σn of each stratum, weighted; `yes_or_no`: of outcomes, one a prompt."""
    value = variance = freedom = 0.0
    for i, weight in enumerate(weights):
        own, size, g = x[strata == i], n[strata == i], int((strata == i).sum())
        if yes_or_no:
            total = g + 2 * weight
            ratio = (own.sum() + weight) / total
            part = weight**2 * ratio * (1 - ratio) / total
        else:
            ratio = own.sum() / size.sum()
            part = weight**2 * g / (g - 1) * float(((own - ratio * size) ** 2).sum()) / size.sum() ** 2
        value, variance, freedom = value + weight * ratio, variance + part, freedom + part**2 / (g - 1)
    return _Estimate(float(value), float(variance), float(freedom))


def apart_result(rule: Rule, sums: Apart) -> Tested:
    """Welch's test of the excess over the tolerance."""
    outcomes = rule.measure.yes_or_no and bool((sums.na == 1).all() and (sums.nb == 1).all())
    a = _standardised(sums.xa, sums.na, sums.strata_a, sums.weights, outcomes)
    b = _standardised(sums.xb, sums.nb, sums.strata_b, sums.weights, outcomes)
    relative, absolute = (rule.tolerance, 0.0) if rule.is_relative else (0.0, rule.tolerance)
    excess = rule.sign * (b.value - a.value) - relative * abs(a.value) - absolute
    times = (rule.sign + relative * float(np.sign(a.value))) ** 2  # of A's variance in that of the excess
    error, df = _error(times, a, b)
    beyond, within = t_tails(excess, error, sums.prompts, df)
    plain, plain_df = _error(1.0, a, b)
    half = quantile(0.975, plain_df) * plain if plain else 0.0
    middle = b.value - a.value
    return Tested(sums.b - sums.a, middle - half, middle + half, excess, error, beyond, within)


def _error(times: float, a: _Estimate, b: _Estimate) -> tuple[float, float]:
    """The standard error of a difference, and its degrees of freedom."""
    variance, freedom = times * a.variance + b.variance, times**2 * a.freedom + b.freedom
    return variance**0.5, variance**2 / freedom if freedom else 1.0
