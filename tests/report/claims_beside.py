"""Further claims of pages: those whose numbers stand elsewhere on the page, in a table, a list or what a figure says."""

from __future__ import annotations

import re

from tests.report.claim import BETWEEN, SHARE, SPREAD, Claim, N, not_far, number, numbers

_C = r"(base → sft \d+ <i>)"


def _same(found: float, wanted: float) -> bool:
    """To as many digits as pages print."""
    return abs(found - wanted) <= 0.06


def _half_by(match: re.Match[str], page: str) -> bool:
    """A curve's half against what the figure says of the same curve."""
    name, at = match.group(1), match.group(2)
    (half, left) = re.findall(
        rf"{re.escape(name)}: (?:(half|fewer than half) have diverged by token {at}).*?{N}% have not", page
    )[0]
    rest = re.search(rf"In {re.escape(name)}, [^.]*?{at}.*?; {N} % have not", page)
    low, high = match.group(3), match.group(4)
    within = low is None or number(low) <= number(at) <= number(high)
    return half == "half" and within and (rest is None or _same(number(rest.group(1)), number(left)))


def _ranges(text: str) -> list[str]:
    return [part for part in re.split(r", (?![^(]*\))", text) if part]


def _clear(match: re.Match[str], page: str) -> bool:
    """How many differences are clear: as many as the list below names."""
    lists = re.findall(r"over \d+ shared prompts?: (.*)$", page, re.MULTILINE)
    named = [m for line in lists for way in re.findall(r"(?:higher|lower) in ([^;.]*)", line) for m in _ranges(way)]
    return len(named) == int(match.group(1).replace(",", "") if match.group(1) else 0)


def _columns(page: str, measure: str) -> dict[str, float]:
    """A row of the table of all measures, by comparison."""
    (head,) = re.findall(r"^\| \| (.*) \|$", page, re.MULTILINE)
    names = head.split(" | ")
    (row,) = re.findall(rf"^\| {re.escape(measure)}(?:, nats|, tokens)? \|(.*)\|$", page, re.MULTILINE)
    cells = [re.match(rf"\s*{N}", cell) for cell in row.split("|")]
    return {name: number(cell.group(1)) for name, cell in zip(names, cells, strict=True) if cell}


def _ways(match: re.Match[str], page: str) -> bool:
    """What is higher or lower than in the first comparison is so in the table, where their prompts are the same."""
    name, text = match.groups()
    for way, measures in re.findall(r"(higher|lower) in ([^;.]*)", text):
        for measure in _ranges(measures):
            row = _columns(page, measure)
            first = next(iter(row.values()))
            if (row[name] - first) * (1 if way == "higher" else -1) < 0:
                return False
    return True


def _matched(match: re.Match[str], page: str) -> bool:
    """The lead on style against content, and the list below it."""
    name, said, also = match.groups()
    (one,) = re.findall(rf"- {re.escape(name)}, style against content: .*?, clearly (more|less) .*\n(.*)", page)
    same = one[1].startswith("The same holds at matched positions")
    return bool(one[0] == said and (also is None or same == (also == ", also")))


def _no_difference(match: re.Match[str], page: str) -> bool:
    (one,) = re.findall(rf"- {re.escape(match.group(1))}, style against content: (.*)", page)
    return "no clear difference" in one


def _matched_by(match: re.Match[str], page: str) -> bool:
    before, said, by = match.groups()[:3]
    half = match.group(4) or "0"
    clear = abs(number(by)) > number(half) - 0.05
    if said == "The same holds":
        return clear and (number(by) > 0) == ("more" in before)
    return not_far(number(by), number(half))


def _worth(ratio: float, positions: float, independent: float) -> bool:
    return ratio >= 1 and abs(positions / independent - ratio) <= 0.05 + ratio / independent


def _planted(match: re.Match[str], page: str) -> bool:
    """The table's columns add up to the numbers of the lead."""
    found = [re.findall(rf"\| {N} of {N} \| [^|]* \| {N} of {N}", page), re.findall(rf"\| – \| – \| {N} of {N}", page)]
    sums = [sum(number(row[i]) for row in found[0]) for i in range(4)]
    sums[2] += sum(number(row[0]) for row in found[1])
    sums[3] += sum(number(row[1]) for row in found[1])
    planted, named, alarms, others = map(number, match.groups())
    return sums == [named, planted, alarms, others]


def _cells(match: re.Match[str], page: str) -> bool:
    said = re.findall(r": (\d+) of (\d+) cells above.*?, (\d+) below\.", page)
    counts = [sum(int(row[i]) for row in said) for i in range(3)]
    return counts[0] + counts[2] == number(match.group(1)) and counts[1] == number(match.group(2))


def _decides(high: float, times: float, anywhere: float, low: float, upper: float, said: str) -> bool:
    """The words at high disagreement against all; rounded shares and their ratio."""
    way = said == "no clear relation" or (low > 1 and said == "more") or (upper < 1 and said == "less")
    return way and low <= times <= upper and abs(times * anywhere - high) <= 0.06 * (1 + times)


