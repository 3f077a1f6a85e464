"""The first step of a run: compare vocabularies; record models, tokens, and conditions with what they read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from tds_atlas.domain import InputError, Prompt
from tds_atlas.inputs.checkpoints import Checkpoint
from tds_atlas.inputs.checkpoints import card as read_card
from tds_atlas.inputs.model_config import read_config, vocab_size
from tds_atlas.inputs.pins import moving_lines
from tds_atlas.pipeline.plan import RETOLD, Plan
from tds_atlas.pipeline.sides import side_of
from tds_atlas.pipeline.tokenizers import Tokenizers
from tds_atlas.record.shards import rows_table
from tds_atlas.terminal import say

if TYPE_CHECKING:
    from tds_atlas.measure.engines.models import Models
    from tds_atlas.measure.readings import Readings
    from tds_atlas.measure.side import Side


def write_cards(plan: Plan, models: Callable[[], Models]) -> None:
    """Compare the vocabularies of each comparison; record models, tokens, and conditions with their prompt cards."""
    shard = plan.cards()
    if shard.exists():
        return
    from tds_atlas.measure.decode import vocabulary
    from tds_atlas.measure.vocabularies import vocabulary_id

    cards = [read_card(checkpoint) for checkpoint in plan.checkpoints.values()]
    sides = [side_of(plan, models(), condition) for condition in plan.report.conditions_used()]
    tokenizers = Tokenizers.of(plan, models())
    retold = tokenizers.retold()
    extended = {c.comparison_id: tokenizers.said(c, retold) for c in plan.report.all_comparisons}
    ids = {name: vocabulary_id(tokenizer) for name, tokenizer in tokenizers.by_model.items()}
    cards = [replace(card, tokenizer_id=ids[card.model_id]) for card in cards]
    widths = {
        c.tokenizer_id: (max(o.vocab_size for o in cards if o.tokenizer_id == c.tokenizer_id), c.model_id)
        for c in cards
    }
    tokens = [t for key, (width, name) in widths.items() for t in vocabulary(tokenizers.by_model[name], key, width)]
    prompts = list(plan.prompts.values())
    readings = [side.readings(prompts) for side in sides]
    conditions = [side.card(prompts, read) for side, read in zip(sides, readings, strict=True)]
    for line in moving_lines(plan.checkpoints):
        say(line)
    for row, side in zip(conditions, sides, strict=True):
        _check_ids(plan.checkpoints[side.condition.model_id], row)
    for sentence in dict.fromkeys(filter(None, extended.values())):
        say(sentence)
    for row in conditions:
        if row["remarks"]:
            say(f"{row['condition_id']}: {row['remarks']}")
    shard.write(
        {
            "model": rows_table([asdict(c) for c in cards]),
            "condition": rows_table(conditions),
            "token": rows_table([asdict(t) for t in tokens]),
            "reading": rows_table(list(_reading_rows(sides, prompts, readings))),
        },
        {"extended": extended} | ({RETOLD: list(retold)} if retold else {}),
    )


def _check_ids(checkpoint: Checkpoint, row: Mapping[str, Any]) -> None:
    """Raises InputError for an id before the answers that the model has no row for. An adapter may bring rows."""
    rows = vocab_size(checkpoint.folder, read_config(checkpoint.folder))
    beyond = [i for i in (*row["head_ids"], *row["tail_ids"]) if i >= rows]
    if beyond and checkpoint.adapter is None:
        where = f"{row['condition_id']}: {checkpoint.tokenizer_folder}"
        raise InputError(f"{where}: its tokenizer writes the id {beyond[0]}, but the model has {rows:,} tokens")


def _reading_rows(
    sides: Sequence[Side], prompts: Sequence[Prompt], readings: Sequence[Readings]
) -> Iterator[dict[str, Any]]:
    """What each condition reads before the answers to each prompt, without what it reads before all."""
    for side, read in zip(sides, readings, strict=True):
        for prompt, text, special in zip(prompts, read.texts, read.special, strict=True):
            key = {"condition_id": side.condition.condition_id, "prompt_id": prompt.prompt_id}
            yield key | {"text": text, "special": list(special)}
