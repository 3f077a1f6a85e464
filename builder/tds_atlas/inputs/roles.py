"""What each token of an answer is for: safety, style, knowledge, mistake, glue, content. From phrases and truths.

A roles file lists phrases under `safety` and `style`; * in a phrase matches any words within a line. Its `values` are
what a truth could be: where a prompt has truths, any other of them is a mistake. Knows no database.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tds_atlas.domain import InputError, Spans
from tds_atlas.inputs.plain_yaml import read_yaml

DEFAULT = Path(__file__).parent / "roles.yml"
SAFETY, STYLE, KNOWLEDGE, MISTAKE = "safety", "style", "knowledge", "mistake"
GLUE, CONTENT, END = "glue", "content", "end"
VALUES = "values"
_GLUE = frozenset(
    """a about after all also an and any are as at be because been before being but by can could did do does each either
    every few for from had has have he her here hers him his how i if in into is it its itself just many may me might
    more most much must my no nor not of off on one only or other our out over own she should so some such than that
    the their theirs them then there these they this those through to too under until up upon us very was we were what
    when where which while who whom whose why will with would yet you your yours""".split()  # noqa: SIM905
)

_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Roles:
    """The phrases that mark a role. Matching ignores case; of a value only that of its first letter."""

    safety: tuple[str, ...] = ()
    style: tuple[str, ...] = ()
    values: tuple[str, ...] = ()

    def of(self, text: str, spans: Spans, truths: Sequence[str], has_end: bool, prompt: str = "") -> list[str]:
        """The role of each token: that of its first character that is not white space. Safety takes precedence over
        style, style over knowledge, and knowledge over a mistake. A value that the prompt names is no mistake."""
        marks = [GLUE] * len(text)  # of each character: a piece of a word has the role of the word
        for word in _WORD.finditer(text):
            if word.group().lower() not in _GLUE:
                marks[word.start() : word.end()] = [CONTENT] * (word.end() - word.start())
        for role, matches in (
            (MISTAKE, self._others(text, prompt) if truths else ()),
            (KNOWLEDGE, _matches(truths, text)),
            (STYLE, self._style.finditer(text)),
            (SAFETY, self._safety.finditer(text)),
        ):
            for i in (i for match in matches for i in _literal(match)):
                marks[i] = role
        firsts = [(end - len(text[start:end].lstrip()), end) for start, end in spans]
        roles = [marks[first] if first < end else GLUE for first, end in firsts]
        return [*roles[:-1], END] if has_end else roles

    def refuses(self, text: str) -> bool:
        """Whether the text contains a phrase of the role safety."""
        return self._safety.search(text) is not None

    def style_share(self, text: str) -> float:
        """The share of the text's characters within phrases of the role style."""
        return sum(m.end() - m.start() for m in self._style.finditer(text)) / len(text) if text else 0.0

    def _others(self, text: str, prompt: str) -> Iterator[re.Match[str]]:
        """Where the text states a value that the prompt does not."""
        return (match for match in self._values.finditer(text) if not _names(prompt, match.group()))

    @cached_property
    def _values(self) -> re.Pattern[str]:
        return _pattern([form for v in self.values for form in (v, v[0].upper() + v[1:])], re.NOFLAG)

    @cached_property
    def _safety(self) -> re.Pattern[str]:
        return _pattern(self.safety)

    @cached_property
    def _style(self) -> re.Pattern[str]:
        return _pattern(self.style)


def states(text: str, truths: Sequence[str]) -> bool | None:
    """Whether the text contains one of the truths, as whole words in any case; None if there are none."""
    return next(iter(_matches(truths, text)), None) is not None if truths else None


def read_roles(path: Path) -> Roles:
    """Read a roles file. Raises InputError naming the file and the key."""
    raw = read_yaml(path)
    if not isinstance(raw, dict) or not raw.keys() <= {SAFETY, STYLE, VALUES}:
        raise InputError(f"{path}: a roles file maps the keys safety, style and values, each to a list of phrases")
    for key, phrases in raw.items():
        if not isinstance(phrases, list) or not all(isinstance(p, str) and p.strip(" *") for p in phrases):
            raise InputError(f"{path}: {key}: each entry must be a phrase as text, in which * matches any words")
    return Roles(*(tuple(raw.get(key, ())) for key in (SAFETY, STYLE, VALUES)))


def _pattern(phrases: Iterable[str], flags: re.RegexFlag = re.IGNORECASE) -> re.Pattern[str]:
    """Whole words, longer phrases first, a space as any white space; without phrases a pattern that never matches."""
    longest = sorted((p.strip() for p in phrases), key=len, reverse=True)
    patterns = [_escaped(p.split("*")) for p in longest]
    return re.compile(rf"(?<!\w)(?:{'|'.join(patterns) or '(?!)'})(?!\w)", flags)


def _escaped(parts: Sequence[str]) -> str:
    """The parts of a phrase with a wildcard between two: each ends where the phrase can first go on (an atomic group),
    because trying every end of every wildcard takes for ever."""
    first, *rest = map(_escape, parts)
    boundaries = [""] * (len(rest) - 1) + [r"(?!\w)"]
    return first + "".join(
        rf"(?>([^\n]{{1,80}}?){part}{boundary})" for part, boundary in zip(rest, boundaries, strict=False)
    )


def _escape(part: str) -> str:
    return r"\s+".join(re.escape(word) for word in re.split(r"\s+", part))


def _names(text: str, words: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(words)}(?!\w)", text, re.IGNORECASE) is not None


def _literal(match: re.Match[str]) -> Iterator[int]:
    """The characters of a match that are the phrase's own: what matches * keeps its own role."""
    wildcard = {i for group in range(1, match.re.groups + 1) for i in range(*match.span(group))}
    return (i for i in range(*match.span()) if i not in wildcard)


def _matches(truths: Iterable[str], text: str) -> Iterable[re.Match[str]]:
    return _pattern(truths).finditer(text)
