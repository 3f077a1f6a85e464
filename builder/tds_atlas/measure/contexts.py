"""A prompt in a context as the token ids before the answer, and an answer's text as the ids that follow them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tds_atlas.domain import InputError, Spans, first_line
from tds_atlas.inputs.settings import ContextSettings

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

_DAY = {"%d": "26", "%m": "07", "%b": "Jul", "%B": "July", "%Y": "2024", "%y": "24", "%a": "Fri", "%A": "Friday"}


@dataclass(frozen=True)
class Frame:
    """A context as one model reads it: everything that stands between a prompt and the answer's first token."""

    context_id: str
    settings: ContextSettings
    tokenizer: PreTrainedTokenizerFast
    chat_template: str | None = None  # of the model that `template_of` names, or the model's own

    def render(self, prompt: str) -> str:
        """The whole text before the answer, special tokens written out."""
        if self.settings.template is not None:
            return _begin_text(self.tokenizer) + self.settings.template.replace("{prompt}", prompt)
        return self._chat([{"role": "user", "content": prompt}], True)

    def prompt_ids(self, prompt: str) -> tuple[int, ...]:
        """The ids before the answer. `render` has written the special tokens out, so none are added here."""
        return self._ids_of(prompt, self.render(prompt))

    def _ids_of(self, prompt: str, head: str) -> tuple[int, ...]:
        ids = tuple(_tokenised(self.tokenizer, head)[0])
        if not ids:
            raise InputError(
                f"contexts.{self.context_id}: the prompt {prompt[:40]!r} gives no token before the answer; "
                "set a template that writes some text, or the model's begin token"
            )
        if self.begin_count(ids) > 1:
            begin = self.tokenizer.bos_token
            raise InputError(
                f"contexts.{self.context_id}: the prompt {prompt[:40]!r} begins with the begin token {begin!r} twice; "
                f"take {begin!r} out of the template or the prompt: it is written before the template by itself"
            )
        return ids

    def begin_count(self, ids: Sequence[int]) -> int:
        """How many begin tokens the ids open with."""
        begin = self.tokenizer.bos_token_id
        return next((n for n, i in enumerate(ids) if i != begin), len(ids))

    def answer_ids(self, prompt: str, answer: str) -> tuple[tuple[int, ...], Spans, bool]:
        """Ids and spans of an answer's text, tokenised jointly with its prompt and split where the prompt ends.

        What the chat template writes between its generation prompt and an answer (Llama-2's space) belongs to the first
        token. Where the answer would change the prompt's ids (a token reaches from one into the other), the answer is
        tokenised apart, so that no character is lost and the prompt stays; the last value says whether it was needed.
        """
        if not answer:
            return (), (), False
        head = self.render(prompt)
        between = self._between(prompt, head)
        ids, offsets = _tokenised(self.tokenizer, head + between + answer)
        before = [i for i, (_, end) in zip(ids, offsets, strict=True) if end <= len(head)]
        boundary = any(start < len(head) < end for start, end in offsets) or before != [*self._ids_of(prompt, head)]
        if boundary:
            ids, offsets = _apart(self.tokenizer, between + answer, len(head))
        tail = [(i, end) for i, (_, end) in zip(ids, offsets, strict=True) if end > len(head)]
        ends = [max(end - len(head) - len(between), 0) for _, end in tail]
        return tuple(i for i, _ in tail), _tiled(ends, len(answer)), boundary

    @property
    def template_hash(self) -> str:
        """SHA-256 (first 16 digits) of the template in use."""
        text = self.settings.template or self.chat_template or self.tokenizer.chat_template
        return hashlib.sha256(f"{text}\0{self.settings.system or ''}".encode()).hexdigest()[:16]

    def _between(self, prompt: str, head: str) -> str:
        """White space that the chat template puts between its generation prompt and an answer."""
        if self.settings.template is not None:
            return ""
        mark = "\ue000"  # a private character: no template trims or escapes it
        turns = [{"role": "user", "content": prompt}, {"role": "assistant", "content": mark}]
        try:
            whole = self._chat(turns, False)
        except InputError:  # a template for the generation prompt alone
            return ""
        place = whole.find(mark, len(head))  # the prompt may hold the mark, too
        gap = whole[len(head) : place] if place >= 0 and whole.startswith(head) else ""
        return gap if gap.isspace() else ""

    def _chat(self, turns: list[dict[str, str]], generation: bool) -> str:
        template = self.chat_template or self.tokenizer.chat_template
        if not template:
            raise InputError(
                f"contexts.{self.context_id}: {self.tokenizer.name_or_path} has no chat template; set template_of to "
                "a model that has one, or use a context of kind plain"
            )
        if self.settings.system is not None:
            turns = [{"role": "system", "content": self.settings.system}, *turns]
        try:
            text: Any = self.tokenizer.apply_chat_template(
                turns, chat_template=_dated(template), tokenize=False, add_generation_prompt=generation
            )
        except Exception as error:  # a template's own complaint (jinja2), e.g. that it knows no system message
            raise InputError(
                f"contexts.{self.context_id}: the chat template refuses the turns: {first_line(error)}"
            ) from None
        return str(text)


