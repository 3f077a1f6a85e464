"""The first step of a run: compare vocabularies; record models, tokens, and conditions with their prompt cards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tds_atlas.domain import Condition
from tds_atlas.inputs.checkpoints import card
from tds_atlas.pipeline.plan import Plan
from tds_atlas.pipeline.sides import side_of
from tds_atlas.progress import say
from tds_atlas.record.shards import rows_table

if TYPE_CHECKING:
    from tds_atlas.measure.engines.transformers import Models

CARD_IDS = 12  # ids recorded at either end of a prompt


def write_cards(plan: Plan, models: Callable[[], Models]) -> None:
    """Check that each comparison has one vocabulary; record models, tokens, and conditions with their prompt cards."""
    shard = plan.cards()
    if shard.exists():
        return
    from tds_atlas.measure.decode import vocabulary
    from tds_atlas.measure.vocabularies import vocabulary_id

    tokenizers = {name: models().tokenizer(checkpoint) for name, checkpoint in plan.checkpoints.items()}
    extensions = _extensions(plan, tokenizers)
    ids = {name: vocabulary_id(tokenizer) for name, tokenizer in tokenizers.items()}
    cards = [card(checkpoint, ids[name]) for name, checkpoint in plan.checkpoints.items()]
    widths = {
        c.tokenizer_id: (max(o.vocab_size for o in cards if o.tokenizer_id == c.tokenizer_id), c.model_id)
        for c in cards
    }
    tokens = [t for key, (width, name) in widths.items() for t in vocabulary(tokenizers[name], key, width)]
    conditions = [_prompt_card(plan, models(), c) for c in plan.report.conditions_used()]
    shard.write(
        {
            "model": rows_table([asdict(c) for c in cards]),
            "condition": rows_table(conditions),
            "token": rows_table([asdict(t) for t in tokens]),
        },
        {"extended": extensions},
    )


def _extensions(plan: Plan, tokenizers: dict[str, Any]) -> dict[str, str]:
    """For each comparison a sentence on how one vocabulary extends the other; empty if both are the same."""
    from tds_atlas.measure.vocabularies import check_vocabularies

    sentences: dict[str, str] = {}
    for comparison in plan.report.all_comparisons:
        sentence = check_vocabularies(comparison.base.model_id, comparison.aligned.model_id, tokenizers) or ""
        if sentence and sentence not in sentences.values():
            say(sentence)
        sentences[comparison.comparison_id] = sentence
    return sentences


def _prompt_card(plan: Plan, models: Models, condition: Condition) -> dict[str, Any]:
    """What a condition's model reads before an answer, for the report's first prompt."""
    frame, prompt = side_of(plan, models, condition).frame, next(iter(plan.prompts.values())).text
    ids = frame.prompt_ids(prompt)
    return {
        "condition_id": condition.condition_id,
        "model_id": condition.model_id,
        "context_id": condition.context_id,
        "arithmetic": condition.arithmetic,
        "prompt_card": frame.render(prompt),
        "head_ids": list(ids[:CARD_IDS]),
        "tail_ids": list(ids[-CARD_IDS:]),
        "begin_tokens": frame.begin_count(ids),
        "template_hash": frame.template_hash,
    }
