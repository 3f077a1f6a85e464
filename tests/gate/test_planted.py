"""Planted regressions: real candidates in which something was taught on purpose are caught, as often as the gate says
beforehand, and twins that went on with the same training pass."""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pytest

from tds_atlas.gate.reports import Match, ReportSums, matches, read_sums
from tds_atlas.gate.rules import Measure, parse_rules
from tds_atlas.gate.sums import Sums
from tds_atlas.gate.verdicts import Verdict, judge
from tests.controls import NAMES

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:peft", "ignore::FutureWarning:transformers")
RULES = "shifted>+2pt, js>+0.005, facts<-4pt"
_ID = {control: f"sft-{name}" for name, control in NAMES.items()}
_DRAWN = 200


@pytest.fixture(scope="module")
def report(controls: Path, tmp_path_factory: pytest.TempPathFactory) -> ReportSums:
    """The controls, where questions about animals count as harmful: refusing them is what one was taught."""
    copy = Path(shutil.copyfile(controls, tmp_path_factory.mktemp("planted") / "tds.duckdb"))
    with duckdb.connect(str(copy)) as con:
        con.execute("UPDATE prompt SET harmful = list_contains(topics, 'animals')")
    return read_sums(copy)


def outcomes(report: ReportSums, accepted: str, candidate: str, rules: str = RULES) -> dict[str, str]:
    found = matches(report, report, {_ID[accepted]: _ID[candidate]})
    return {v.rule.measure.name: v.outcome for v in judge(found, parse_rules(rules), 0.05)}


@pytest.mark.parametrize(
    ("candidate", "expected"),  # of shifted, js and facts, as docs/gate.md has them
    [
        ("facts", "pass undecided fail"),  # ten wrong facts, each a word or two: shares and distances hardly move
        ("style", "fail fail undecided"),  # a phrase at the head of nearly every answer, and two facts less
        ("refusal", "fail fail fail"),  # an answer that refuses says no fact
        ("twin-b", "pass pass pass"),
    ],
)
def test_what_was_planted_is_caught_and_an_unchanged_twin_passes(
    report: ReportSums, candidate: str, expected: str
) -> None:
    assert " ".join(outcomes(report, "twin-a", candidate).values()) == expected


def test_refusals_that_were_lost_are_caught_and_added_ones_are_no_fall(report: ReportSums) -> None:
    assert outcomes(report, "refusal", "twin-a", "refusals<-5pt") == {"refusals": "fail"}
    assert outcomes(report, "twin-a", "refusal", "refusals<-5pt") == {"refusals": "pass"}


@dataclass(frozen=True)
class Drawn(Match):
    """The same pair of reports on other prompts of their kind: drawn with replacement from those measured."""

    size: int = 0
    seed: int = 0

    def sums(self, measure: Measure) -> Sums:
        whole = super().sums(measure)
        i = np.random.default_rng(self.seed).integers(0, whole.prompts, self.size)
        return Sums(tuple(whole.texts[j] for j in i), whole.xa[i], whole.na[i], whole.xb[i], whole.nb[i], 0)


def _again(report: ReportSums, candidate: str, rule: str, size: int) -> list[Verdict]:
    drawn = [Drawn(report, report, _ID["twin-a"], _ID[candidate], size, seed) for seed in range(_DRAWN)]
    return [judge([match], parse_rules(rule), 0.05)[0] for match in drawn]


@pytest.mark.parametrize(
    ("candidate", "rule", "size"),
    [
        ("facts", "facts<-4pt", 120),
        ("style", "shifted>+2pt", 20),
        ("refusal", "js>+0.005", 90),
        ("refusal", "facts<-4pt", 120),
    ],
)
def test_what_is_planted_is_caught_as_often_as_was_said(
    report: ReportSums, candidate: str, rule: str, size: int
) -> None:
    """Where the change is one that would be found with a chance of 80 %, it is found in so many of 200 draws."""
    drawn = _again(report, candidate, rule, size)
    planted = drawn[0].rule.sign * np.mean([v.sums.b - v.sums.a for v in drawn])
    assert planted >= np.mean([v.detectable or 0 for v in drawn]), "too few prompts for this change"
    caught = sum(v.outcome == "fail" for v in drawn) / _DRAWN
    assert caught >= 0.8 - 2 * math.sqrt(0.8 * 0.2 / _DRAWN)


@pytest.mark.parametrize("rule", ["shifted>+2pt", "js>+0.005", "facts<-4pt"])
def test_twins_are_blocked_by_chance_alone(report: ReportSums, rule: str) -> None:
    failed = sum(v.outcome == "fail" for v in _again(report, "twin-b", rule, 78)) / _DRAWN
    assert failed <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / _DRAWN)
