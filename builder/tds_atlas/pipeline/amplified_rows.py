"""Amplified decoding as rows of the table `amplified`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from tds_atlas.domain import MARGINAL_RANK, Comparison, Prompt
from tds_atlas.pipeline.plan import Plan
from tds_atlas.pipeline.sides import side_of

if TYPE_CHECKING:
    from tds_atlas.measure.engines.models import Models
    from tds_atlas.measure.probes.amplified import Amplified


def amplified_rows(
    plan: Plan, models: Models, comparison: Comparison, prompts: Sequence[Prompt]
) -> list[dict[str, Any]]:
    """Every answer with what it is made of, beside the answer to the same prompt at α = 0."""
    from tds_atlas.measure.decode import text_after
    from tds_atlas.measure.probes.amplified import Draws, amplified, goes_round

    base, aligned = side_of(plan, models, comparison.base), side_of(plan, models, comparison.aligned)
    settings = plan.report.probes.amplified
    assert settings is not None
    heat = settings.temperature
    draws = None if heat is None else Draws(heat, settings.seed, settings.samples)
    answers = amplified(base, aligned, prompts, settings.alphas, settings.max_new_tokens, draws)
    plain = {(answer.prompt, answer.sample): answer for answer in answers if answer.alpha == 0}
    ends = {*base.model.end_ids, *aligned.model.end_ids}
    return [
        {
            "comparison_id": comparison.comparison_id,
            "prompt_id": prompts[answer.prompt].prompt_id,
            "sample": answer.sample,
            "alpha": answer.alpha,
            **_counts(answer),
            "n_same": _same(answer.ids, plain[answer.prompt, answer.sample].ids),
            "goes_round": goes_round(answer.ids),
            "finish": "stop" if answer.ids[-1] in ends else "length",
            "text": text_after(aligned.frame.tokenizer, (), answer.ids, ends),
        }
        for answer in answers
    ]


def _counts(answer: Amplified) -> dict[str, Any]:
    """Its tokens, by their class under the base, and how likely the aligned model as it is finds them."""
    return {
        "n_tokens": len(answer.ids),
        "n_marginal": sum(1 < rank <= MARGINAL_RANK for rank in answer.base_ranks),
        "n_shifted": sum(rank > MARGINAL_RANK for rank in answer.base_ranks),
        "logprob": float(sum(answer.logprobs)),
    }


def _same(ids: Sequence[int], others: Sequence[int]) -> int:
    """How many of their first ids are the same."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(ids, others, strict=False)))
