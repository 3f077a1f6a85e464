"""Claims of the page on amplified decoding."""

from __future__ import annotations

import re

from tests.report.claim import SPREAD, Claim, N, number, numbers

_NOT_MANY = 20  # answers that a sign test over prompts may leave unclear


def _shows(before: float, of: float, after: float, of_louder: float) -> bool:
    return after / of_louder > before / of


def _unclear(before: float, of: float, after: float, of_louder: float) -> bool:
    return of == of_louder and after - before <= _NOT_MANY


def _row(page: str, name: str, kind: str) -> dict[str, float]:
    """In how many answers it shows, by α as it is written."""
    (head,) = re.findall(r"^\| comparison \| planted \| (.*) \|$", page, re.MULTILINE)
    (row,) = re.findall(rf"^\| {re.escape(name)} \| {re.escape(kind)} \| (.*) \|$", page, re.MULTILINE)
    alphas = [cell.removeprefix("α = ") for cell in head.split(" | ")]
    return {x: number(cell.split(" of ")[0]) for x, cell in zip(alphas, row.split(" | "), strict=True)}


def _ways(match: re.Match[str], page: str) -> bool:
    """What the list under the table says of each α."""
    name, kind, elsewhere, said = match.groups()
    row = _row(page, name, f"{kind}, elsewhere" if elsewhere else kind)
    if said.startswith("no clear"):
        return all(abs(x - row["0"]) <= _NOT_MANY for x in row.values())
    ways = re.findall(rf"(more|less) often at α = {N}(?=[,.])", said)
    return bool(ways) and all((row[x.rstrip(".")] > row["0"]) == (way == "more") for way, x in ways)


def _grow(match: re.Match[str], page: str) -> bool:
    pairs = re.findall(rf"\({N} % of them, {N} % at α = 0\)", match.group(1))
    return len(pairs) > 0 and all(number(after) > number(before) for after, before in pairs)


def _no_table(match: re.Match[str], page: str) -> bool:
    return re.search(rf"^{re.escape(match.group(1))}, \d+ phrases?[:,]", page, re.MULTILINE) is None


LOUDER = (
    Claim("up", rf"shows? in {N} of {N} answers? at α = 0, and in {N} of {N} at α = ", numbers(_shows)),
    Claim(
        "negative swap",
        rf"shows? in {N} of {N} answers? at α = 0 and in {N} of {N} at α = [\d.]+: not clearly more at any α",
        numbers(_unclear),
    ),
    Claim(
        "up",
        r"- (.{1,40}?), (\w+)( planted elsewhere)?: ((?:(?:more|less) often at|no clear difference at any) α.*)",
        _ways,
    ),
    Claim("perfect swap", r"answers at α above 0 come to say (.*?\))\. The share", _grow),
    Claim("ties", r"In (.{1,40}?), amplified answers have no phrase clearly more often", _no_table),
    Claim("ties", r"- (.{1,40}?): no phrase is clearly more frequent above α = 0", _no_table),
    Claim("up", rf"(?:more|fewer) refusals, by {N}{SPREAD}", numbers(lambda by, half: by > half)),
)