BESIDE = (
    Claim(
        "nothing changed",
        rf"they never reach the same share\. Where .{{1,20}}? has no such share, against its nearest: {N} % swapped against {N} %",
        numbers(lambda own, other: own != other),
    ),
    Claim(
        "up",
        rf"above {N}: {SHARE} of the positions are swapped, which closes {N} %",
        numbers(lambda threshold, share, closed: 0 < share < 100 and closed > 0),
    ),
    Claim(
        "negative swap",
        rf"{N} % are shared among the first five tokens of an answer and {N} % among the later ones: (more|fewer), by {N}{SPREAD}",
        numbers(lambda early, late, said, by, half: by > half and (said == "more") == (early > late)),
    ),
    Claim(
        "negative swap",
        rf"{N} % of the words at high disagreement are decision words, {N} times their share of all words \({N} %\)"
        rf" \(95 %: {N} to {N}\): (no clear relation|more|less)",
        numbers(_decides),
    ),
    Claim(
        "up",
        rf"the passage that tuning raised most is .{{1,90}}? Δ log p is {N} nats a token there, and {N}"
        rf"(?: \(95 %: {N} to {N}\))? over all answers",
        numbers(lambda top, mean, *ends: top > 0 and (not ends or ends[0] <= mean <= ends[1])),
    ),
    Claim("all shifted", rf"no passage was raised: at .{{1,90}}? Δ log p is {N} nats", numbers(lambda top: top <= 0)),
    Claim(
        "up",
        rf"{SHARE} of the base's probability is on such tokens, and at most {SHARE} of the aligned model's: {SHARE} of all",
        numbers(lambda base, aligned, taken: aligned <= base and abs(base - aligned - taken) <= 0.15),
    ),
    Claim(
        "up",
        rf"{BETWEEN} of the positions carry at least half of all KL\(aligned‖base\) and {BETWEEN} carry 90 % of it",
        numbers(lambda half, a, b, most, c, d: a <= half <= b and c <= most <= d and half <= most),
    ),
    Claim(
        "ties",
        rf"In {_C}, half of the answers have diverged by token (\d+)(?: \(95 % interval (\d+) to (\d+)\))?",
        _half_by,
    ),
    Claim("all shifted", rf"{N} % of the answers diverge at the very first token", numbers(lambda share: share >= 50)),
    Claim(
        "nothing changed",
        rf"fewer than half of the answers have diverged by token \d+, the last one seen; {N} % have not",
        numbers(lambda share: share > 50),
    ),
    Claim(
        "ties",
        rf"the prompt alone gives {N} and the weights {N}; the prompt's part is not clearly different from zero"
        rf" \(95 %: {N} to {N}\)",
        numbers(lambda prompt, weights, low, high: low <= prompt <= high and not_far(prompt, high - prompt)),
    ),
    Claim(
        "negative swap",
        rf"the prompt alone gives {N} and the weights {N}; the aligned context makes this answer less likely for the base"
        rf" \(95 %: {N} to {N}\)",
        numbers(lambda prompt, weights, low, high: low <= prompt <= high <= 0),
    ),
    Claim(
        "all shifted",
        rf"{SHARE} of the shifted tokens move into the first three once .{{1,50}}?, and {SHARE} become its first choice",
        numbers(lambda three, first: three >= first),
    ),
    Claim(
        "nothing changed",
        rf"no other context clearly closes any of the gap \([^:]{{1,20}}: {N} %, {N} % to {N} %\)",
        numbers(lambda share, low, high: low <= share <= high and not_far(share, share - low)),
    ),
    Claim(
        "down",
        rf"no other context brings the base closer: the best of them, .{{1,20}}?, widens the gap by {N} % \({N} % to {N} %\)",
        numbers(lambda share, low, high: 0 < low <= share <= high),
    ),
    Claim(
        "all shifted",
        rf"no tested share of the most divergent positions clearly closes any of the (?:gap|way back) in [^(]*\(at most {N} %{SPREAD}, with",
        numbers(lambda share, half: share > 0 and not_far(share, half)),
    ),
    Claim("perfect swap", rf"At matched positions there is no clear difference: {N}{SPREAD}", numbers(not_far)),
    Claim(
        "nothing changed",
        rf"No clear difference between the stages \({N}{SPREAD}",
        numbers(not_far),
    ),
    Claim("one prompt", rf"It undid {N} that the first stage had set", numbers(lambda undone: undone >= 1)),
    Claim("nothing changed", rf"{N} of the {N} cells differ from the overall share", _cells),
    Claim(
        "one prompt",
        rf"No two comparisons share more of their shifted words than .*? \({N} %\), and none fewer than .*? \({N} %\)",
        numbers(lambda most, fewest: most > fewest),
    ),
    Claim("up", rf"{N} of {N} differences? from {_C} (?:is|are) clear", _clear),
    Claim(
        "ties", r"Of [\d,]+ differences? from [^.]*?, none is clear when()", lambda match, page: "higher in" not in page
    ),
    Claim("up", rf"- {_C}, over \d+ shared prompts?: ((?:higher|lower) in .*)", _ways),
    Claim(
        "up",
        rf"In {_C} the words [^.]*?\. Style is shifted (more|less) than content(, also|, but not clearly so)?",
        _matched,
    ),
    Claim(
        "ties", rf"In {_C} the words [^.]*?\. There is no clear difference between style and content", _no_difference
    ),
    Claim(
        "ties",
        rf"(no clear difference|clearly more|clearly less)[^\n]*\n(The same holds|Nor is there one) at matched positions: {N}{SPREAD}",
        _matched_by,
    ),
    Claim("up", rf"it is {N}: the {N} positions are worth {N} independent ones?", numbers(_worth)),
    Claim("ties", rf"it is {N}: clustering makes no interval wider here", numbers(lambda ratio: ratio <= 1)),
    Claim(
        "all shifted",
        r"the mean KL is ([\d.e+−-]+) nats; that of the noisiest check .{1,60}? is ([\d.e+−-]+)\. The effect is less than ten times",
        lambda match, page: float(match.group(1)) <= 10.5 * float(match.group(2).rstrip(".")),
    ),
    Claim(
        "all shifted", rf"Of {N} planted items? {N} (?:is|are) found, and {N} of {N} others? (?:is|are) named", _planted
    ),
)
