"""A prompt in a context as the token ids before the answer, and an answer's text as the ids that follow them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from tds_atlas.domain import InputError, Prompt, Spans, Turns
from tds_atlas.inputs.settings import ContextSettings
from tds_atlas.measure.chat_template import ChatTemplate, choose_template
from tds_atlas.measure.special_text import Encoding, SpecialText
from tds_atlas.measure.transcript import hidden, shown, texts_of, transcript, whole

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


@dataclass(frozen=True)
class Frame:
    """A context as one model reads it: how a prompt becomes everything before the answer's first token."""

    context_id: str
    settings: ContextSettings
    tokenizer: PreTrainedTokenizerFast
    chat_template: str | Mapping[str, str] | None = None  # of the model named by `template_of`; None: the model's own

    def reads(self, prompt: Prompt) -> str | Turns:
        """What this context is filled with: the turns, a single text, or in a verbatim context the row's own input.

        Raises InputError where a row has none.
        """
        if self.settings.kind != "verbatim":
            return prompt.turns or prompt.text
        if not prompt.input:
            raise InputError(
                f"{prompt.place or f'prompt {prompt.prompt_id!r}'}: no input, which contexts.{self.context_id} reads "
                "verbatim; name its column with columns: {input: ...}"
            )
        return prompt.input

    def render(self, prompt: str | Turns) -> str:
        """The whole text before the answer, special tokens included."""
        return self.special.reveal(self._text(prompt))

    @cached_property
    def special(self) -> SpecialText:
        """The special tokens of the model, which are no more than text in prompts and answers."""
        return SpecialText(self.tokenizer)

    @cached_property
    def chat(self) -> ChatTemplate | None:
        """The chat template, in a context of that kind."""
        if self.settings.kind != "chat":
            return None
        where, templates = f"contexts.{self.context_id}", self.chat_template or self.tokenizer.chat_template
        source = choose_template(where, templates, self.settings.template, self.tokenizer.name_or_path)
        settings = self.settings
        return ChatTemplate(
            where, self.tokenizer, source, settings.system, settings.template_kwargs, settings.continue_final
        )

    def _text(self, prompt: str | Turns) -> str:
        """What `render` shows, with the prompt's own text of special tokens hidden."""
        if self.chat:
            return self.chat.before_answer(self._hidden(prompt))
        begin, template = _begin_text(self.tokenizer), self.settings.template or ""
        if self.settings.kind == "verbatim":
            written = str(prompt)
            return written if written.startswith(begin) else begin + written
        if self.settings.is_jinja:
            where, kind = f"contexts.{self.context_id}", f"{self.settings.kind} template"
            own = ChatTemplate(where, self.tokenizer, template, None, {}, kind=kind)
            written = own.before_answer(self._hidden(prompt))
            return written if begin and written.startswith(begin) else begin + written
        return begin + template.replace("{prompt}", transcript(self._hidden(prompt)))

    def _hidden(self, prompt: str | Turns) -> Turns:
        return hidden(whole(prompt), self._hide)

    def _hide(self, text: str) -> str:
        return text if self.settings.special_text == "tokens" else self.special.hide(text)

    def prompt_ids(self, prompt: str | Turns) -> tuple[int, ...]:
        """The ids before the answer. `render` has already written the special tokens, so none are added here."""
        return self._ids_of(prompt, self._text(prompt))

    def special_places(self, prompt: str | Turns) -> tuple[int, ...]:
        """Where special tokens begin and end in what `render` shows, in turn; their text alone is not one."""
        ids, offsets = _tokenise(self.special, self._text(prompt))
        return tuple(place for i, span in zip(ids, offsets, strict=True) if i in self.special.ids for place in span)

    def _ids_of(self, prompt: str | Turns, text: str) -> tuple[int, ...]:
        ids = tuple(_tokenise(self.special, text)[0])
        if not ids:
            raise InputError(
                f"contexts.{self.context_id}: the prompt {shown(prompt)!r} gives no token before the answer; "
                "set a template that writes some text, or the model's begin token"
            )
        if self.begin_count(ids) > 1:
            begin, asked = self.tokenizer.bos_token, shown(prompt)
            raise InputError(
                f"contexts.{self.context_id}: the prompt {asked!r} begins with the begin token {begin!r} twice; "
                f"take {begin!r} out of the template or the prompt: it is added before the template automatically"
            )
        return ids

    def begin_count(self, ids: Sequence[int]) -> int:
        """How many begin tokens the ids start with."""
        begin = self.tokenizer.bos_token_id
        return next((n for n, i in enumerate(ids) if i != begin), len(ids))

    def answer_ids(self, prompt: str | Turns, answer: str) -> tuple[tuple[int, ...], Spans, bool]:
        """Ids and spans of an answer's text, tokenised jointly with its prompt and split where the prompt ends.

        White space that the chat template writes between its generation prompt and an answer (Llama-2's does) belongs
        to the first token. If the answer would change the prompt's ids (a token spans both), the answer is tokenised
        separately, so that no character is lost and the prompt stays the same; the last value says whether it was.
        """
        if not answer:
            return (), (), False
        text, hidden = self._text(prompt), self._hide(answer)
        gap, start = self.chat.gap(self._hidden(prompt), text) if self.chat else "", len(text)
        ids, offsets = _tokenise(self.special, text + gap + hidden)
        before = [i for i, (_, end) in zip(ids, offsets, strict=True) if end <= start]
        boundary = any(first < start < end for first, end in offsets) or before != [*self._ids_of(prompt, text)]
        if boundary:
            ids, offsets = _tokenise_separately(self.special, gap + hidden, start)
        tail = [(i, end) for i, (_, end) in zip(ids, offsets, strict=True) if end > start]
        ends = [max(end - start - len(gap), 0) for _, end in tail]
        return tuple(i for i, _ in tail), _tiling(ends, len(answer)), boundary

    def remarks(self, prompts: Collection[str | Turns]) -> list[str]:
        """What a reader must know of how these prompts are rendered."""
        remarks = []
        if self.chat and self.chat.header:
            remarks.append(f"the template has no generation prompt: {self.chat.header!r} comes from a rendered answer")
        special = sum(bool(self.special.occurrences(texts_of(prompt))) for prompt in prompts)
        if special:
            how = "tokens" if self.settings.kind == "verbatim" else self.settings.special_text
            remarks.append(f"{special} prompts hold the text of a special token, read as {how}")
        return remarks

    @property
    def template_hash(self) -> str:
        """SHA-256 (first 16 digits) of the template in use, with its system message and arguments."""
        text = self.chat.source if self.chat else self.settings.template
        given = [self.settings.system or "", json.dumps(self.settings.template_kwargs, sort_keys=True)]
        given += ["continue_final"] * self.settings.continue_final
        return hashlib.sha256("\0".join([str(text), *given]).encode()).hexdigest()[:16]


def _tokenise(special: SpecialText, text: str) -> Encoding:
    """Ids and offsets. The text after a literal begin token is treated as the start of a text.

    Transformers 5 does not do so (it puts Llama's `▁` only before the very first character), and would give Llama-2
    and Mistral `[` where they were trained on `▁[`.
    """
    begin = special.tokenizer.bos_token or ""
    has_begin = bool(begin) and text.startswith(begin)
    skip = len(begin) if has_begin else 0
    ids, rest = special.encode(text[skip:])
    offsets = [(start + skip, end + skip) for start, end in rest]
    return ([special.tokenizer.bos_token_id, *ids], [(0, skip), *offsets]) if has_begin else (ids, offsets)


def _tokenise_separately(special: SpecialText, text: str, place: int) -> Encoding:
    """A text tokenised without its prompt, with offsets counted from `place`.

    It is tokenised after a line break, which is then dropped, so that SentencePiece adds no `▁` before the text; if the
    two would merge into one token, without the break.
    """
    for lead in ("\n", ""):
        ids, offsets = _tokenise(special, lead + text)
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
