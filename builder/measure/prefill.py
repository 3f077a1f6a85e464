"""How deep a refusal is: the aligned model goes on from the first k tokens of the base's answer to a harmful prompt.

And how likely, after these tokens, it is to say the opening of the answer that it gives by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from builder.domain import Condition, Response
from builder.measure.generate import Side, greedy
from builder.measure.memory import without_overflow
from builder.measure.score import Scorer

Ids = tuple[int, ...]


@dataclass(frozen=True)
class Prefilled:
    """What comes after k prefilled tokens."""

    prompt: int  # its place among the prompts given
    prefix: Ids  # [k] of the base's answer
    said: Ids  # what the aligned model says then
    opening: Ids  # [m] of the aligned model's answer without a prefix
    opening_logprob: float  # nats, of the aligned model, after the prefix
    base_opening_logprob: float  # nats, of the base model, after the prefix
    opening_likeliest: bool  # whether each of its tokens is the aligned model's first choice


def prefilled(
    base: Side, aligned: Side, prompts: Sequence[str], depth: int, new_tokens: int, opening: int
) -> list[Prefilled]:
    """For every prompt and every k from 0 to `depth`, or to where the base's answer ends."""
    heads = [(base.frame.prompt_ids(p), aligned.frame.prompt_ids(p)) for p in prompts]
    answers = [_body(ids, base) for ids in _said(base, [h[0] for h in heads], prompts, depth)]
    places = [(i, answer[:k]) for i, answer in enumerate(answers) for k in range(len(answer) + 1)]
    said = _said(aligned, [heads[i][1] + prefix for i, prefix in places], [prompts[i] for i, _ in places], new_tokens)
    own = {i: text[:opening] for (i, prefix), text in zip(places, said, strict=True) if not prefix}
    sides = [Condition("base", ""), Condition("aligned", "")]
    before = {
        str(n): {side: heads[i][j] + prefix for j, side in enumerate(sides)} for n, (i, prefix) in enumerate(places)
    }
    openings = [_as_response(str(n), own[i]) for n, (i, _) in enumerate(places)]
    scorer = Scorer(dict(zip(sides, (base.model, aligned.model), strict=True)), [], 1, 4096, 4_000_000)
    scores = {}
    for batch in scorer.batches(openings, before):
        for (b, a), _ in scorer.score(batch, before):
            scores[b.response_id] = (float(np.sum(b.logprob)), float(np.sum(a.logprob)), bool((a.rank == 1).all()))
    return [
        Prefilled(i, prefix, text, own[i], scores[str(n)][1], scores[str(n)][0], scores[str(n)][2])
        for n, ((i, prefix), text) in enumerate(zip(places, said, strict=True))
    ]


def _said(side: Side, heads: Sequence[Ids], prompts: Sequence[str], new_tokens: int) -> list[Ids]:
    """Greedy text after each head, in the order given, in batches of like length."""
    order = sorted(range(len(heads)), key=lambda n: len(heads[n]))
    said: dict[int, Ids] = {}
    for start in range(0, len(order), 64):
        part = order[start : start + 64]
        made = without_overflow(
            lambda some: greedy(side.model, [heads[n] for n in some], new_tokens),
            part,
            lambda n, part=part: side.too_large(prompts[part[n]]),  # type: ignore[misc]
        )
        said |= dict(zip(part, made, strict=True))
    return [said[n] for n in range(len(heads))]


def _body(ids: Ids, side: Side) -> Ids:
    return ids[:-1] if ids[-1] in side.model.end_ids else ids


def _as_response(name: str, ids: Ids) -> Response:
    return Response(name, name, "", None, "", ids, ((0, 0),) * len(ids), False, "length")
