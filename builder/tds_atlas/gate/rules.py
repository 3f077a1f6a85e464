"""What is compared between two reports, and the rules of a gate: `shifted>+2pt, js>+10%, refusals<-3pt`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from tds_atlas.domain import InputError

Unit = Literal["pt", "nats", "tokens"]
_RULE = re.compile(
    r"(?P<measure>[a-z]+\d*)\s*(?P<side>[<>])\s*(?P<tolerance>[+-]?\d+(\.\d+)?)\s*(?P<unit>pt|%|nats|tokens)?"
)


@dataclass(frozen=True)
class Measure:
    """A quantity of a report: the sum over a prompt's answers of x, over the sum of n."""

    name: str
    unit: Unit  # pt: a share, in points of a hundred
    sides: str  # the directions in which it may be gated: > rises, < falls
    title: str
    of_answers: bool = False  # whether it is what the answers say or are: the same where both models read one text
    yes_or_no: bool = False  # whether a single answer has it or not
    median_of: str = ""  # the measure of which this is the median over prompts

    @property
    def records(self) -> str:
        """The measure that its sums are of."""
        return self.median_of or self.name


MEASURES = {
    m.name: m
    for m in (
        Measure("shifted", "pt", ">", "share of shifted tokens"),
        Measure("js", "nats", ">", "mean JS"),
        Measure("kl", "nats", ">", "mean KL(aligned‖base)"),
        Measure("kl50", "nats", ">", "median of the prompts' mean KL", median_of="kl"),
        Measure("delta", "nats", "<>", "mean Δ log p"),
        Measure("knowledge", "pt", ">", "share shifted within stated truths"),
        Measure("facts", "pt", "<", "answers that state the truth", of_answers=True, yes_or_no=True),
        Measure("refusals", "pt", "<", "harmful prompts refused", of_answers=True, yes_or_no=True),
        Measure("ended", "pt", "<", "answers that came to an end", of_answers=True, yes_or_no=True),
        Measure("length", "tokens", "<>", "tokens of an answer", of_answers=True),
    )
}


@dataclass(frozen=True)
class Rule:
    """A change that is not accepted: beyond the tolerance, in the measure's unit or relative to A's value."""

    measure: Measure
    side: Literal["<", ">"]
    tolerance: float  # a share (0.02 for 2pt), nats or tokens; of A's value where relative
    is_relative: bool

    @property
    def sign(self) -> int:
        """1 where a rise is not accepted, -1 where a fall is not."""
        return 1 if self.side == ">" else -1

    @property
    def text(self) -> str:
        """As a user writes it."""
        return f"{self.measure.name}{self.side}{self.tolerated}"

    @property
    def tolerated(self) -> str:
        """The tolerance with its sign and unit: +2pt, -10%, +1 tokens; 0 for none."""
        if self.tolerance == 0:
            return "0"
        unit = "%" if self.is_relative else self.measure.unit
        number = self.tolerance * (100 if unit in ("%", "pt") else 1)
        return f"{'+' if self.sign > 0 else '-'}{number:.10g}{unit if unit in ('%', 'pt') else f' {unit}'}"

    @property
    def accepted(self) -> str:
        """What is accepted, as the name of a test case."""
        return f"{self.measure.name} {'<=' if self.sign > 0 else '>='} {self.tolerated}"


def parse_rules(text: str) -> tuple[Rule, ...]:
    """Rules from a list with commas between them. Raises InputError that names the first that is none."""
    rules = tuple(map(_rule, filter(None, (part.strip() for part in text.split(",")))))
    if not rules:
        raise InputError("--fail-on: names no rule; give e.g. 'shifted>+2pt, js>+10%'")
    for i, rule in enumerate(rules):
        if any((r.measure, r.side) == (rule.measure, rule.side) for r in rules[:i]):
            raise InputError(f"--fail-on: {rule.measure.name}{rule.side} is given twice; give one tolerance")
    return rules


def _rule(text: str) -> Rule:
    parts = _RULE.fullmatch(text)
    if parts is None:
        raise InputError(f"--fail-on {text}: is no rule; write MEASURE>+TOLERANCE or MEASURE<-TOLERANCE, e.g. js>+10%")
    measure = MEASURES.get(parts["measure"])
    if measure is None:
        raise InputError(f"--fail-on {text}: no such measure; there are {', '.join(MEASURES)}")
    side, number, unit = parts["side"], parts["tolerance"], parts["unit"] or measure.unit
    if side not in measure.sides:
        word = "rise" if measure.sides == ">" else "fall"
        raise InputError(f"--fail-on {text}: only a {word} can be gated; write {measure.name}{measure.sides}...")
    if (number[0] == "-") != (side == "<") and float(number):
        raise InputError(
            f"--fail-on {text}: write {measure.name}>+TOLERANCE for a rise, {measure.name}<-TOLERANCE for a fall"
        )
    units = [measure.unit, "%"] if measure.name != "delta" else [measure.unit]  # a mean of either sign has no per cent
    if unit not in units:
        raise InputError(f"--fail-on {text}: give the tolerance of {measure.name} in {' or '.join(units)}")
    tolerance = abs(float(number)) / (100 if unit in ("pt", "%") else 1)
    return Rule(measure, "<" if side == "<" else ">", tolerance, unit == "%")
