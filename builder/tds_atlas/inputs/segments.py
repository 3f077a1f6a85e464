"""What each token of an answer is part of, by the marks of templates: its thinking, a tool call, the answer itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

ANSWER, THINKING, CALL = "answer", "thinking", "tool call"
_HEADER = r"<\|start\|>assistant"
# What opens a segment, and what closes it; the marks, and the white space before what follows, belong to it.
_THINKING = (
    (r"<think>", r"</think>\s*"),
    (r"\[THINK\]", r"\[/THINK\]\s*"),
    (r"<\|channel\|>analysis<\|message\|>", rf"<\|end\|>(?:{_HEADER}<\|channel\|>final<\|message\|>)?"),  # Harmony
)
_CALLS = (
    (r"<tool_call>", r"</tool_call>\s*"),
    (r"\[TOOL_CALLS\]", r"(?!)"),
    (rf"(?:{_HEADER})?<\|channel\|>commentary to=[^<]*(?:<\|constrain\|>[^<]*)?<\|message\|>", r"<\|call\|>"),
)
OPENINGS = ("<think>", "[THINK]", "<|channel|>analysis<|message|>")  # that a template may end with before an answer
Segment = tuple[str, int]  # its name, and the position at which it begins


def segments(text: str, spans: Sequence[tuple[int, int]], is_open: bool = False) -> list[Segment]:
    """The segment of each token. A token belongs to the segment of its first character.

    is_open: the template has opened the thinking before the answer. Thinking comes first, or behind a tool call: a mark
    within the answer is only text. A closing mark without an opening one closes what an earlier tool took off.
    """
    pieces, found = list(_pieces(text, is_open)), list[Segment]()
    i = 0
    for t, (start, _) in enumerate(spans):
        while i + 1 < len(pieces) and start >= pieces[i][1] and start < len(text):
            i += 1
        begins = found[-1][1] if found and found[-1][0] == pieces[i][0] else t
        found.append((pieces[i][0], begins))
    return found


def thinks(text: str) -> bool:
    """Whether the text begins with thinking."""
    return bool(text) and segments(text, [(0, len(text))])[0][0] == THINKING


def _pieces(text: str, is_open: bool) -> Iterator[tuple[str, int]]:
    """The segments in order, each with the character that it ends before."""
    place = _thought(text, 0, is_open)
    if place:
        yield THINKING, place
    while place < len(text):
        calls = [match for opening, _ in _CALLS if (match := re.compile(opening).search(text, place))]
        first = min(calls, key=re.Match.start, default=None)
        if first is None:
            break
        if first.start() > place:
            yield ANSWER, first.start()
        closing = next(closing for opening, closing in _CALLS if re.fullmatch(opening, first[0]))
        place = _end(re.compile(closing).search(text, first.end()), text)
        yield CALL, place
        thought = _thought(text, place, False)
        if thought > place:
            yield THINKING, thought
            place = thought
    if place < len(text) or not text:
        yield ANSWER, len(text)


def _thought(text: str, place: int, is_open: bool) -> int:
    """Where the thinking that begins here ends; `place` if none does."""
    for opening, closing in _THINKING:
        begins = re.compile(rf"\s*(?:{_HEADER})?{opening}").match(text, place)
        if begins:
            return _end(re.compile(closing).search(text, begins.end()), text)
    closes = [match for _, closing in _THINKING[:2] if (match := re.compile(closing).search(text, place))]
    if place == 0 and (is_open or closes):
        return _end(min(closes, key=re.Match.start, default=None), text)
    return place


def _end(match: re.Match[str] | None, text: str) -> int:
    return match.end() if match else len(text)
