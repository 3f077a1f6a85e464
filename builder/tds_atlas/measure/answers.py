"""Existing answers as responses: text becomes ids behind its prompt, a closing end token a position of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

from tds_atlas.domain import Answer, Finish, InputError, Response
from tds_atlas.measure.contexts import Frame
from tds_atlas.measure.decode import decode_with_spans

# Marks that close answers of well-known models, to say so where they close none of this one's.
FOREIGN_ENDS = ("</s>", "<|endoftext|>", "<|im_end|>", "<|eot_id|>", "<|end_of_text|>", "<end_of_turn>", "<eos>")
_MARKUP = frozenset("<>[]|#:")
_LONGEST = 80  # characters that a template may have written of what an answer begins with


@dataclass(frozen=True)
class Reader:
    """How a model in a context reads the answers of a file."""

    frame: Frame
    end_ids: tuple[int, ...]
    computes: bool = True  # whether a model reads the answers here, and not a file alone

    def read(self, source: str, answer: Answer) -> Response:
        """One answer as token ids. Its model ended it if it closes with the text of an end token."""
        if answer.token_ids:
            return self._of_ids(source, answer)
        text, end_id = self.split(answer)
        ids, spans, boundary = self.frame.answer_ids(self.frame.reads(answer.prompt), text)
        finish: Finish = "unknown"
        if end_id is not None:
            ids, spans, finish = (*ids, end_id), (*spans, (len(text), len(text))), "stop"
        prompt_id, has_end = answer.prompt.prompt_id, end_id is not None
        if not ids:
            raise InputError(f"{source}: the answer to prompt {answer.answer_id!r} is empty; skip it with leave_out")
        response_id = f"{source}/{answer.answer_id}"
        return Response(response_id, prompt_id, source, None, text, ids, spans, has_end, finish, boundary)

    def _of_ids(self, source: str, answer: Answer) -> Response:
        """An answer of a file of ids, as they are."""
        if self.computes and self._reads_otherwise(answer):
            found = f"the text before the answer gives {self._before(answer)} here, and the file has other ids"
            remedy = f"compare it with recordings alone, or skip it with leave_out: [{answer.answer_id}]"
            raise InputError(f"{answer.place}: token_ids: {found}; {remedy}")
        ids, prompt_id = answer.token_ids, answer.prompt.prompt_id
        has_end = ids[-1] in self.marks.values()
        text, spans = decode_with_spans(self.frame.tokenizer, ids[:-1] if has_end else ids)
        spans = (*spans, (len(text), len(text))) if has_end else spans
        finish: Finish = "stop" if has_end else "unknown"
        return Response(f"{source}/{answer.answer_id}", prompt_id, source, None, text, ids, spans, has_end, finish)

    def _reads_otherwise(self, answer: Answer) -> bool:
        """Whether the text before an answer of a file of ids is not these ids here."""
        return bool(answer.token_ids) and self._ids_before(answer) != answer.ids_before

    def _ids_before(self, answer: Answer) -> tuple[int, ...]:
        return self.frame.prompt_ids(self.frame.reads(answer.prompt))

    def _before(self, answer: Answer) -> str:
        ids = self._ids_before(answer)
        t = next((t for t, (a, b) in enumerate(zip(ids, answer.ids_before, strict=False)) if a != b), None)
        return f"{len(ids):,} ids" if t is None else f"{ids[t]} at place {t}"

    def split(self, answer: Answer) -> tuple[str, int | None]:
        """The text of an answer alone, and the id of the end token that its text closed with."""
        text = answer.text.removeprefix(self.frame.tokenizer.bos_token or "")
        if answer.thinking and (marks := self.thinking):
            text = f"{marks[0]}{answer.thinking}{marks[1] + text if text else ''}"
        text, end_id = text[len(self.repeated(text)) :], None
        while mark := self._mark_of(text):
            text, end_id = text.rstrip("\n").removesuffix(mark), self.marks[mark]
        return text, end_id

    @cached_property
    def thinking(self) -> tuple[str, str] | None:
        """What the template writes before and behind the thinking of an answer; None if it writes no thinking."""
        return self.frame.chat.thinking if self.frame.chat else None

    @cached_property
    def marks(self) -> dict[str, int]:
        """The texts that end an answer with their ids: the model's end tokens, and what its template closes with."""
        closing = self.frame.chat.closing.strip() if self.frame.chat else ""
        written = next((mark for mark in self.frame.special.occurrences(closing) if closing.startswith(mark)), None)
        words = self.frame.tokenizer
        marks = {str(words.convert_ids_to_tokens(i)): i for i in self.end_ids}
        if written:
            marks.setdefault(written, words.get_vocab()[written])
        return dict(sorted(marks.items(), key=lambda mark: -len(mark[0])))

    def repeated(self, text: str) -> str:
        """What an answer begins with though the template has written it already, such as <think>."""
        opening = self.frame.chat.opening if self.frame.chat else ""
        written, start = opening.rstrip(), text.lstrip()
        lengths = range(min(len(written), len(start), _LONGEST), 0, -1)
        size = next((n for n in lengths if written.endswith(start[:n]) and _MARKUP & set(start[:n])), 0)
        if not size:
            return ""
        end = len(text) - len(start) + size
        blank = opening[len(written) :]
        return text[: end + len(blank)] if blank and text.startswith(blank, end) else text[:end]

    def _mark_of(self, text: str) -> str | None:
        bare = text.rstrip("\n")
        return next((mark for mark in self.marks if bare.endswith(mark)), None)

    def remarks(self, answers: Collection[Answer]) -> Iterator[str]:
        """What is done with the special texts of these answers, counted."""
        count: Counter[str] = Counter()
        for answer in answers:
            text, end_id = self.split(answer)
            begin = self.repeated(answer.text.removeprefix(self.frame.tokenizer.bos_token or "")).strip()
            foreign = next((mark for mark in FOREIGN_ENDS if text.rstrip().endswith(mark)), None)
            if self._reads_otherwise(answer):
                count["were read behind other ids than their text gives here: prompt cards show the text's"] += 1
            if answer.thinking and not self.thinking:
                count["hold thinking apart, which the context writes nowhere: it is not measured"] += 1
            if begin:
                count[f"begin with {begin!r}, which the chat template has written already: it is taken off"] += 1
            if end_id is not None:
                mark = self.frame.tokenizer.convert_ids_to_tokens(end_id)
                count[f"close with the end token {mark!r}; the others count as cut off"] += 1
            elif foreign:
                count[f"close with {foreign!r}, which ends no answer of this model: it stays text"] += 1
            if self.frame.special.occurrences(text):
                how = self.frame.settings.special_text
                count[f"hold the text of a special token, read as {how} (contexts: special_text)"] += 1
        yield from (f"{n} of {len(answers)} answers {what}" for what, n in count.items())
