"""Reports on prompts of their own, and medians over shared ones: against slow versions, and how often chance alone fails."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from tds_atlas.gate import tails
from tds_atlas.gate.medians import median_result
from tds_atlas.gate.rules import MEASURES, parse_rules
from tds_atlas.gate.sums import Sums
from tds_atlas.gate.unpaired import Apart, Unpaired, apart_result
from tds_atlas.gate.verdicts import Verdict, judge
from tests.command import tds
from tests.gate.made import drawn, report
from tests.gate.test_compare import changed
from tests.report import synthetic

Made = Mapping[str, Sequence[tuple[float, float]]]


def unpaired(a: Made, b: Made, tasks_a: Sequence[str], tasks_b: Sequence[str]) -> Unpaired:
    """B's prompts have texts of their own."""
    one, other = report("a", a), report("b", b)
    renamed = {key: {f"other {t}": row for t, row in rows.items()} for key, rows in other.sums.items()}
    answers = {"c": {f"other {t}": row for t, row in other.answers["c"].items()}}
    other = type(other)(other.path, "b", "b", other.comparisons, renamed, answers, {}, _strata(answers["c"], tasks_b))
    one = type(one)(one.path, "a", "a", one.comparisons, one.sums, one.answers, {}, _strata(one.answers["c"], tasks_a))
    return Unpaired(one, other, "c", "c")


def _strata(texts: Mapping[str, object], tasks: Sequence[str]) -> dict[str, tuple[str, str]]:
    return dict(zip(texts, (("set", name) for name in tasks), strict=True))


def verdict(match: Unpaired, rule: str) -> Verdict:
    return judge([match], parse_rules(rule), 0.05)[0]


def test_an_unchanged_model_is_blocked_by_chance_alone() -> None:
    """200 pairs of reports, 40 prompts against 30 others, each of two tasks in another mix."""
    rules = parse_rules("shifted>0, js>0, delta<0, knowledge>0, facts<0, refusals<0, length>0")
    rng, failed = np.random.default_rng(1), 0
    for _ in range(200):
        (a, _), (b, _) = drawn(rng, 40), drawn(rng, 30)
        verdicts = judge([unpaired(a, b, ["x"] * 25 + ["y"] * 15, ["x"] * 12 + ["y"] * 18)], rules, 0.05)
        assert {v.rule.measure.name for v in verdicts if v.outcome == "refused"} <= {"refusals"}  # few are harmful
        failed += any(v.outcome == "fail" for v in verdicts)
    assert failed / 200 <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 200)


def test_another_mix_of_tasks_is_no_change_and_a_change_is_found() -> None:
    """Easy prompts have 1 of 20 shifted, hard ones 8; B has more hard ones."""
    rng = np.random.default_rng(2)

    def made(easy: int, hard: int, more: float = 0.0) -> Made:
        counts = [*rng.binomial(20, 0.05 + more, easy), *rng.binomial(20, 0.4 + more, hard)]
        return {"shifted": [(float(x), 20.0) for x in counts]}

    tasks = [["easy"] * 60 + ["hard"] * 20, ["easy"] * 20 + ["hard"] * 60]
    same = verdict(unpaired(made(60, 20), made(20, 60), *tasks), "shifted>+4pt")
    assert same.sums.b - same.sums.a < 0.04 and same.outcome != "fail"
    b = made(20, 60, 0.2)
    worse = verdict(unpaired(made(60, 20), b, *tasks), "shifted>+4pt")
    assert worse.outcome == "fail" and not worse.drivers
    x = np.array([x for x, _ in b["shifted"]])
    assert worse.sums.b == pytest.approx(0.75 * x[:20].sum() / 400 + 0.25 * x[20:].sum() / 1200)


def test_one_stratum_is_welchs_test() -> None:
    rng = np.random.default_rng(3)
    xa, xb = rng.normal(5, 1, 12), rng.normal(6, 3, 9)
    ones = [np.ones(12), np.ones(9)]
    sums = Apart((), xa, ones[0], xb, ones[1], 0, strata_a=np.zeros(12, int), strata_b=np.zeros(9, int))
    found = apart_result(parse_rules("js>+0.5")[0], sums)
    va, vb = xa.var(ddof=1) / 12, xb.var(ddof=1) / 9
    assert found.error == pytest.approx(math.sqrt(va + vb)) and found.excess == pytest.approx(
        xb.mean() - xa.mean() - 0.5
    )
    df = (va + vb) ** 2 / (va**2 / 11 + vb**2 / 8)
    t = rng.standard_t(df, 400_000)
    assert found.p_beyond == pytest.approx(float((t > found.excess / found.error).mean()), abs=0.005)


