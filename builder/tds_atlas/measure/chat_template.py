"""A chat template as one model reads it: turns become text, and nothing of them is lost on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tds_atlas.domain import InputError, first_line, text_fault
from tds_atlas.measure.time_limit import time_limit

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

Turn = tuple[str, str]  # role, content
_MARK, _OTHER = "\ue000", "\ue001"  # private characters: no template trims or escapes them
_MOST = 1_000_000  # characters that a template adds to the turns: those of real models write some thousand
_DAY = {"%d": "26", "%m": "07", "%b": "Jul", "%B": "July", "%Y": "2024", "%y": "24", "%a": "Fri", "%A": "Friday"}


def choose_template(where: str, templates: str | Mapping[str, str] | None, name: str | None, model: str) -> str:
    """The template of a model that a context asks for: by name if it has several, or written out in the report.

    Raises InputError if there is none of this name.
    """
    if name is not None and ("{{" in name or "{%" in name):
        return name
    if not templates:
        raise InputError(
            f"{where}: {model} has no chat template; set template_of to a model that has one, or use a context of kind "
            "plain"
        )
    named = {"default": templates} if isinstance(templates, str) else dict(templates)
    if (name or "default") not in named:
        chosen = f"no chat template {name!r}" if name else "several chat templates, none of them called default"
        raise InputError(f"{where}.template: {model} has {chosen}; it has: {', '.join(sorted(named))}")
    return named[name or "default"]


@dataclass(frozen=True)
class ChatTemplate:
    """The template with a context's system message and arguments."""

    where: str  # the context, for messages
    tokenizer: PreTrainedTokenizerFast
    source: str
    system: str | None
    arguments: Mapping[str, Any]

    def before_answer(self, prompt: str) -> str:
        """The whole text before an answer. Raises InputError if the template leaves the prompt or the system out."""
        text = self._render([("user", prompt)], True)
        for what, content in (("prompt", prompt), ("system message", self.system or "")):
            if content.strip() not in text:
                raise InputError(
                    f"{self.where}: the chat template leaves out the {what} {content.strip()[:40]!r}: the model would "
                    "not read it; give another template, or use a context of kind plain"
                )
        return text + self.header

    def gap(self, prompt: str, text: str) -> str:
        """White space that the template puts between `text`, which is before the answer, and the answer."""
        try:
            whole = self._render([("user", prompt), ("assistant", _MARK)], False)
        except InputError:  # a template that only supports the generation prompt
            return ""
        place = whole.find(_MARK, len(text))  # the prompt may contain the mark, too
        gap = whole[len(text) : place] if place >= 0 and whole.startswith(text) else ""
        return gap if gap.isspace() else ""

    @cached_property
    def header(self) -> str:
        """What stands before an answer in a rendered turn, of a template that has no generation prompt; else empty."""
        asked = self._render([("user", _OTHER)], False)
        before, found, _ = self._answered.rpartition(_MARK)
        if not found or not before.startswith(asked) or asked != self._render([("user", _OTHER)], True):
            return ""
        return before.removeprefix(asked) if before.removeprefix(asked).strip() else ""

    @cached_property
    def opening(self) -> str:
        """What the template writes between the prompt and the answer."""
        return self._render([("user", _OTHER)], True).rpartition(_OTHER)[2] + self.header

    @cached_property
    def closing(self) -> str:
        """What the template writes after an answer."""
        return self._answered.rpartition(_MARK)[2]

    @cached_property
    def _answered(self) -> str:
        try:
            return self._render([("user", _OTHER), ("assistant", _MARK)], False)
        except InputError:  # as above
            return ""

    @cached_property
    def _wants_parts(self) -> bool:
        """Whether the template reads content as a list of parts, and would write nothing of a string."""
        return _MARK not in self._text_of([("user", _MARK)], True, False) and _MARK in self._text_of(
            [("user", _MARK)], True, True
        )

    def _render(self, turns: list[Turn], generation: bool) -> str:
        system = [("system", self.system)] if self.system is not None else []
        return self._text_of([*system, *turns], generation, self._wants_parts)

    def _text_of(self, turns: list[Turn], generation: bool, parts: bool) -> str:
        messages: list[Any] = [
            {"role": role, "content": [{"type": "text", "text": content}] if parts else content}
            for role, content in turns
        ]
        try:
            with time_limit(f"{self.where}: the chat template"):
                written: Any = self.tokenizer.apply_chat_template(
                    messages,
                    chat_template=_with_fixed_date(self.source),
                    tokenize=False,
                    add_generation_prompt=generation,
                    **self.arguments,
                )
        except InputError:
            raise
        except Exception as error:  # the template's own error (jinja2), e.g. that it takes no system message
            raise InputError(f"{self.where}: the chat template refuses the turns: {first_line(error)}") from None
        text = str(written)
        more = len(text) - sum(len(content) for _, content in turns)
        fault = f"is {more:,} characters longer than the turns" if more > _MOST else text_fault(text)
        if fault:
            raise InputError(f"{self.where}: what the chat template writes {fault}; give another")
        return text


def _with_fixed_date(template: str) -> str:
    """The template with one date in place of today's: a report must not depend on the day it was made."""
    if "strftime_now" not in template:
        return template
    substitutions = "".join(f" | replace('{sign}', '{value}')" for sign, value in _DAY.items())
    # A block swallows the line break after it, so the template starts on a new line with its white space unchanged.
    return f"{{%- macro strftime_now(format) -%}}{{{{ format{substitutions} }}}}{{%- endmacro %}}\n{template}"
