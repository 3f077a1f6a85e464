"""Which conditions a page puts beside each other: a report's comparisons, and the same models in other contexts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from tds_atlas.domain import Comparison, Condition, InputError, Prompt
from tds_atlas.pipeline.plan import Plan
from tds_atlas.pipeline.sides import side_of
from tds_atlas.pipeline.tokenizers import Tokenizers

if TYPE_CHECKING:
    from tds_atlas.measure.engines.models import Models

_TRIED = Prompt("tried", "What?", "page", input="What?")


@dataclass(frozen=True)
class Pairs:
    """The pairs by their keys, those of the report first, and a line for each of its comparisons that is left out."""

    by_key: dict[str, Comparison]
    left_out: tuple[str, ...]


def pairs_of(plan: Plan, models: Models) -> Pairs:
    """Reads tokenizers, not weights. Raises InputError if there is no pair."""
    own = [c for c in plan.report.all_comparisons if c.kind == "tuning"]
    retold = Tokenizers.of(plan, models).retold()
    problems = {c.comparison_id: retold.get(c.comparison_id) or _lists_alone(plan, c) for c in own}
    lines = tuple(f"{name}: {problem}" for name, problem in problems.items() if problem)
    kept = [c for c in own if not problems[c.comparison_id]]
    if not kept:
        reasons = "; ".join(lines) or "it has no comparison"
        raise InputError(f"{plan.path}: nothing to try live: {reasons}")
    return Pairs({c.comparison_id: c for c in (*kept, *_in_other_contexts(plan, models, kept))}, lines)


def _lists_alone(plan: Plan, comparison: Comparison) -> str:
    """Why not, where a model is not run by this machine."""
    for condition in (comparison.base, comparison.aligned):
        engine = plan.checkpoints[condition.model_id].engine.kind
        if engine not in ("transformers", "vllm"):
            return f"model {condition.model_id} is {engine}, so that its whole distributions are not known"
    return ""


def _in_other_contexts(plan: Plan, models: Models, own: list[Comparison]) -> Iterator[Comparison]:
    """The models of each comparison in every pair of contexts of the report that no comparison has."""
    known = {(c.base, c.aligned) for c in own}
    contexts = dict.fromkeys(c.context_id for c in plan.report.conditions_used() if not c.arithmetic)
    model_ids = dict.fromkeys(model_id for c in own for model_id in (c.base.model_id, c.aligned.model_id))
    readable = {c for c in (Condition(m, x) for m, x in product(model_ids, contexts)) if _reads(plan, models, c)}
    for base_id, aligned_id in dict.fromkeys((c.base.model_id, c.aligned.model_id) for c in own):
        for base, aligned in product(contexts, contexts):
            pair = (Condition(base_id, base), Condition(aligned_id, aligned))
            if pair not in known and pair[0] != pair[1] and set(pair) <= readable:
                name = "|".join(condition.condition_id for condition in pair)
                yield Comparison(name, name, "tuning", *pair, pair[1].condition_id)


def _reads(plan: Plan, models: Models, condition: Condition) -> bool:
    """Whether the model has what the context needs, such as a chat template."""
    try:
        return bool(side_of(plan, models, condition).prompt_ids(_TRIED))
    except InputError:
        return False
