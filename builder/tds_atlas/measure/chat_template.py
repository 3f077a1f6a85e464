"""A chat template as one model reads it: turns become text, and nothing of them is lost on the way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tds_atlas.domain import InputError, Turn, Turns, one_line, text_fault
from tds_atlas.measure.time_limit import time_limit
from tds_atlas.measure.transcript import messages_of, missing, whole

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

_MARK, _OTHER, _THOUGHT = "\ue000", "\ue001", "\ue002"  # private characters: no template trims or escapes them
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
    continue_final: bool = False  # the answer stands where the template writes an assistant's turn
    kind: str = "chat template"  # for messages

    def before_answer(self, prompt: str | Turns) -> str:
        """The whole text before an answer. Raises InputError if the template leaves a turn or the system out."""
        turns = self._with_system(whole(prompt))
        text = self._continued(turns) if self.continue_final else self._render(turns, True) + self.header
        left_out = next(filter(None, (missing(turn, text) for turn in turns)), None)
        if left_out:
            what = "prompt" if left_out[0] == "user" and len(whole(prompt)) == 1 else left_out[0]
            raise InputError(
                f"{self.where}: the {self.kind} leaves out the {what} {left_out[1][:40]!r}: the model would "
                "not read it; give another template, or use a context of kind plain"
            )
        return text

    def gap(self, prompt: str | Turns, text: str) -> str:
        """White space that the template puts between `text`, which is before the answer, and the answer."""
        try:
            turns = self._with_system(whole(prompt))
            rendered = self._render((*turns, Turn("assistant", _MARK)), False)
        except InputError:  # a template that only supports the generation prompt
            return ""
        place = rendered.find(_MARK, len(text))  # the prompt may contain the mark, too
        gap = rendered[len(text) : place] if place >= 0 and rendered.startswith(text) else ""
        return gap if gap.isspace() else ""

    def _with_system(self, turns: Turns) -> Turns:
        """The turns behind the context's system message; a conversation with one of its own keeps that."""
        has_own = any(turn.role in ("system", "developer") for turn in turns)
        before = () if self.system is None or has_own else (Turn("system", self.system),)
        tools = turns[: turns[0].role == "tools"]
        return (*tools, *before, *turns[len(tools) :])

    def _continued(self, turns: Turns) -> str:
        """What stands before the answer in a rendered turn of the assistant."""
        before, found, _ = self._render((*turns, Turn("assistant", _MARK)), False).rpartition(_MARK)
        if not found:
            raise InputError(
                f"{self.where}.continue_final: the {self.kind} writes no turn of the assistant; take continue_final out"
            )
        return before

    @cached_property
    def header(self) -> str:
        """What stands before an answer in a rendered turn, of a template that has no generation prompt; else empty."""
        asked = self._opened(False)
        before, found, _ = self._answered.rpartition(_MARK)
        if not found or not before.startswith(asked) or asked != self._opened(True):
            return ""
        return before.removeprefix(asked) if before.removeprefix(asked).strip() else ""

    @cached_property
    def opening(self) -> str:
        """What the template writes between the prompt and the answer."""
        if self.continue_final:
            return self._answered.rpartition(_MARK)[0].rpartition(_OTHER)[2]
        return self._opened(True).rpartition(_OTHER)[2] + self.header

    @cached_property
    def closing(self) -> str:
        """What the template writes after an answer."""
        return self._answered.rpartition(_MARK)[2]

    @cached_property
    def thinking(self) -> tuple[str, str] | None:
        """What the template writes before and behind the thinking of an answer, beyond what stands before an answer.

        None if it writes none, or has closed the thinking before the answer begins (`enable_thinking: false`).
        """
        more = json.dumps({"reasoning_content": _THOUGHT})
        try:
            written = self._render(self._with_system((Turn("user", _OTHER), Turn("assistant", _MARK, more))), False)
        except InputError:
            return None
        before, found, behind = written.rpartition(_OTHER)[2].partition(_THOUGHT)
        between, answered, _ = behind.partition(_MARK)
        if not (found and answered and before.startswith(self.opening)):
            return None
        return before.removeprefix(self.opening), between

    def _opened(self, generation: bool) -> str:
        return self._render(self._with_system((Turn("user", _OTHER),)), generation)

    @cached_property
    def _answered(self) -> str:
        try:
            return self._render(self._with_system((Turn("user", _OTHER), Turn("assistant", _MARK))), False)
        except InputError:  # as above
            return ""

    @cached_property
    def _wants_parts(self) -> bool:
        """Whether the template reads content as a list of parts, and would write nothing of a string."""
        marked = (Turn("user", _MARK),)
        return _MARK not in self._text_of(marked, True, False) and _MARK in self._text_of(marked, True, True)

    def _render(self, turns: Turns, generation: bool) -> str:
        return self._text_of(turns, generation, self._wants_parts)

    def _text_of(self, turns: Turns, generation: bool, parts: bool) -> str:
        """Arguments of tool calls are given as objects; where a template refuses those, as text."""
        try:
            return self._written(turns, generation, parts, False)
        except InputError:
            if not any("tool_calls" in turn.more for turn in turns):
                raise
            return self._written(turns, generation, parts, True)

    def _written(self, turns: Turns, generation: bool, parts: bool, as_text: bool) -> str:
        messages, tools = messages_of(turns, parts, as_text)
        try:
            with time_limit(f"{self.where}: the {self.kind}"):
                written: Any = self.tokenizer.apply_chat_template(
                    messages,
                    chat_template=_with_fixed_date(self.source),
                    tokenize=False,
                    add_generation_prompt=generation,
                    **({"tools": tools} if tools else {}) | dict(self.arguments),
                )
        except InputError:
            raise
        except Exception as error:  # the template's own error (jinja2), e.g. that it takes no system message
            raise InputError(f"{self.where}: the {self.kind} refuses the turns: {one_line(error)}") from None
        text = str(written)
        more = len(text) - sum(len(turn.text) + len(turn.more) for turn in turns)
        fault = f"is {more:,} characters longer than the turns" if more > _MOST else text_fault(text)
        if fault:
            raise InputError(f"{self.where}: what the {self.kind} writes {fault}; give another")
        return text


def _with_fixed_date(template: str) -> str:
    """The template with one date in place of today's: a report must not depend on the day it was made."""
    if "strftime_now" not in template:
        return template
    substitutions = "".join(f" | replace('{sign}', '{value}')" for sign, value in _DAY.items())
    # A block swallows the line break after it, so the template starts on a new line with its white space unchanged.
    return f"{{%- macro strftime_now(format) -%}}{{{{ format{substitutions} }}}}{{%- endmacro %}}\n{template}"
