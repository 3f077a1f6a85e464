"""The stages in order, each skipping what is done: cards, responses, scores, store, docs, site. Where the floors meet.

torch and transformers are imported only by the functions that find something left to measure.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.database import write_database
from builder.domain import Answer, Condition, Prompt, Response
from builder.measure.checkpoints import card
from builder.plan import Plan, in_parts
from builder.progress import Advance, stage
from builder.record import shards
from builder.record.shards import Shard

if TYPE_CHECKING:
    from builder.measure.models import Models

SITE_SOURCE, DOCS, SITE_CONFIG = Path("site_src"), Path("build/docs"), Path("mkdocs.yml")


def lazy_models(plan: Plan) -> Callable[[], Models]:
    """One set of models for all stages of a run, made when a stage first finds work."""
    made: list[Models] = []

    def get() -> Models:
        if not made:
            from builder.measure.models import Models, choose_device

            made.append(Models(choose_device(plan.report.device)))
        return made[0]

    return get


def write_cards(plan: Plan, models: Callable[[], Models]) -> None:
    """Check that each comparison has one vocabulary; record models, conditions and vocabulary."""
    shard = plan.cards()
    if shard.exists():
        return
    from builder.measure.contexts import render
    from builder.measure.decode import vocabulary
    from builder.measure.models import check_same_vocabulary, vocabulary_id

    tokenizers = {name: models().tokenizer(checkpoint) for name, checkpoint in plan.checkpoints.items()}
    for comparison in plan.report.comparisons:
        check_same_vocabulary(comparison.base.model, comparison.aligned.model, tokenizers)
    ids = {name: vocabulary_id(tokenizer) for name, tokenizer in tokenizers.items()}
    cards = [card(checkpoint, ids[name]) for name, checkpoint in plan.checkpoints.items()]
    widths = {
        c.tokenizer_id: (max(o.vocab_size for o in cards if o.tokenizer_id == c.tokenizer_id), c.model_id)
        for c in cards
    }
    tokens = [t for key, (width, name) in widths.items() for t in vocabulary(tokenizers[name], key, width)]
    first = next(iter(plan.prompts.values())).text
    conditions = [
        {
            "condition_id": c.condition_id,
            "model_id": c.model_id,
            "context_id": c.context_id,
            "prompt_card": render(plan.report.contexts[c.context_id], tokenizers[c.model_id], first),
        }
        for c in _conditions(plan)
    ]
    shard.write(
        {
            "model": shards.rows_table([asdict(c) for c in cards]),
            "condition": shards.rows_table(conditions),
            "token": shards.rows_table([asdict(t) for t in tokens]),
        }
    )


def write_responses(plan: Plan, models: Callable[[], Models]) -> None:
    """Generate or tokenise the answers that are not there yet."""
    readings = [work for work in plan.readings() if not work[-1].exists()]
    for source, condition, answers, shard in readings:
        shard.write({"response": shards.response_table(_tokenise(plan, models(), source, condition, answers))})
    todo = [work for work in plan.generations() if not work[-1].exists()]
    for condition in dict.fromkeys(condition for condition, _, _ in todo):
        with stage(f"generate {condition.condition_id}", None, "tokens") as advance:
            for _, prompts, shard in (work for work in todo if work[0] == condition):
                start = time.monotonic()
                responses = _generate(plan, models(), condition, prompts, advance)
                shard.write({"response": shards.response_table(responses)}, {"seconds": time.monotonic() - start})


def write_scores(plan: Plan, models: Callable[[], Models]) -> None:
    """Score the responses that are not scored yet, under every condition of their comparisons."""
    todo = [work for work in plan.scorings() if not work[-1].exists()]
    for source in dict.fromkeys(source for source, _, _ in todo):
        mine = [work for work in todo if work[0] == source]
        total = sum(len(r.token_ids) for _, responses, _ in mine for r in responses)
        with stage(f"score {source}", total, "tokens") as advance:
            for _, responses, shard in mine:
                _score(plan, models(), source, responses, shard, advance)


def measure(plan: Plan) -> None:
    """Everything up to the database."""
    models = lazy_models(plan)
    write_cards(plan, models)
    write_responses(plan, models)
    write_scores(plan, models)
    write_database(plan)


def report(database: Path) -> None:
    """The database as a folder of plain files for MkDocs. Needs no torch."""
    from builder.report.site import write_docs

    write_docs(database, SITE_SOURCE, DOCS)


def build_site(site: Path) -> None:
    """The folder of plain files as a static site."""
    from builder.report.site import build_site as build

    build(SITE_CONFIG, site)


def _conditions(plan: Plan) -> list[Condition]:
    sources = dict.fromkeys(c.source for c in plan.report.comparisons)
    return list(dict.fromkeys(c for source in sources for c in plan.report.conditions_of(source)))


def _tokenise(
    plan: Plan, models: Models, source: str, condition: Condition, answers: tuple[Answer, ...]
) -> list[Response]:
    from builder.measure.generate import tokenise

    checkpoint = plan.checkpoints[condition.model_id]
    end_id = models.model(checkpoint).end_ids[0]
    return tokenise(models.tokenizer(checkpoint), plan.report.contexts[condition.context_id], source, answers, end_id)


def _generate(
    plan: Plan, models: Models, condition: Condition, prompts: tuple[Prompt, ...], advance: Advance
) -> list[Response]:
    """Answers to the prompts of one shard, in batches of like length."""
    from builder.measure.generate import generate

    checkpoint, context = plan.checkpoints[condition.model_id], plan.report.contexts[condition.context_id]
    model, tokenizer = models.model(checkpoint), models.tokenizer(checkpoint)
    settings, responses = plan.report.generate, []
    for batch in in_parts(sorted(prompts, key=lambda p: len(p.text)), settings.batch_size):
        responses += generate(model, tokenizer, condition, context, batch, settings.max_new_tokens)
        advance(sum(len(r.token_ids) for r in responses[-len(batch) :]))
    return responses


def _score(plan: Plan, models: Models, source: str, responses: list[Response], shard: Shard, advance: Advance) -> None:
    from builder.measure.score import Pair, Scorer

    conditions, settings = plan.report.conditions_of(source), plan.report.score
    loaded = {c: models.model(plan.checkpoints[c.model_id]) for c in conditions}
    pairs = [Pair(c.comparison_id, c.base.condition, c.aligned.condition) for c in plan.report.comparisons_of(source)]
    scorer = Scorer(loaded, pairs, settings.top_k, settings.batch_tokens, settings.chunk_positions)
    heads = {r.response_id: {c: _prompt_ids(plan, models, c, r.prompt_id) for c in conditions} for r in responses}
    start, scores, divergences = time.monotonic(), [], []
    for batch in scorer.batches(responses, heads):
        more_scores, more_divergences = scorer.score(batch, heads)
        scores += more_scores
        divergences += more_divergences
        advance(sum(len(r.token_ids) for r in batch))
    meta = _measured_with(models) | {"seconds": time.monotonic() - start}
    shard.write({"score": shards.score_table(scores), "divergence": shards.divergence_table(divergences)}, meta)


def _prompt_ids(plan: Plan, models: Models, condition: Condition, prompt_id: str) -> tuple[int, ...]:
    from builder.measure.contexts import prompt_ids

    tokenizer = models.tokenizer(plan.checkpoints[condition.model_id])
    return prompt_ids(plan.report.contexts[condition.context_id], tokenizer, plan.prompts[prompt_id].text)


def _measured_with(models: Models) -> dict[str, Any]:
    """What of the machine may show in the last digits of a number."""
    attention = sorted({str(m.model.config._attn_implementation) for m in models.loaded.values()})
    return {
        "device": models.device,
        "machine": platform.machine(),
        "attention": ", ".join(attention),
        "torch": version("torch"),
        "transformers": version("transformers"),
    }
