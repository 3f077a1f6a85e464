"""A condition's context as its model reads it, from a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.domain import Condition
from builder.plan import Plan

if TYPE_CHECKING:
    from builder.measure.contexts import Frame
    from builder.measure.models import Models


def frame_of(plan: Plan, models: Models, condition: Condition) -> Frame:
    """A condition's context as its model reads it."""
    from builder.measure.contexts import Frame

    context = plan.report.contexts[condition.context_id]
    tokenizer, lent = models.tokenizer(plan.checkpoints[condition.model_id]), None
    if context.template_of is not None:
        lent = models.tokenizer(plan.checkpoints[context.template_of]).chat_template
    return Frame(condition.context_id, context, tokenizer, lent if context.kind == "chat" else None)
