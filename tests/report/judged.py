"""Words that judge, and the phrases in which they say what is meant or measured, whatever the data."""

from __future__ import annotations

import re

from tests.report.claims import made

_JUDGES = re.compile(
    r"(?<![Aa]t )\b(most|mostly|fewest|least|largest|smallest|highest|lowest|sparser|nearly|always|never|rarely|little|few"
    r"|clear|clearly|none|undid|worse|wider|worth)\b"
)


# What is meant or measured, whatever the data.
DEFINITIONS = (
    "few-shot",
    "few tokens carry the behaviour",
    "The lead names the least share tested",
    "the share that closes most",
    "ended as the base would have ended never diverges",
    "Its KL covers   only tokens among both models' first ten, so it can be small where they share little",
    "a flat one, that they hold tokens the base would rarely have said",
    "## A few words of the base's answer",
    "a few words of the base's answer",
    "swapping the (?:[\\d.]+ % )?most divergent positions",
    "(?:the base's|the aligned model's) most uncertain positions|the most raised positions",
    "the two models diverge most|tuning raised the aligned model's token most",
    "the model that writes is least confident",
    "What few tokens of the base undo, few tokens of tuning have carried",
    "prompts that add most",
    "which answers drive it|show the most change",
    "a cell with few prompts may stay grey even where none of its tokens is shifted",
    "largest KL",
    "at which what was planted shows at the smallest α",
    "the fifth of positions where the base has the highest entropy",
    "the base never gives its first choice 90 % or more",
    "A high lift in few prompts may be chance",
    "the words most often shifted:",
    "with fewer than three there is none, and no difference is called clear",
    "A difference is called clear at a false discovery rate",
    "a mixture is called worse than either model where",
    "none of its conditions was measured twice",
    "closes none of (?:the gap|the way back)",
    "the \\d+ with the largest Δ are \\*raised\\* at this place",
)
# What a test does not show: no number beside it can deny that.
NOT_CLEAR = (
    "no clear difference in (?:any measure|the share of shifted tokens|shifted tokens|refusals)",
    "aligned [−\\d.]+(?: \\([−\\d.]+ to [−\\d.]+\\))?, no clear difference",
    "aligned model: no clear difference|aligned [\\d.]+ %(?: \\([\\d.]+–[\\d.]+\\))?, no clear difference",
    "do not clearly differ in these outcomes",
    "did not clearly change its log-odds",
    "no clear change from k = 0 to k = \\d+",
    "not clearly another number than by chance",
    "no clear concentration at the start",
    "not clearly different between harmful and harmless prompts",
    "none of [\\d,]+ (?:tasks?|topics?|files? of prompts) stands out",
)


# One of what has the word for several.
_ONE = re.compile(
    r"(?<![\d.,–−])\b1 (?!of )(?:[a-z]+ ){,2}(?:prompts|answers|words|tokens|positions|differences|checks|cells|pairs|items|others|ends"
    r"|shares|mixtures|ranks|rows|ones)\b"
)


def slips(page: str) -> list[str]:
    return _ONE.findall(page)


def judged(page: str) -> list[str]:
    """Sentences with a word that judges, beside claims and definitions."""
    left = list(page)
    for _, match in made(page):
        left[match.start() : match.end()] = ["…" if sign != "\n" else sign for sign in match.group()]
    kept = re.split(r"## What would make this wrong", "".join(left))[0]
    for phrase in (*DEFINITIONS, *NOT_CLEAR):
        kept = re.sub(phrase, "…", kept)
    return [sentence for sentence in re.split(r"(?<=[.:;])\s|\n", kept) if _JUDGES.search(sentence)]