def test_outcomes_that_all_prompts_share_are_no_certainty() -> None:
    def outcome(a: tuple[int, int], b: tuple[int, int]) -> Verdict:
        sides = [{"refusals": [(1.0, 1.0)] * yes + [(0.0, 1.0)] * no} for yes, no in (a, b)]
        return verdict(unpaired(*sides, ["t"] * sum(a), ["t"] * sum(b)), "refusals<-3pt")

    assert outcome((60, 0), (0, 60)).outcome == "fail"
    assert outcome((12, 0), (12, 0)).outcome == "undecided"  # 12 of 12 may be 80 %
    assert outcome((900, 0), (900, 0)).outcome == "pass"


def test_too_much_left_out_and_too_few_prompts_have_no_verdict() -> None:
    rows = {"shifted": [(1.0, 20.0)] * 30}
    left = verdict(unpaired(rows, rows, ["x"] * 22 + ["y"] * 8, ["x"] * 26 + ["y"] * 4), "shifted>+2pt")
    assert left.outcome == "refused" and "27% of A" in left.note
    some = verdict(unpaired(rows, rows, ["x"] * 25 + ["y"] * 5, ["x"] * 26 + ["y"] * 4), "shifted>+2pt")
    assert some.outcome == "pass" and some.sums.left_out == pytest.approx(1 / 6)
    few = {"shifted": [(1.0, 20.0)] * 9}
    assert "9 prompts have shifted" in verdict(unpaired(rows, few, ["x"] * 30, ["x"] * 9), "shifted>+2pt").note
    assert "needs prompts that both" in verdict(unpaired(rows, rows, ["x"] * 30, ["x"] * 30), "kl50>0").note


def test_the_command_takes_other_prompts_and_says_when_pairs_tell_more(tmp_path: Path) -> None:
    a = synthetic.write(tmp_path / "a.duckdb")
    b = changed(
        a, "UPDATE prompt SET text = 'Other ' || text; UPDATE score SET rank = 4 WHERE condition_id = 'base·plain'"
    )
    done = tds("compare", str(a), str(b), "--unpaired", "--fail-on", "shifted>+2pt, js>+10%")
    assert done.returncode == 1 and "24 prompts in A, 24 in B, unpaired" in done.stdout, done.stderr
    assert "see --unpaired" in tds("compare", str(a), str(b), "--fail-on", "js>0").stderr
    paired = tds("compare", str(a), str(a), "--unpaired", "--fail-on", "js>0")
    assert paired.returncode == 2 and "24 prompts are in both; leave it out: pairs tell more" in paired.stderr
    site = tds("compare", str(a), str(b), "--unpaired", "--site", str(tmp_path / "s"))
    assert site.returncode == 2 and "--site: shows answers to shared prompts" in site.stderr


def _medians(a: Sequence[float], b: Sequence[float], rule: str) -> tails.Tested:
    n = np.full(len(a), 10.0)
    sums = Sums(tuple(map(str, range(len(a)))), np.array(a) * n, n, np.array(b) * n, n, 0, is_median=True)
    assert sums.a == pytest.approx(np.median(a)) and sums.b == pytest.approx(np.median(b))
    return median_result(parse_rules(rule)[0], sums)


def test_a_median_is_tested_by_the_signs_of_prompts() -> None:
    """Two prompts of twelve rose a thousandfold, which moves a mean and no median; ten rose by a little more than a tenth."""
    a = [1.0] * 12
    tail = _medians(a, [1000.0, 1000.0] + [1.0] * 10, "kl50>+10%")
    assert tail.difference == 0 and tail.p_beyond > 0.9 and tail.p_within == pytest.approx(79 / 4096)
    rose = _medians(a, [0.5, 0.5] + [1.11 + i / 100 for i in range(10)], "kl50>+10%")
    assert rose.p_beyond == pytest.approx(79 / 4096) and rose.difference == pytest.approx(1.145 - 1)


@pytest.mark.parametrize(("prompts", "place"), [(10, 2), (20, 6), (50, 18), (100, 40)])
def test_the_interval_of_a_median_is_between_its_prompts(prompts: int, place: int) -> None:
    """The order statistics of the tables (Conover, Practical Nonparametric Statistics, 1999, table A3)."""
    result = _medians([0.0] * prompts, list(range(prompts)), "kl50>+0.1")
    assert (result.low, result.high) == (place - 1, prompts - place)


def test_only_means_and_shares_are_planned(tmp_path: Path) -> None:
    a = synthetic.write(tmp_path / "a.duckdb")
    assert "plan with js or kl" in tds("compare", str(a), "--plan", "kl50>+10%").stderr
    assert MEASURES["kl50"].records == "kl"
