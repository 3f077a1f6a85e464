"""The answer that a page of findings begins with: its first sentence on other pages, and all of it in a summary."""

from __future__ import annotations

import html
import re

from markupsafe import Markup

_LINE = re.compile(r'<p class="tds-answer-line">(.*?)</p>', re.DOTALL)
_SENTENCE = re.compile(r"(?<=[.?!])\s+(?=[^a-z\s])")  # names hold no full stop: they are written in entities
_LINK = re.compile(r"</?a\b[^>]*>")


def first_sentence(page: str) -> Markup:
    """The first sentence of a page's answer, as HTML without links; empty where it has none."""
    lines = answer_lines(page)
    return Markup(_LINK.sub("", _SENTENCE.split(lines[0])[0])) if lines else Markup("")


def answer_lines(page: str) -> list[str]:
    """What a page answers first, as HTML: a line for each comparison, or for all."""
    found = _LINE.search(page)
    lines = re.split(r"<br>", found[1]) if found else []
    return [" ".join(line.split()) for line in lines if line.strip()]


def plain(line: str) -> str:
    """HTML as Markdown: its text, with bold names and no character that would mean anything else."""
    marked = re.sub(r"</?b>", "\ue000", line)
    text = html.unescape(re.sub(r"<[^>]*>", "", marked))
    return re.sub(r"([\\`*_\[\]<>|#~])", r"\\\1", text).replace("\ue000", "**").strip()
