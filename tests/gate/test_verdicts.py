"""Verdicts over reports that are made up: how often an unchanged model is blocked, and a changed one caught."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tds_atlas.gate import inference
from tds_atlas.gate.plan import needs
from tds_atlas.gate.rules import MEASURES, parse_rules
from tds_atlas.gate.verdicts import exit_code, judge
from tests.gate.made import drawn, match, report

ALL = parse_rules("shifted>0, js>0, kl>0, kl50>0, delta>0, delta<0, knowledge>0, facts<0, refusals<0, ended<0, length>0")



@pytest.mark.parametrize("prompts", [12, 40, 200])
def test_an_unchanged_model_is_blocked_by_chance_alone(monkeypatch: pytest.MonkeyPatch, prompts: int) -> None:
    """400 pairs of reports of one model, every measure gated without a tolerance: the worst case."""
    monkeypatch.setattr(inference, "_FLIPS", 999)
    rng, failed = np.random.default_rng(prompts), 0
    for _ in range(400):
        verdicts = judge([match(*drawn(rng, prompts))], ALL, 0.05)
        failed += any(verdict.outcome == "fail" for verdict in verdicts)
    assert failed / 400 <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 400)


def test_what_is_tolerated_is_seldom_failed() -> None:
    """B's share is higher by exactly what is tolerated: at the bound a rule fails in one run of twenty at most."""
    rng, failed, (rule,) = np.random.default_rng(3), 0, parse_rules("shifted>+3pt")
    for _ in range(400):
        (verdict,) = judge([match(*drawn(rng, 40, rise=0.03))], [rule], 0.05)
        failed += verdict.outcome == "fail"
    assert 0.01 < failed / 400 <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 400)


def test_a_planted_change_is_caught_as_often_as_said() -> None:
    """A rise by what `detectable` says fails four times of five."""
    rng, failed, said, (rule,) = np.random.default_rng(4), 0, [], parse_rules("shifted>+1pt")
    for _ in range(150):
        (verdict,) = judge([match(*drawn(rng, 60))], [rule], 0.05)
        said.append(verdict.detectable or 0)
    for _ in range(300):
        (verdict,) = judge([match(*drawn(rng, 60, rise=float(np.mean(said))))], [rule], 0.05)
        failed += verdict.outcome == "fail"
    assert failed / 300 == pytest.approx(0.8, abs=0.08)


def test_so_many_prompts_as_planned_decide() -> None:
    """Twice the tolerance fails, and no change passes, four times of five or more: pairs of one prompt are alike."""
    rng, (rule,) = np.random.default_rng(6), parse_rules("shifted>+2pt")
    (need,) = needs(report("a", drawn(rng, 400)[0]), (rule,), 0.05)
    assert need.needed and 20 < need.needed < 400
    outcomes = {rise: [judge([match(*drawn(rng, need.needed, rise))], [rule], 0.05)[0].outcome for _ in range(150)] for rise in (0.0, 0.04)}
    assert outcomes[0.0].count("pass") > 0.8 * 150 and outcomes[0.04].count("fail") > 0.8 * 150


def test_a_constant_difference_fails_and_few_prompts_are_undecided() -> None:
    a = {"shifted": [(1.0, 20.0)] * 12}
    (verdict,) = judge([match(a, {"shifted": [(3.0, 20.0)] * 12})], parse_rules("shifted>+2pt"), 0.05)
    assert verdict.outcome == "fail" and len(verdict.drivers) == 10
    assert [driver.text for driver in verdict.drivers] == [f"prompt {i:04}" for i in range(10)]  # ties in order
    rng = np.random.default_rng(0)
    (verdict,) = judge([match(*drawn(rng, 12, rise=0.02))], parse_rules("shifted>+2pt"), 0.05)
    assert (verdict.outcome, exit_code([verdict], "warn"), exit_code([verdict], "fail")) == ("undecided", 0, 1)


def test_drivers_add_up_and_are_of_the_rules_direction() -> None:
    rng = np.random.default_rng(8)
    a, b = drawn(rng, 30, rise=0.2)
    (verdict,) = judge([match(a, b)], parse_rules("shifted>+2pt"), 0.05)
    adds = {f"prompt {i:04}": xb / sum(n for _, n in b["shifted"]) - xa / sum(n for _, n in a["shifted"]) for i, ((xa, _), (xb, _)) in enumerate(zip(a["shifted"], b["shifted"], strict=True))}
    assert sum(adds.values()) == pytest.approx(verdict.sums.b - verdict.sums.a)
    assert [d.text for d in verdict.drivers] == sorted(adds, key=lambda t: (-adds[t], t))[:10]
    assert [d.adds for d in verdict.drivers] == pytest.approx(sorted(adds.values(), reverse=True)[:10])


def test_a_difference_below_the_floor_of_arithmetic_never_fails() -> None:
    a, b = ({"js": [(x, 20.0)] * 40} for x in (0.010, 0.012))
    one = match(a, b)
    one.a.floors["base·plain"] = {"js": 0.0002}  # type: ignore[index]
    (rule,) = parse_rules("js>0")
    verdict = judge([one], [rule], 0.05)[0]
    assert verdict.outcome == "pass" and "within what arithmetic alone does" in verdict.note
    one.a.floors["base·plain"] = {"js": 0.00005}  # type: ignore[index]
    assert judge([one], [rule], 0.05)[0].outcome == "fail"


def test_measures_without_a_number_are_refused_by_name_and_the_others_go_on() -> None:
    rng = np.random.default_rng(2)
    one = match(*drawn(rng, 30))
    text = one.shared[0]
    one.a.sums["c", "kl"][text] = (1.0, 20.0, 3.0)  # type: ignore[index]
    kl, shifted = judge([one], parse_rules("kl>+10%, shifted>+20pt"), 0.05)
    assert (kl.outcome, shifted.outcome) == ("refused", "pass") and "kl is infinite or not measured at 3 pos" in kl.note
    assert exit_code([kl, shifted], "warn") == 2
    few = match(*({"facts": [(1.0, 1.0)] * 9 + [(0.0, 0.0)] * 20, "js": [(1.0, 9.0)] * 29} for _ in "ab"))
    facts, js = judge([few], parse_rules("facts<-1pt, js>+1%"), 0.05)
    assert facts.note == "9 shared prompts have facts; no verdict from fewer than 10" and js.outcome == "pass"


def test_every_measure_has_a_rule_here() -> None:
    assert {rule.measure.name for rule in ALL} == MEASURES.keys()
