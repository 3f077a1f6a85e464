"""How deep a refusal is: the aligned model continues the first k tokens of the base's answer to a harmful prompt.

And how likely it is, after these tokens, to write the opening of the answer that it gives without them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tds_atlas.domain import Prompt, Response
from tds_atlas.inputs.step_settings import ScoreSettings
from tds_atlas.measure.memory import in_batches
from tds_atlas.measure.score import Scorer
from tds_atlas.measure.side import Ids, Side

_ROWS = 64  # texts continued at a time


@dataclass(frozen=True)
class Prefill:
    """What follows k prefilled tokens."""

    prompt: int  # index into the prompts
    prefix: Ids  # [k] of the base's answer
    continuation: Ids  # by the aligned model
    opening: Ids  # [m] of the aligned model's answer without a prefix
    opening_logprob: float  # nats, of the aligned model, after the prefix
    base_opening_logprob: float  # nats, of the base model, after the prefix
    opening_likeliest: bool  # whether each of its tokens is the aligned model's first choice


def prefills(
    base: Side, aligned: Side, prompts: Sequence[Prompt], depth: int, new_tokens: int, opening: int
) -> list[Prefill]:
    """For every prompt and every k from 0 to `depth`, or up to the end of the base's answer."""
    base_ids = [base.prompt_ids(prompt) for prompt in prompts]
    aligned_ids = [aligned.prompt_ids(prompt) for prompt in prompts]
    answers = [without_end(ids, base) for ids in greedy_after(base, base_ids, prompts, depth)]
    prefixes = [(i, answer[:k]) for i, answer in enumerate(answers) for k in range(len(answer) + 1)]
    texts = greedy_after(
        aligned, [aligned_ids[i] + prefix for i, prefix in prefixes], [prompts[i] for i, _ in prefixes], new_tokens
    )
    openings = {i: text[:opening] for (i, prefix), text in zip(prefixes, texts, strict=True) if not prefix}
    before = [(base_ids[i] + prefix, aligned_ids[i] + prefix, openings[i]) for i, prefix in prefixes]
    return [
        Prefill(i, prefix, text, openings[i], *scores)
        for (i, prefix), text, scores in zip(prefixes, texts, _opening_scores(base, aligned, before), strict=True)
    ]


def _opening_scores(
    base: Side, aligned: Side, texts: Sequence[tuple[Ids, Ids, Ids]]
) -> Iterator[tuple[float, float, bool]]:
    """Log-probability of each opening under the aligned model and under the base, and whether the aligned model
    would choose it greedily. `texts`: the ids before the opening, for base and aligned model, and the opening."""
    responses = [_as_response(str(n), opening) for n, (_, _, opening) in enumerate(texts)]
    prompts = {str(n): {base.condition: b, aligned.condition: a} for n, (b, a, _) in enumerate(texts)}
    usual = ScoreSettings()
    scorer = Scorer([base, aligned], [], 1, usual.batch_tokens, usual.chunk_logits)
    scores = {}
    for batch in scorer.batches(responses, prompts):
        for (b, a), _ in scorer.score(batch, prompts):
            scores[b.response_id] = (float(np.sum(a.logprob)), float(np.sum(b.logprob)), bool((a.rank == 1).all()))
    return (scores[response.response_id] for response in responses)


def greedy_after(side: Side, texts: Sequence[Ids], prompts: Sequence[Prompt], new_tokens: int) -> list[Ids]:
    """The greedy continuation of each text, in the order given, in batches of similar length. `prompts`: of each."""
    order = sorted(range(len(texts)), key=lambda n: len(texts[n]))
    size = side.model.texts_at_once(max(map(len, texts), default=1) + new_tokens, _ROWS)
    answers = in_batches(
        lambda batch: side.model.greedy([texts[n] for n in batch], new_tokens),
        order,
        size,
        lambda i: side.out_of_memory(prompts[order[i]]),
    )
    by_place = dict(zip(order, answers, strict=True))
    return [by_place[n] for n in range(len(texts))]


def without_end(ids: Ids, side: Side) -> Ids:
    """The ids without an end token of the side's model at their end."""
    return ids[:-1] if ids[-1] in side.model.end_ids else ids


def _as_response(name: str, ids: Ids) -> Response:
    return Response(name, name, "", None, "", ids, ((0, 0),) * len(ids), False, "length")
