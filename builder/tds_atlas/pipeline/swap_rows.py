"""The probe of swapped tokens as rows of the table `swap`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Any

from tds_atlas.domain import Comparison, Prompt
from tds_atlas.pipeline.plan import Plan
from tds_atlas.pipeline.sides import side_of

if TYPE_CHECKING:
    from tds_atlas.measure.engines.models import Models


def swap_rows(plan: Plan, models: Models, comparison: Comparison, prompts: Sequence[Prompt]) -> list[dict[str, Any]]:
    """A row for each prompt and sample by each rule."""
    from tds_atlas.measure.decode import decode_with_spans
    from tds_atlas.measure.probes.swap import Asked, swaps

    base, aligned = side_of(plan, models, comparison.base), side_of(plan, models, comparison.aligned)
    settings = plan.report.probes.swap
    assert settings is not None
    asked = Asked(
        settings.shares,
        settings.reverse,
        settings.forward,
        settings.backward,
        settings.thresholds,
        settings.sampling,
        settings.samples,
    )

    @cache  # many texts of a prompt are the same
    def decoded(ids: tuple[int, ...]) -> str:
        return decode_with_spans(aligned.frame.tokenizer, ids)[0]

    rows = []
    for swap in swaps(base, aligned, prompts, asked, settings.max_new_tokens):
        joint = swap.text
        ends = joint.ids[-1] in {*base.model.end_ids, *aligned.model.end_ids}
        key = {"comparison_id": comparison.comparison_id, "prompt_id": prompts[swap.prompt].prompt_id}
        counts = {"n_tokens": len(joint.ids), "n_swapped": sum(joint.is_swap), "n_changed": sum(joint.is_change)}
        text = decoded(tuple(joint.ids[:-1] if ends else joint.ids))
        written = {"sample": swap.sample, "finish": "stop" if ends else "length", "text": text}
        rows.append(key | asdict(swap.name) | counts | written)
    return rows
