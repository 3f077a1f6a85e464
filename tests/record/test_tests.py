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
    sql = f"SELECT drawn_sum_p(t, {m}, 18, {square}, {cube}) FROM (SELECT unnest($totals::DOUBLE[]) AS t)"
    ps = [p for (p,) in reference().execute(sql, {"totals": totals}).fetchall()]
    for level in (0.1, 0.05, 0.01):
        assert 0.15 * level < sum(p <= level for p in ps) / len(ps) < 1.3 * level
    whole = f"{{'prompts': 18, 'touched': 18, 'far': 9, 'square': {square}, 'third': {cube}}}"
    assert value(f"drawn_p(0, 9, 18, {whole})") == 1


@pytest.mark.parametrize(("m", "s", "g"), [(5, 6, 60), (40, 6, 60), (10, 200, 339), (12, 12, 13), (500, 40, 3000)])
def test_a_count_of_drawn_prompts_against_all_ways_to_draw_them(m: int, s: int, g: int) -> None:
    ways = [math.comb(s, k) * math.comb(g - s, m - k) / math.comb(g, m) for k in range(min(m, s) + 1)]
    for k in sorted({0, 1, 3, min(m, s) // 2, min(m, s)}):
        assert value(f"drawn_at_least_p({k}, {m}, {s}, {g})") == pytest.approx(math.fsum(ways[k:]), rel=1e-8)
        low = min(1, 2 * math.fsum(ways[: k + 1]))
        assert value(f"drawn_count_p(-1, {k}, {m}, {s}, {g})") == pytest.approx(low, rel=1e-8, abs=1e-12)
    assert value(f"drawn_at_least_p({s + 1}, {m}, {s}, {g})") == 0


@pytest.mark.parametrize("g", [20, 60, 339])
@pytest.mark.parametrize("m", [3, 5, 10, 40])
def test_a_sum_of_few_values_keeps_its_level(m: int, g: int) -> None:
    """s of g prompts have one shift each, and all answers are as long: p is at most a level as often as the level says."""
    for s in [s for s in (1, 2, 3, 5, 8, 12, 20, 30, 60, 150) if 2 * s < g and m < g]:
        share = s / g
        square = share * (1 - share)
        whole = (
            f"{{'prompts': {g}, 'touched': {s}, 'far': {s}, 'square': {square}, 'third': {square * (1 - 2 * share)}}}"
        )
        sql = f"SELECT k, drawn_p(k - {m * share}, k, {m}, {whole}) FROM range(greatest(0, {m + s - g}), {min(m, s) + 1}) t(k)"
        ps = reference().execute(sql).fetchall()
        chance = {k: math.comb(s, k) * math.comb(g - s, m - k) / math.comb(g, m) for k, _ in ps}
        for level in (0.05, 0.01, 0.001):
            assert sum(chance[k] for k, p in ps if p <= level) <= level, (s, level)
