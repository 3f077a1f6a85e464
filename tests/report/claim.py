"""What a claim of a page is: a pattern, and what must hold of the numbers in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

N = r"([+−]?[\d,.]+)"
SHARE = N + r" %(?: \([\d.]+–[\d.]+\))?"
_UNIT = r" (?:points|nats|of pairs)"
SPREAD = rf"(?: ± (?:under )?{N}(?:{_UNIT})?|{_UNIT}, alike in every prompt())"  # half of an interval, with its unit
BETWEEN = N + r" % \(" + N + "–" + N + r"\)"


def number(text: str) -> float:
    return float(text.replace("−", "-").replace(",", "").rstrip("."))


@dataclass(frozen=True)
class Claim:
    report: str  # one in which it is made
    pattern: str
    holds: Callable[[re.Match[str], str], bool]  # of the match and the whole page


def not_far(by: float, half: float) -> bool:
    """What a few comparisons do not show together is within twice the interval of one."""
    return abs(by) <= 2 * half + 0.05


def numbers(check: Callable[..., bool]) -> Callable[[re.Match[str], str], bool]:
    """The check of the groups that are numbers, an empty one 0; those that are words come as they are."""

    def holds(match: re.Match[str], page: str) -> bool:
        return check(*(number(g or "0") if re.fullmatch(rf"{N}?", g) else g for g in match.groups() if g is not None))

    return holds
