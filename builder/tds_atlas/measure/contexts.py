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
    """A context as one model reads it: how a prompt becomes everything before the answer's first token."""

    context_id: str
    settings: ContextSettings
    tokenizer: PreTrainedTokenizerFast
    chat_template: str | None = None  # of the model named by `template_of`; None: the model's own

    def render(self, prompt: str) -> str:
        """The whole text before the answer, special tokens included."""
        if self.settings.template is not None:
            return _begin_text(self.tokenizer) + self.settings.template.replace("{prompt}", prompt)
        return self._chat([{"role": "user", "content": prompt}], True)

    def prompt_ids(self, prompt: str) -> tuple[int, ...]:
        """The ids before the answer. `render` has already written the special tokens, so none are added here."""
        return self._ids_of(prompt, self.render(prompt))

    def _ids_of(self, prompt: str, text: str) -> tuple[int, ...]:
        ids = tuple(_tokenise(self.tokenizer, text)[0])
        if not ids:
            raise InputError(
                f"contexts.{self.context_id}: the prompt {prompt[:40]!r} gives no token before the answer; "
                "set a template that writes some text, or the model's begin token"
            )
        if self.begin_count(ids) > 1:
            begin = self.tokenizer.bos_token
            raise InputError(
                f"contexts.{self.context_id}: the prompt {prompt[:40]!r} begins with the begin token {begin!r} twice; "
                f"take {begin!r} out of the template or the prompt: it is added before the template automatically"
            )
        return ids

    def begin_count(self, ids: Sequence[int]) -> int:
        """How many begin tokens the ids start with."""
        begin = self.tokenizer.bos_token_id
        return next((n for n, i in enumerate(ids) if i != begin), len(ids))

    def answer_ids(self, prompt: str, answer: str) -> tuple[tuple[int, ...], Spans, bool]:
        """Ids and spans of an answer's text, tokenised jointly with its prompt and split where the prompt ends.

        White space that the chat template writes between its generation prompt and an answer (Llama-2's does) belongs
        to the first token. If the answer would change the prompt's ids (a token spans both), the answer is tokenised
        separately, so that no character is lost and the prompt stays the same; the last value says whether it was.
        """
        if not answer:
            return (), (), False
        text = self.render(prompt)
        gap, start = self._gap(prompt, text), len(text)
        ids, offsets = _tokenise(self.tokenizer, text + gap + answer)
        before = [i for i, (_, end) in zip(ids, offsets, strict=True) if end <= start]
        boundary = any(first < start < end for first, end in offsets) or before != [*self._ids_of(prompt, text)]
        if boundary:
            ids, offsets = _tokenise_separately(self.tokenizer, gap + answer, start)
        tail = [(i, end) for i, (_, end) in zip(ids, offsets, strict=True) if end > start]
        ends = [max(end - start - len(gap), 0) for _, end in tail]
        return tuple(i for i, _ in tail), _tiling(ends, len(answer)), boundary

    @property
    def template_hash(self) -> str:
        """SHA-256 (first 16 digits) of the template in use."""
        text = self.settings.template or self.chat_template or self.tokenizer.chat_template
        return hashlib.sha256(f"{text}\0{self.settings.system or ''}".encode()).hexdigest()[:16]

    def _gap(self, prompt: str, text: str) -> str:
        """White space that the chat template puts between its generation prompt and an answer."""
        if self.settings.template is not None:
            return ""
        mark = "\ue000"  # a private character: no template trims or escapes it
        turns = [{"role": "user", "content": prompt}, {"role": "assistant", "content": mark}]
        try:
            whole = self._chat(turns, False)
        except InputError:  # a template that only supports the generation prompt
            return ""
        place = whole.find(mark, len(text))  # the prompt may contain the mark, too
        gap = whole[len(text) : place] if place >= 0 and whole.startswith(text) else ""
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
                turns, chat_template=_with_fixed_date(template), tokenize=False, add_generation_prompt=generation
            )
        except Exception as error:  # the template's own error (jinja2), e.g. that it takes no system message
            raise InputError(
                f"contexts.{self.context_id}: the chat template refuses the turns: {first_line(error)}"
            ) from None
        return str(text)


def _with_fixed_date(template: str) -> str:
    """The template with one date in place of today's: a report must not depend on the day it was made."""
    if "strftime_now" not in template:
        return template
    substitutions = "".join(f" | replace('{sign}', '{value}')" for sign, value in _DAY.items())
    # A block swallows the line break after it, so the template starts on a new line with its white space unchanged.
    return f"{{%- macro strftime_now(format) -%}}{{{{ format{substitutions} }}}}{{%- endmacro %}}\n{template}"


def _tokenise(tokenizer: PreTrainedTokenizerFast, text: str) -> tuple[list[int], list[tuple[int, int]]]:
    """Ids and offsets. The text after a literal begin token is treated as the start of a text.

    Transformers 5 does not do so (it puts Llama's `▁` only before the very first character), and would give Llama-2
    and Mistral `[` where they were trained on `▁[`.
    """
    begin = tokenizer.bos_token or ""
    has_begin = bool(begin) and text.startswith(begin)
    skip = len(begin) if has_begin else 0
    rest = tokenizer(text[skip:], add_special_tokens=False, return_offsets_mapping=True)
    ids, offsets = rest["input_ids"], [(start + skip, end + skip) for start, end in rest["offset_mapping"]]
    return ([tokenizer.bos_token_id, *ids], [(0, skip), *offsets]) if has_begin else (ids, offsets)


def _tokenise_separately(
    tokenizer: PreTrainedTokenizerFast, text: str, place: int
) -> tuple[list[int], list[tuple[int, int]]]:
    """A text tokenised without its prompt, with offsets counted from `place`.

    It is tokenised after a line break, which is then dropped, so that SentencePiece adds no `▁` before the text; if the
    two would merge into one token, without the break.
    """
    for lead in ("\n", ""):
        ids, offsets = _tokenise(tokenizer, lead + text)
        if not any(start < len(lead) < end for start, end in offsets):
            break
    return ids, [(start + place - len(lead), end + place - len(lead)) for start, end in offsets]


def _tiling(ends: list[int], length: int) -> Spans:
    """Spans that tile 0..length. A character of several tokens belongs to the last of them; the others are empty."""
    spans, start = [], 0
    for i, end in enumerate(ends):
        is_last = i + 1 == len(ends)
        shared = not is_last and ends[i + 1] == end
        stop = length if is_last else start if shared else max(start, end)
        spans.append((start, stop))
        start = stop
    return tuple(spans)


def _begin_text(tokenizer: PreTrainedTokenizerFast) -> str:
    """The begin token as text if the tokenizer adds one of its own accord, else nothing."""
    ids = tokenizer("")["input_ids"]
    begins = bool(ids) and ids[0] == tokenizer.bos_token_id
    return str(tokenizer.bos_token) if begins else ""
