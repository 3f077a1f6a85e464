"""Answers coloured as on an example page, as HTML that stands alone: in a notebook, or saved as a file.

No script and no request: what a token's panel says on the site is its title here, and a table below the answer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Protocol

from jinja2 import Template

from tds_atlas.report.markup import inert, visible
from tds_atlas.report.numbers import minus
from tds_atlas.report.pages import environment

_LISTED = 200  # shifted tokens in the table below an answer
_KINDS = {"unshifted": "the base’s first choice", "marginal": "its second or third", "shifted": "lower"}


class Token(Protocol):
    """What is shown of a position: probabilities as natural logarithms, divergences in nats (None: not known)."""

    @property
    def pos(self) -> int: ...
    @property
    def text(self) -> str: ...
    @property
    def is_end(self) -> bool: ...
    @property
    def shift(self) -> str: ...
    @property
    def base_rank(self) -> int | None: ...
    @property
    def base_logprob(self) -> float | None: ...
    @property
    def aligned_logprob(self) -> float | None: ...
    @property
    def base_top(self) -> str: ...
    @property
    def kl_aligned_base(self) -> float | None: ...


class Answer(Protocol):
    """What is shown of an answer."""

    @property
    def prompt(self) -> str: ...
    @property
    def base(self) -> str: ...
    @property
    def aligned(self) -> str: ...
    @property
    def shares(self) -> Mapping[str, float]: ...
    @property
    def tokens(self) -> Sequence[Token]: ...


def answer_html(answer: Answer) -> str:
    """One answer as a fragment."""
    return _template().render(part="answer", answer=answer, **_words())


def result_html(title: str, rows: Sequence[Mapping[str, Any]], answer: Answer | None) -> str:
    """The numbers of each comparison, and an answer, as a fragment."""
    return _template().render(part="result", title=title, rows=rows, answer=answer, **_words())


def rows_html(columns: Sequence[str], rows: Sequence[Mapping[str, Any]], count: int) -> str:
    """Rows as a table, as a fragment. `count`: how many there are in all."""
    return _template().render(part="rows", columns=columns, rows=rows, count=count, cell=_cell, **_words())


def page_html(title: str, rows: Sequence[Mapping[str, Any]], answers: Sequence[Answer], count: int) -> str:
    """The numbers and many answers as a whole document, whose own policy lets it load nothing."""
    return _template().render(part="page", title=title, rows=rows, answers=answers, count=count, **_words())


@cache
def _template() -> Template:
    return environment().get_template("notebook.html")


def _words() -> dict[str, Any]:
    return {"kinds": _KINDS, "listed": _LISTED, "says": _says, "inert": inert, "nats": _nats, "visible": visible}


def _says(token: Token) -> str:
    """What a reader who points at a token is told."""
    if token.base_rank is None:
        return "the base has no such token"
    said = f"{token.shift}: the base’s rank {token.base_rank:,}, Δ log p {_nats(_difference(token), '+.2f')}"
    instead = f"; it would say “{visible(token.base_top)}”" if token.base_rank > 1 else ""
    return f"{said}, KL {_nats(token.kl_aligned_base)} nats{instead}"


def _difference(token: Token) -> float | None:
    if token.base_logprob is None or token.aligned_logprob is None:
        return None
    return token.aligned_logprob - token.base_logprob


def _nats(value: float | None, style: str = ".2f") -> str:
    if value is None or math.isnan(value):
        return "–"
    return "∞" if value == math.inf else minus(f"{value:{style}}")


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return minus(f"{value:.4g}")
    text = "" if value is None else visible(str(value))
    return text if len(text) <= 80 else text[:79] + "…"
