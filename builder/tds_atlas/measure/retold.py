"""An answer in the tokens of a model with another tokenizer than its writer's, read and scored in that model's context.

Only the answer's text is told again: how it ended is written by tokens of no bytes, which are each tokenizer's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from transformers import PreTrainedTokenizerFast

from tds_atlas.domain import InputError, Prompt, Response
from tds_atlas.measure.score import Scorer
from tds_atlas.measure.side import Side
from tds_atlas.measure.token_bytes import TokenBytes
from tds_atlas.stretches import Retold


@dataclass(frozen=True)
class Reteller:
    """One condition that reads answers in tokens of its own."""

    side: Side
    writer: PreTrainedTokenizerFast  # whose tokens the answers are

    def retell(self, responses: Sequence[Response], prompts: Mapping[str, Prompt]) -> list[Retold]:
        """Those that have any text, in order. `prompts`: response_id -> its prompt. Raises InputError: see `_told`."""
        told = (self._told(response, prompts[response.response_id]) for response in responses)
        return [one for one in told if one is not None]

    def _told(self, response: Response, prompt: Prompt) -> Retold | None:
        """Raises InputError where a tokenizer does not write the bytes of the text."""
        words, frame = TokenBytes(self.writer), self.side.frame
        written = words.within(response.token_ids[: len(response.token_ids) - response.has_end], response.text)
        if written is None:
            raise _changed(response, self.writer)
        text = response.text.encode()[: written.size].decode()
        ids, spans, boundary = frame.answer_ids(frame.reads(prompt), text)
        if not ids:
            return None
        again = TokenBytes(frame.tokenizer).within(ids, text)
        if again is None or len(again.ends) != len(ids):
            raise _changed(response, frame.tokenizer)
        own = replace(
            response, text=text, token_ids=ids, spans=spans, has_end=False, finish="unknown", boundary=boundary
        )
        return Retold(own, written.ends, again.ends)


def score_retold(scorer: Scorer, told: Sequence[Retold], prompts: Mapping[str, Prompt]) -> list[Retold]:
    """The same with the scores of the scorer's one condition."""
    if not told:
        return []
    scores, _ = scorer.score_all([one.response for one in told], prompts, lambda _: None)
    by_response = {score.response_id: score for score in scores}
    return [replace(one, score=by_response[one.response.response_id]) for one in told]


def _changed(response: Response, tokenizer: PreTrainedTokenizerFast) -> InputError:
    return InputError(
        f"{response.response_id}: the tokenizer {tokenizer.name_or_path} does not write the bytes of this answer, so "
        "that its tokens cannot be laid beside another's; leave the prompt out with leave_out"
    )