def _dated(template: str) -> str:
    """A template that writes today's date writes the same one every day: no report may depend on when it was made."""
    if "strftime_now" not in template:
        return template
    filled = "".join(f" | replace('{sign}', '{value}')" for sign, value in _DAY.items())
    # A block takes the line break behind it along: the template begins on a line of its own, its white space untouched.
    return f"{{%- macro strftime_now(format) -%}}{{{{ format{filled} }}}}{{%- endmacro %}}\n{template}"


def _tokenised(tokenizer: PreTrainedTokenizerFast, text: str) -> tuple[list[int], list[tuple[int, int]]]:
    """Ids and offsets. What follows a begin token written out is the start of a text, as when the tokenizer adds it.

    Transformers 5 sees that otherwise (Llama's `▁` comes only before the very first character), and would give Llama-2
    and Mistral `[` where they were trained on `▁[`.
    """
    begin = tokenizer.bos_token or ""
    opened = bool(begin) and text.startswith(begin)
    done = len(begin) if opened else 0
    rest = tokenizer(text[done:], add_special_tokens=False, return_offsets_mapping=True)
    ids, offsets = rest["input_ids"], [(start + done, end + done) for start, end in rest["offset_mapping"]]
    return ([tokenizer.bos_token_id, *ids], [(0, done), *offsets]) if opened else (ids, offsets)


def _apart(tokenizer: PreTrainedTokenizerFast, text: str, place: int) -> tuple[list[int], list[tuple[int, int]]]:
    """A text tokenised without what stands before it, its offsets counted from `place`.

    Behind a line break, which is then dropped, so that SentencePiece puts no `▁` of its own before it; where the break
    would become one token with the text, without.
    """
    for lead in ("\n", ""):
        ids, offsets = _tokenised(tokenizer, lead + text)
        if not any(start < len(lead) < end for start, end in offsets):
            break
    return ids, [(start + place - len(lead), end + place - len(lead)) for start, end in offsets]


def _tiled(ends: list[int], length: int) -> Spans:
    """Spans that tile 0..length. A character of several tokens belongs to the last of them, the others are empty."""
    spans, done = [], 0
    for i, end in enumerate(ends):
        is_last = i + 1 == len(ends)
        shared = not is_last and ends[i + 1] == end
        stop = length if is_last else done if shared else max(done, end)
        spans.append((done, stop))
        done = stop
    return tuple(spans)


def _begin_text(tokenizer: PreTrainedTokenizerFast) -> str:
    """The begin token as text where the tokenizer adds one by itself, else nothing."""
    added = tokenizer("")["input_ids"]
    begins = bool(added) and added[0] == tokenizer.bos_token_id
    return str(tokenizer.bos_token) if begins else ""
