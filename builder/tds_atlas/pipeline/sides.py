"""The sides of a plan's comparisons and their models: the one place that makes a `Side`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tds_atlas.domain import Comparison, Condition, InputError
from tds_atlas.inputs.settings import known_devices
from tds_atlas.pipeline.plan import Plan

if TYPE_CHECKING:
    from tds_atlas.measure.answers import Reader
    from tds_atlas.measure.engines.models import Models
    from tds_atlas.measure.score import Scorer
    from tds_atlas.measure.side import Side


def lazy_models(plan: Plan, device: str | None = None) -> Callable[[], Models]:
    """One set of models for all steps of a run, created when a step first needs one. Of several devices, the first.

    Raises InputError for a name that is no device, whether or not anything is left to measure.
    """
    try:
        known_devices(plan.report.device if device is None else device)
    except ValueError as error:
        raise InputError(f"--device: {error}") from None
    models: list[Models] = []

    def get() -> Models:
        if not models:
            from tds_atlas.measure.engines.models import Models

            devices = device or plan.report.device
            first = devices if isinstance(devices, str) else devices[0]
            models.append(Models(first, plan.report.score.top_k))
        return models[0]

    return get


def answer_reader(plan: Plan, models: Models, source: str) -> Reader:
    """How the answers of a file are read: in the aligned condition under which they are scored first."""
    from tds_atlas.measure.answers import Reader
    from tds_atlas.measure.end_tokens import end_ids_of

    condition = plan.report.reader_of(source)
    checkpoint = plan.checkpoints[condition.model_id]
    computes = any(plan.engine_of(c).kind != "recorded" for c in plan.report.conditions_of(source))
    ends = end_ids_of(checkpoint, models.tokenizer(checkpoint))
    return Reader(side_of(plan, models, condition).frame, ends, computes)


def scorer_of(plan: Plan, sides: Sequence[Side], comparisons: Sequence[Comparison]) -> Scorer:
    """What scores answers under these sides, with their models loaded."""
    from tds_atlas.measure.score import Scorer

    settings = plan.report.score
    scorer = Scorer(sides, comparisons, settings.top_k, settings.batch_tokens, settings.chunk_logits)
    _ = scorer.models  # a model that cannot be loaded stops the run at once
    return scorer


def side_of(plan: Plan, models: Models, condition: Condition) -> Side:
    """A condition of the plan as a side. Reads the tokenizer, not the weights."""
    from tds_atlas.measure.contexts import Frame
    from tds_atlas.measure.side import Side

    checkpoint, context = plan.checkpoints[condition.model_id], plan.report.contexts[condition.context_id]
    template = None
    if context.kind == "chat" and context.template_of is not None:
        template = models.tokenizer(plan.checkpoints[context.template_of]).chat_template
    frame = Frame(condition.context_id, context, models.tokenizer(checkpoint), template)
    again = plan.report.engine_again(condition)
    return Side(condition, frame, lambda: models.model(checkpoint, condition.dtype, again))
