"""The tests' closed forms against sums and integrals written out, and against every way to draw the prompts."""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any

import pytest

from tds_atlas.record.catalog import reference


def value(expression: str) -> Any:
    return reference().execute(f"SELECT {expression}").fetchall()[0][0]


def t_tail(t: float, df: float, steps: int = 20000) -> float:
    """Two-sided p, by Simpson's rule over u in x = t + u / (1 - u), the density of Student's t."""
    scale = math.exp(math.lgamma((df + 1) / 2) - math.lgamma(df / 2)) / math.sqrt(df * math.pi)

    def height(u: float) -> float:
        if u == 1:
            return 1.0 / math.pi if df == 1 else 0.0  # the limit of density / (1 - u)²
        return scale * (1 + (t + u / (1 - u)) ** 2 / df) ** (-(df + 1) / 2) / (1 - u) ** 2

    inner = sum((4 if i % 2 else 2) * height(i / steps) for i in range(1, steps))
    return 2 * (height(0) + inner + height(1)) / 3 / steps


@pytest.mark.parametrize("df", [1, 2, 3, 7, 16, 60, 299, 5000])
@pytest.mark.parametrize("t", [0.0, 0.3, 1.2, 1.3, 2.5, 5.5])
def test_t_against_its_integral(t: float, df: int) -> None:
    assert value(f"t_p({t}, {df})") == pytest.approx(t_tail(t, df), rel=1e-4) == value(f"t_p({-t}, {df})")


def test_t_has_no_value_without_degrees_of_freedom() -> None:
    assert value("t_p(2, 0)") is None and value("t_p(NULL, 3)") is None


def at_least(k: int, n: int, share: float) -> float:
    return math.fsum(math.comb(n, i) * share**i * (1 - share) ** (n - i) for i in range(k, n + 1))


@pytest.mark.parametrize("n", [1, 2, 17, 60, 300])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.93])
def test_binomial_tails_against_sums(n: int, share: float) -> None:
    for k in sorted({0, 1, n // 3, n // 2, n - 1, n}):
        assert value(f"at_least_p({k}, {n}, {share})") == pytest.approx(at_least(k, n, share), rel=1e-8)
        both = min(1, 2 * min(at_least(k, n, share), at_least(n - k, n, 1 - share)))
        assert value(f"binomial_p({k}, {n}, {share})") == pytest.approx(both, rel=1e-8)


@pytest.mark.parametrize(("more", "fewer"), [(17, 0), (0, 17), (0, 0), (1, 0), (5, 5), (12, 3), (90, 140)])
def test_mcnemar_against_the_sum_of_its_tail(more: int, fewer: int) -> None:
    n = more + fewer
    slow = min(1, 2 * sum(math.comb(n, i) for i in range(min(more, fewer) + 1)) / 2**n)
    assert value(f"mcnemar_p({more}, {fewer})") == pytest.approx(slow, rel=1e-8)


@pytest.mark.parametrize(
    ("differences", "p"),
    [([1.0], None), ([0.0] * 5, 1.0), ([0.25] * 8, 2 * 0.5**8), ([-0.25] * 8, 2 * 0.5**8)],
)
def test_equal_differences_are_judged_by_their_signs(differences: list[float], p: float | None) -> None:
    assert value(f"paired_p(d) FROM (SELECT unnest({differences}::DOUBLE[]) AS d)") == (
        p if p is None else pytest.approx(p)
    )


def test_a_paired_t_test() -> None:
    d = [0.3, 0.1, -0.05, 0.22, 0.4, 0.02]
    mean = sum(d) / 6
    t = mean / math.sqrt(sum((x - mean) ** 2 for x in d) / 5 / 6)
    assert value(f"paired_p(d) FROM (SELECT unnest({d}) AS d)") == pytest.approx(t_tail(t, 5), rel=1e-6)


@pytest.mark.parametrize("spread", [2.0, 0.5])
@pytest.mark.parametrize("m", [4, 9, 14])
def test_a_draw_of_prompts_against_all_draws(m: int, spread: float) -> None:
    """All ways to draw m of 18 skewed numbers: few have a small p, and p is not far from what it should be."""
    raw = [math.exp(spread * math.sin(7 * i)) for i in range(18)]
    r = [x - sum(raw) / 18 for x in raw]
    square, cube = (sum(x**k for x in r) / 18 for k in (2, 3))
    totals = [sum(c) for c in combinations(r, m)]
    sql = f"SELECT drawn_p(t, {m}, 18, {square}, {cube}) FROM (SELECT unnest($totals::DOUBLE[]) AS t)"
    ps = [p for (p,) in reference().execute(sql, {"totals": totals}).fetchall()]
    for level in (0.1, 0.05, 0.01):
        assert 0.15 * level < sum(p <= level for p in ps) / len(ps) < 1.3 * level
    assert value(f"drawn_p(0, 18, 18, {square}, {cube})") == 1
