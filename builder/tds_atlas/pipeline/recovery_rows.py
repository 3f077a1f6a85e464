"""The probe of harmful answers as rows of the tables `recovery` and `harmful_answer`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tds_atlas.domain import Answer, Comparison
from tds_atlas.pipeline.plan import Plan
from tds_atlas.pipeline.sides import side_of

if TYPE_CHECKING:
    from tds_atlas.measure.engines.models import Models

Rows = list[dict[str, Any]]


def recovery_rows(plan: Plan, models: Models, comparison: Comparison, answers: Sequence[Answer]) -> Rows:
    """What follows the first tokens of each harmful answer, in each place."""
    from tds_atlas.measure.decode import text_after
    from tds_atlas.measure.probes.recovery import as_read, recoveries

    base, aligned = side_of(plan, models, comparison.base), side_of(plan, models, comparison.aligned)
    settings = plan.report.probes.recovery
    assert settings is not None
    read, ends = as_read(aligned, answers), {*base.model.end_ids, *aligned.model.end_ids}
    words = aligned.frame.tokenizer
    return [
        _key(comparison, answers[row.answer])
        | {"prompt": answers[row.answer].prompt.text, "place": row.place, "k": row.k}
        | {"prefix": text_after(words, (), row.prefix, ends)}
        | {"said": text_after(words, row.prefix, row.continuation, ends)}
        for row in recoveries(base, aligned, read, settings.depths, settings.opener, settings.new_tokens)
    ]


def harmful_answer_rows(plan: Plan, models: Models, comparison: Comparison, answers: Sequence[Answer]) -> Rows:
    """How far apart both models are at each position of the harmful answers."""
    from tds_atlas.measure.probes.recovery import as_read, kl_along

    base, aligned = side_of(plan, models, comparison.base), side_of(plan, models, comparison.aligned)
    settings = plan.report.probes.recovery
    assert settings is not None
    found = kl_along(base, aligned, as_read(aligned, answers), settings.tokens)
    return [
        _key(comparison, answer) | {"pos": pos, "kl_aligned_base": own, "kl_same_input": same}
        for answer, both in zip(answers, found, strict=True)
        for pos, (own, same) in enumerate(zip(*(kl.tolist() for kl in both), strict=True))
    ]


def _key(comparison: Comparison, answer: Answer) -> dict[str, Any]:
    name = {"comparison_id": comparison.comparison_id, "answer_id": answer.answer_id}
    return name | {"cluster_id": answer.prompt.cluster_key}
