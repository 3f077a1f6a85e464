"""The models of a report at a reader's desk: any prompt, any answer, read and written by the ordinary roads.

Nothing is stored but the last answers that were read, in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from tds_atlas.domain import Answer, Comparison, Divergence, InputError, Prompt, Response, Score
from tds_atlas.live.asked import ANSWER_TOKENS, NEW_TOKENS, PROMPT_CHARACTERS, Read, Write
from tds_atlas.live.pairs import Pairs, pairs_of
from tds_atlas.pipeline.ask import ScoredToken, scored_tokens, token_texts
from tds_atlas.pipeline.plan import Plan
from tds_atlas.pipeline.sides import lazy_models, scorer_of, side_of

if TYPE_CHECKING:
    from tds_atlas.measure.engines.models import Models
    from tds_atlas.measure.score import Scorer
    from tds_atlas.measure.side import Side

_SHOWN = 10  # candidates of a position
_KEPT = 64  # answers that have been read
_LIMITS = {"prompt_characters": PROMPT_CHARACTERS, "answer_tokens": ANSWER_TOKENS, "new_tokens": NEW_TOKENS}


@dataclass(frozen=True)
class Pair:
    """Two conditions with what reads, writes and scores under them. Models are loaded on first use, and once."""

    plan: Plan
    models: Models
    comparison: Comparison

    @cached_property
    def sides(self) -> dict[str, Side]:
        conditions = {"base": self.comparison.base, "aligned": self.comparison.aligned}
        return {by: side_of(self.plan, self.models, condition) for by, condition in conditions.items()}

    @cached_property
    def scorer(self) -> Scorer:
        return scorer_of(self.plan, list(self.sides.values()), [self.comparison])

    @cached_property
    def names(self) -> dict[int, str]:
        """The text of every id, to show candidates by."""
        return token_texts(self.sides["aligned"].frame.tokenizer)

    def response(self, prompt: Prompt, asked: Read) -> Response:
        """The answer as tokens. Raises InputError for an id that the aligned model does not have."""
        from tds_atlas.measure.answers import Reader
        from tds_atlas.measure.generate import response_of

        aligned = self.sides["aligned"]
        if asked.ids is None:
            return Reader(aligned.frame, aligned.model.end_ids).read("live", Answer(prompt, asked.answer or ""))
        self.check_ids(asked.ids)
        return response_of(aligned, prompt, asked.ids, ends=[i for s in self.sides.values() for i in s.model.end_ids])

    def check_ids(self, ids: tuple[int, ...]) -> None:
        width = self.sides["aligned"].model.vocab_size
        foreign = next((i for i in ids if i >= width), None)
        if foreign is not None:
            raise InputError(f"ids: {foreign} is no token of {self.comparison.aligned.model_id}; it has {width:,}")

    def check_length(self, prompt: Prompt, response: Response) -> None:
        """Raises InputError for an answer that is too long, alone or with its prompt."""
        size = len(response.token_ids)
        if size > ANSWER_TOKENS:
            raise InputError(f"answer: {size:,} tokens; at most {ANSWER_TOKENS:,} are read")
        for side in self.sides.values():
            whole, limit = len(side.prompt_ids(prompt)) + size, side.model.context_length
            if limit is not None and whole > limit:
                name = side.condition.model_id
                raise InputError(f"prompt and answer have {whole:,} tokens, and model {name} has {limit:,} positions")


class Desk:
    """What a page can ask. One question at a time: the models are not for two threads."""

    def __init__(self, plan: Plan, device: str | None = None) -> None:
        models = lazy_models(plan, device)()
        self.pairs: Pairs = pairs_of(plan, models)
        self._pairs = {key: Pair(plan, models, comparison) for key, comparison in self.pairs.by_key.items()}
        self._known = lru_cache(_KEPT)(self._scored)
        _ = next(iter(self._pairs.values())).scorer  # a model that cannot be loaded stops the server at once

    def describe(self) -> dict[str, Any]:
        """The pairs with their models and contexts, and the limits."""
        comparisons = [
            {
                "key": key,
                "base": {"name": c.base.model_id, "context": c.base.context_id},
                "aligned": {"name": c.aligned.model_id, "context": c.aligned.context_id},
            }
            for key, c in self.pairs.by_key.items()
        ]
        return {
            "comparisons": comparisons,
            "limits": _LIMITS,
            "bytes": 0,
            "left_out": [f"Not here: {line}." for line in self.pairs.left_out],
        }

    def read(self, asked: Read) -> dict[str, Any]:
        """Every token of an answer under both sides."""
        pair, prompt = self._pair(asked.comparison), _prompt(asked.prompt)
        response = pair.response(prompt, asked)
        pair.check_length(prompt, response)
        return self._known(asked.comparison, prompt, response)

    def _scored(self, key: str, prompt: Prompt, response: Response) -> dict[str, Any]:
        pair = self._pairs[key]
        ids = pair.scorer.prompt_ids({response.response_id: prompt})
        ((scores, (divergence,)),) = pair.scorer.score([response], ids)
        by = {
            side: next(s for s in scores if s.condition_id == x.condition.condition_id)
            for side, x in pair.sides.items()
        }
        return {
            "ids": response.token_ids,
            "text": response.text,
            "ended": response.has_end,
            "tokens": list(_tokens(pair, response, by, divergence)),
            "readings": {by: side.frame.render(side.frame.reads(prompt)) for by, side in pair.sides.items()},
        }

    def write(self, asked: Write) -> dict[str, Any]:
        """What one side writes behind these ids."""
        from tds_atlas.measure.generate import goes_on

        pair, prompt = self._pair(asked.comparison), _prompt(asked.prompt)
        pair.check_ids(asked.ids)
        side, room = pair.sides[asked.by], ANSWER_TOKENS - len(asked.ids)
        if room < 1:
            raise InputError(f"ids: the answer has {ANSWER_TOKENS:,} tokens, which is the most")
        ids, ended = goes_on(side, prompt, asked.ids, min(asked.tokens, room))
        return {"ids": ids, "ended": ended}

    def _pair(self, key: str) -> Pair:
        if key not in self._pairs:
            known = ", ".join([*self._pairs][:8])
            raise InputError(f"comparison: {key[:80]!r} is none of this report's; known: {known}")
        return self._pairs[key]


def _prompt(text: str) -> Prompt:
    return Prompt("live", text, "page", input=text)


def _tokens(pair: Pair, response: Response, by: dict[str, Score], divergence: Divergence) -> Iterator[dict[str, Any]]:
    scores = {score.condition_id: score for score in by.values()}
    for token in scored_tokens(pair.comparison, response, scores, divergence, pair.names):
        start, end = response.spans[token.pos]
        yield {
            "id": token.token_id,
            "text": token.text,
            "name": pair.names.get(token.token_id, "?"),
            "start": start,
            "end": end,
            **{side: _said(pair, score, token, side) for side, score in by.items()},
            "shift": token.shift,
            "kl": token.kl_aligned_base,
            "kl_back": token.kl_base_aligned,
            "js": token.js,
        }


def _said(pair: Pair, score: Score, token: ScoredToken, side: str) -> dict[str, Any]:
    """What one side says at a position; log-probabilities in nats."""
    rank, log_p = getattr(token, f"{side}_rank"), getattr(token, f"{side}_logprob")
    pairs = zip(score.top_ids[token.pos].tolist(), score.top_logprobs[token.pos].tolist(), strict=True)
    top = [{"id": i, "text": pair.names.get(i, "?"), "log_p": x} for i, x in pairs if i >= 0]
    return {"rank": rank, "log_p": log_p, "entropy": float(score.entropy[token.pos]), "top": top[:_SHOWN]}
