"""What pages say about their data, as patterns, and what must hold of the numbers in the same sentence or page.

A sentence with a word that judges (most, fewer, largest ...) is one of these claims, or one of the phrases that say what is
meant or measured, whatever the data.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from tests.report.claim import BETWEEN, SHARE, SPREAD, Claim, N, not_far, number, numbers
from tests.report.claims_beside import BESIDE
from tests.report.claims_louder import LOUDER


def _cards(check: Callable[[float], bool]) -> Callable[[re.Match[str], str], bool]:
    return lambda match, page: all(check(number(n)) for n in re.findall(N + r" % unshifted, ", page))


def _equal_row(match: re.Match[str], page: str) -> bool:
    (row,) = re.findall(r"^\| shifted \|.*$", page, re.MULTILINE)
    return set(re.findall(r"\| ([\d.]+) %", row)) == {match.group(1)}


def _failing_rows(match: re.Match[str], page: str) -> bool:
    checks = page.partition("## What must hold for every record")[2]
    return len(re.findall(r"\| [1-9][\d,]* of", checks)) == int(match.group(1) or 0)


def _predicts(auc: float, half: float, said: str) -> bool:
    return "clear" in said or (abs(auc - 50) > half - 0.1 and ("confident" in said) == (auc < 50))


def _added(one: float, two: float, which: str, by: float, half: float) -> bool:
    return by > half and (one > two) == (which == "first") and abs(abs(one - two) - by) < 0.011


def _sparser(which: str, by: float, half: float) -> bool:
    return abs(by) > half and (by < 0) == (which == "second")


def _achieves(said: str, by: float, half: float) -> bool:
    return (by > 0) == (said == "more")


def _descending(match: re.Match[str], page: str) -> bool:
    counts = [int(n) for n in re.findall(r" \((\d+)\)", match.group(1))]
    return counts == sorted(counts, reverse=True)


def _falling(match: re.Match[str], page: str) -> bool:
    """The rates of the tokens named, each with its interval."""
    rates = [number(n) for n in re.findall(rf"{N} % \(", match.group(1))]
    return len(rates) > 0 and rates == sorted(rates, reverse=True)


def _first_choices(match: re.Match[str], page: str) -> bool:
    shares = re.findall(rf"- {re.escape(match.group(1))}: where.*?differ in {N} %", page)
    return set(map(number, shares)) <= {0.0 if match.group(2) == "never" else 100.0}


_BACK = rf"after {SHARE} of the prefills that begin its answer, and after {SHARE} of those inside its refusal"


def _inside(back: float, inside: float, said: str, by: float, half: float = 0) -> bool:
    return (inside > back) == (said == "more") and abs(abs(inside - back) - by) < 0.11 and by > half - 0.1


CLAIMS = (
    Claim("nothing changed", "Most tokens are the base's first choice", _cards(lambda n: n > 50)),
    Claim("all shifted", "Most tokens are not the base's first choice", _cards(lambda n: n < 50)),
    Claim(
        "two prompts",
        rf"\bha(?:s|ve) the largest share of shifted tokens \({SHARE}\) and .{{1,200}}? the smallest \({SHARE}\)",
        numbers(lambda most, least: most > least),
    ),
    Claim("ties", rf"The share of shifted tokens is {N} % in all comparisons", _equal_row),
    Claim(
        "up",
        rf"(?:more|fewer|less)(?: shifted tokens| refusals at k = \d+ than at k = 0)?,? by {N}{SPREAD}",
        numbers(lambda by, half: by > half),
    ),
    Claim("up", rf", clearly (?:more|less) \({N}{SPREAD}", numbers(lambda by, half: abs(by) > half)),
    Claim(
        "ties",
        rf"no clear difference(?! in the share of shifted)[^.(;]*\({N}{SPREAD}",
        numbers(not_far),
    ),
    Claim("up", rf"\bcloses? (?:at most )?{N} %", numbers(lambda share: share > 0)),
    Claim("down", rf"widens the gap by {N} %", numbers(lambda share: share > 0)),
    Claim(
        "up",
        rf"{SHARE} of the first five tokens are shifted and {SHARE} of the later ones:"
        r" (no clear difference|tokens at the beginning|later tokens)",
        numbers(lambda early, late, said: said == "no clear difference" or (said == "later tokens") == (late > early)),
    ),
    Claim(
        "up",
        rf"hold {SHARE} of KL\(aligned‖base\) on harmful prompts and are {N} % of their tokens:"
        r" the start carries (more|less) than its share",
        numbers(lambda held, size, said: (said == "more") == (held > size)),
    ),
    Claim(
        "up",
        rf"in {N} %{SPREAD}: (its uncertainty predicts nothing clear|no clear relation"
        "|the change comes where the base was confident|its uncertainty predicts the change)",
        numbers(_predicts),
    ),
    Claim(
        "up",
        rf"a branching factor of {N} under the base and {N} under the aligned model: tuning leaves (fewer|more)",
        numbers(lambda base, aligned, said: (said == "more") == (aligned >= base) or base == aligned),
    ),
    Claim("up", rf"tuning (?:raised|lowered) its log-odds by {N}{SPREAD}", numbers(lambda by, half: by >= half)),
    Claim("up", rf"The effect is {N} times the floor", numbers(lambda times: times >= 10)),
    Claim(
        "down", rf"{SHARE} of \d+ harmful prompts? (?:is|are) refused: fewer than half", numbers(lambda refused: refused < 50)
    ),
    Claim(
        "perfect swap",
        rf"{SHARE} of \d+ harmful prompts? (?:is|are) refused, and at least half",
        numbers(lambda refused: refused >= 50),
    ),
    Claim(
        "up",
        rf"{SHARE} of \d+ harmful prompts? (?:is|are) refused; after \d+ tokens? of the base's answer fewer than half are",
        numbers(lambda refused: refused >= 50),
    ),
    Claim(
        "two",
        rf"At {BETWEEN} of these the token that was said is among the base's first five: mostly tokens that the base (had|did not have)",
        numbers(lambda share, low, high, said: low >= 50 if said == "had" else high <= 50),
    ),
    Claim(
        "one comparison",
        rf"At {BETWEEN} of these the token that was said is among the base's first five: no clear majority",
        numbers(lambda share, low, high: low <= share <= high and not_far(share - 50, high - low)),
    ),
    Claim(
        "up",
        rf"from the overall {N} % of shifted tokens:(?: highest .{{1,60}}? with {N} %)?,?"
        rf"(?: lowest .{{1,60}}? with {N} %)?",
        lambda match, page: number(match.group(3) or "0") < number(match.group(1)) < number(match.group(2) or "101"),
    ),
    Claim(
        "nothing changed", rf"{SHARE} of the planted phrases are found: most are not", numbers(lambda found: found < 50)
    ),
    Claim("one comparison", r"All \d+ checks of the records hold()", _failing_rows),
    Claim("ties", r"Only with care: (\d+) of \d+ checks of the records fails?", _failing_rows),
    Claim(
        "up",
        rf"contributed {N} nats per token and .{{1,80}}? {N}: the (first|second) stage added more, by {N}{SPREAD}",
        numbers(_added),
    ),
    Claim(
        "up",
        rf"The mean KL is (higher|lower) on harmful prompts .*?difference {N}, 95 %: {N} to {N}\)",
        numbers(lambda said, by, low, high: low * high > 0 and (by > 0) == (said == "higher")),
    ),
    Claim("negative swap", rf"base {SHARE}, aligned {SHARE}[^-]*?at worst {SHARE}", numbers(lambda a, b, c: c < min(a, b))),
    Claim("up", rf"The (first|second) stage is sparser \({N}{SPREAD}", numbers(_sparser)),
    Claim("up", rf"(?:achieves|leaves) (more|less) at .{{1,90}}?: {N}{SPREAD}", numbers(_achieves)),
    Claim("up", r"the words most often shifted are (.*?\(\d+\))(?: \(\d+ more|[;.])", _descending),
    Claim("up", r"In (.{1,40}?), the first choices (never|always) differ", _first_choices),
    Claim("no tags", r"the tokens raised most often are (.*?) of [\d,]+ places", _falling),
    Claim("up", rf"{_BACK}: (more|less) often inside, by {N}{SPREAD}", numbers(_inside)),
    Claim("perfect swap", rf"{_BACK}: no clear difference \({N}{SPREAD}\)", numbers(lambda a, b, by, half: not_far(by, half))),
    *BESIDE,
    *LOUDER,
)


def made(page: str) -> Iterator[tuple[Claim, re.Match[str]]]:
    for claim in CLAIMS:
        for match in re.finditer(claim.pattern, page):
            yield claim, match
