"""The tests of a gate against slow versions: integrals, every pattern of flips, a likelihood searched point by point."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from tds_atlas.gate import inference
from tds_atlas.gate.inference import flips_p, holm, result_of, share_interval, tango
from tds_atlas.gate.rules import parse_rules
from tds_atlas.gate.student import half_binomial, quantile, upper_tail
from tds_atlas.gate.sums import Sums


def sums(xa, na, xb, nb) -> Sums:  # type: ignore[no-untyped-def]
    columns = [np.array(column, dtype=float) for column in (xa, na, xb, nb)]
    return Sums(tuple(map(str, range(len(xa)))), *columns, 0)


@pytest.mark.parametrize(("t", "df"), [(2.3, 4), (-1.1, 9), (0.0, 30), (6.0, 199), (0.4, 2)])
def test_a_tail_of_students_t_is_its_integral(t: float, df: int) -> None:
    x = np.linspace(t, t + 4000, 4_000_001)
    scale = math.lgamma((df + 1) / 2) - math.lgamma(df / 2) - math.log(df * math.pi) / 2
    density = np.exp(scale - (df + 1) / 2 * np.log1p(x * x / df))
    assert upper_tail(t, df) == pytest.approx(float(np.trapezoid(density, x)), abs=2e-6)
    assert upper_tail(quantile(0.9937, df), df) == pytest.approx(0.0063, rel=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_flips_are_every_exchange_of_a_prompt(seed: int) -> None:
    rng = np.random.default_rng(seed)
    xa, na, xb, nb = rng.integers(0, 9, 8), rng.integers(9, 30, 8), rng.integers(0, 14, 8), rng.integers(9, 30, 8)
    seen, count = xb.sum() / nb.sum() - xa.sum() / na.sum(), 0
    for pattern in itertools.product([False, True], repeat=8):
        p = np.array(pattern)
        a = np.where(p, xb, xa).sum() / np.where(p, nb, na).sum()
        b = np.where(p, xa, xb).sum() / np.where(p, na, nb).sum()
        count += b - a >= seen - 1e-12
    assert flips_p(1, sums(xa, na, xb, nb), 0) == count / 256


def test_drawn_flips_agree_with_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    made = sums(rng.random(12) * 3, np.full(12, 9), rng.random(12) * 4, np.full(12, 9))
    exact = flips_p(1, made, 0)
    monkeypatch.setattr(inference, "_ALL_FLIPS", 3)
    assert flips_p(1, made, 0) == pytest.approx(exact, abs=3 * math.sqrt(exact * (1 - exact) / 9999) + 1e-4)
    assert flips_p(1, made, 0) == flips_p(1, made, 0)


@pytest.mark.parametrize(("more", "fewer", "n", "difference"), [(7, 2, 40, -0.03), (3, 9, 25, 0.1), (0, 4, 12, 0.02), (5, 0, 60, 0.3)])
def test_tangos_score_has_the_likeliest_discordance(more: int, fewer: int, n: int, difference: float) -> None:
    """The share of pairs that changed the other way is searched for over a fine grid."""
    q = np.linspace(max(0, -difference), (1 - difference) / 2, 2_000_001)[1:-1]
    likelihood = more * np.log(q + difference) + fewer * np.log(q) + (n - more - fewer) * np.log(1 - 2 * q - difference)
    best = q[likelihood.argmax()]
    z = (more - fewer - n * difference) / math.sqrt(n * (2 * best + difference * (1 - difference)))
    assert tango(more, fewer, n, difference) == pytest.approx(z, rel=1e-4)


def test_the_interval_of_a_share_is_what_the_score_does_not_reject() -> None:
    """44 pairs, of which one changed one way and none the other."""
    made = sums([0] + [1] * 43, [1] * 44, [1] + [1] * 43, [1] * 44)
    low, high = share_interval(made)
    assert (low, high) == (pytest.approx(-0.060, abs=0.001), pytest.approx(0.118, abs=0.001))
    for bound in (low, high):
        assert abs(tango(1, 0, 44, bound)) == pytest.approx(1.96, abs=1e-3)


def test_an_outcome_that_all_lost_is_no_equality() -> None:
    """60 of 60 against 0 of 60."""
    (rule,) = parse_rules("refusals<-3pt")
    made = sums([1] * 60, [1] * 60, [0] * 60, [1] * 60)
    result = result_of(rule, made)
    assert result.difference == -1 and result.high < -0.85 and result.p_beyond < 1e-12 and result.p_within > 0.999


def test_a_constant_difference_is_beyond_chance() -> None:
    (rule,) = parse_rules("shifted>+2pt")
    result = result_of(rule, sums([1] * 12, [20] * 12, [3] * 12, [20] * 12))
    assert result.error == 0 and result.p_beyond == 0.5**12 and result.p_within == 1
    within = result_of(rule, sums([1] * 12, [20] * 12, [1.2] * 12, [20] * 12))
    assert within.p_beyond == 1 and within.p_within == 0.5**12


@pytest.mark.parametrize("text", ["js>+10%", "js>+0.02nats", "length<-5%", "delta<-0.1"])
def test_the_error_of_an_excess_is_that_of_prompts_drawn_again(text: str) -> None:
    """Against a bootstrap over prompts of the excess itself, written out from the definition."""
    (rule,) = parse_rules(text)
    rng = np.random.default_rng(1)
    na, nb = rng.integers(20, 90, 150).astype(float), rng.integers(20, 90, 150).astype(float)
    alike = rng.random(150)
    xa, xb = na * alike * 0.3, nb * (alike * 0.25 + rng.random(150) * 0.2)
    made = sums(xa, na, xb, nb)

    def excess(i: np.ndarray) -> float:
        a, b = xa[i].sum() / na[i].sum(), xb[i].sum() / nb[i].sum()
        tolerated = rule.tolerance * abs(a) if rule.is_relative else rule.tolerance
        return (b - a if rule.side == ">" else a - b) - tolerated

    again = [excess(rng.integers(0, 150, 150)) for _ in range(4000)]
    result = result_of(rule, made)
    assert result.excess == pytest.approx(excess(np.arange(150)))
    assert result.error == pytest.approx(float(np.std(again)), rel=0.06)


def test_holm_is_stepwise_bonferroni() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.5]) == [1.0, 1.0] and holm([]) == []
    assert half_binomial(3, 4) == 5 / 16 and half_binomial(0, 0) == 1
