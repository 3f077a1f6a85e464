"""Rules applied to matched comparisons: fail, pass or undecided, with the error of the whole run controlled."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tds_atlas.gate.inference import holm, is_yes_or_no, result_of
from tds_atlas.gate.reports import FEWEST, Match
from tds_atlas.gate.rules import Rule
from tds_atlas.gate.student import quantile
from tds_atlas.gate.sums import Sums
from tds_atlas.gate.tails import Tested
from tds_atlas.report.numbers import counted, plural

Outcome = Literal["fail", "pass", "undecided", "refused"]
POWER = 0.8
DRIVERS = 10
_MOST_LEFT_OUT = 0.2
_SAME = "both reports read the same answers, so it cannot differ"


@dataclass(frozen=True)
class Driver:
    """A prompt that adds much to a difference."""

    text: str
    adds: float  # to b - a, in the measure's unit
    a_page: str  # below each report's site
    b_page: str


@dataclass(frozen=True)
class Verdict:
    """What a rule says of one comparison."""

    match: Match
    rule: Rule
    sums: Sums
    outcome: Outcome
    note: str = ""  # why it is refused, or what a reader must know
    tested: Tested | None = None
    holm_p: float | None = None  # of `beyond`, over all rules and comparisons of the run
    detectable: float | None = None  # the smallest change that would fail with a chance of 80 %
    drivers: tuple[Driver, ...] = ()


def judge(matches: Sequence[Match], rules: Sequence[Rule], alpha: float) -> list[Verdict]:
    """Each rule over each comparison. An unchanged model is failed by any of them with a chance of alpha at most.

    A rule fails where its excess is beyond the tolerance at Holm's level over all of them. It passes where the excess
    is within the tolerance at level alpha: all of them must, so that no correction is needed (Berger, Technometrics
    24, 1982, p. 295).
    """
    asked = [(match, rule, match.sums(rule.measure)) for match in matches for rule in rules]
    refusals = [_refusal(*one) for one in asked]
    results = [None if why else result_of(rule, sums) for (_, rule, sums), why in zip(asked, refusals, strict=True)]
    adjusted = iter(holm([result.p_beyond for result in results if result]))
    count = sum(result is not None for result in results)
    verdicts = []
    for (match, rule, sums), why, result in zip(asked, refusals, results, strict=True):
        if result is None:
            verdicts.append(Verdict(match, rule, sums, "refused", why or ""))
        else:
            verdicts.append(_verdict(match, rule, sums, result, next(adjusted), alpha, count))
    return verdicts


def _verdict(match: Match, rule: Rule, sums: Sums, result: Tested, holm_p: float, alpha: float, count: int) -> Verdict:
    outcome: Outcome = "undecided"
    floor, note = match.floor(rule.measure), ""
    if holm_p <= alpha:
        outcome = "fail"
        if floor is not None and abs(result.difference) <= floor:
            outcome, note = "pass", f"within what arithmetic alone does ({floor:.2g})"
    elif result.p_within <= alpha:
        outcome = "pass"
    elif match.mode == "same answers" and sums.is_equal:
        outcome, note = "pass", _SAME if rule.measure.of_answers else ""
    drivers = _drivers(match, rule, sums) if outcome == "fail" else ()
    return Verdict(
        match, rule, sums, outcome, note, result, holm_p, _detectable(rule, sums, result, alpha / count), drivers
    )


def _refusal(match: Match, rule: Rule, sums: Sums) -> str | None:
    """Why there can be no verdict."""
    name = rule.measure.name
    if sums.bad:
        what = "infinite or not measured" if name in ("kl", "js", "shifted") else "without a number"
        return f"{name} is {what} at {counted(sums.bad, 'position')} of the shared prompts"
    if match.mode == "unpaired" and rule.measure.median_of:
        return f"{name} needs prompts that both reports have"
    if sums.left_out > _MOST_LEFT_OUT:
        what = f"{sums.left_out:.0%} of A is of tasks that fewer than five prompts of A or B have {name} for"
        return f"{what}; no verdict beyond {_MOST_LEFT_OUT:.0%}"
    if sums.prompts < FEWEST:
        kind = "prompt" if match.mode == "unpaired" else "shared prompt"
        few = f"{counted(sums.prompts, kind)} {plural(sums.prompts, 'has', 'have')} {name}"
        return f"{few}; no verdict from fewer than {FEWEST}"
    return None


def _detectable(rule: Rule, sums: Sums, result: Tested, level: float) -> float:
    """The smallest change in the rule's direction (as a positive number) that would fail with a chance of 80 %."""
    tolerated = rule.tolerance * abs(sums.a) if rule.is_relative else rule.tolerance
    error = result.error
    if is_yes_or_no(rule, sums):  # discordant prompts at the tolerance alone, at least
        changed = float((sums.xa != sums.xb).mean())
        error = math.sqrt(max(changed, tolerated, 1 / sums.prompts) / sums.prompts)
    df = sums.prompts - 1
    return tolerated + (quantile(1 - level, df) + quantile(POWER, df)) * error


def _drivers(match: Match, rule: Rule, sums: Sums) -> tuple[Driver, ...]:
    """The prompts that add most to what fails; none where each report has prompts of its own."""
    if not sums.texts:
        return ()
    adds = rule.sign * sums.contributions
    places = sorted(range(sums.prompts), key=lambda i: (-adds[i], sums.texts[i]))[:DRIVERS]
    return tuple(
        Driver(
            sums.texts[i],
            float(sums.contributions[i]),
            f"examples/{match.a_id}/{match.a.answers[match.a_id][sums.texts[i]][1]}.html",
            f"examples/{match.b_id}/{match.b.answers[match.b_id][sums.texts[i]][1]}.html",
        )
        for i in places
        if adds[i] > 0
    )


def exit_code(verdicts: Sequence[Verdict], undecided: str) -> int:
    """0 where all pass, 1 where one fails, 2 where one cannot be judged."""
    outcomes = {verdict.outcome for verdict in verdicts}
    if "fail" in outcomes or (undecided == "fail" and "undecided" in outcomes):
        return 1
    return 2 if "refused" in outcomes else 0
