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

from builder import workers
from builder.database import write_database
from builder.domain import Answer, Condition, Prompt, Response
from builder.failures import Failures
from builder.frames import frame_of
from builder.measure.checkpoints import card
from builder.plan import Plan, in_parts
from builder.probes import write_probes
from builder.progress import Advance, say, stage
from builder.record import shards
from builder.record.shards import Shard, read_responses
from builder.workers import WHOLE, Part

if TYPE_CHECKING:
    from builder.measure.models import Models

CARD_IDS = 12  # ids shown of either end of a prompt
SITE_SOURCE, DOCS, SITE_CONFIG = Path("site_src"), Path("build/docs"), Path("mkdocs.yml")


def lazy_models(plan: Plan, device: str | None = None) -> Callable[[], Models]:
    """One set of models for all stages of a run, made when a stage first finds work. On several devices: the first."""
    made: list[Models] = []

    def get() -> Models:
        if not made:
            from builder.measure.loading import choose_device
            from builder.measure.models import Models

            wanted = device or plan.report.device
            made.append(Models(choose_device(wanted if isinstance(wanted, str) else wanted[0])))
        return made[0]

    return get


def write_cards(plan: Plan, models: Callable[[], Models]) -> None:
    """Check that each comparison has one vocabulary; record models, conditions with their prompt cards, vocabulary."""
    shard = plan.cards()
    if shard.exists():
        return
    from builder.measure.decode import vocabulary
    from builder.measure.vocabularies import check_vocabularies, vocabulary_id

    tokenizers = {name: models().tokenizer(checkpoint) for name, checkpoint in plan.checkpoints.items()}
    extended: dict[str, str] = {}
    for comparison in plan.report.measured:
        pair = (comparison.base.model_id, comparison.aligned.model_id)
        said = check_vocabularies(*pair, tokenizers)
        if said and said not in extended.values():
            say(said)
        extended[comparison.comparison_id] = said or ""
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
            "model": shards.rows_table([asdict(c) for c in cards]),
            "condition": shards.rows_table(conditions),
            "token": shards.rows_table([asdict(t) for t in tokens]),
        },
        {"extended": extended},
    )


def write_responses(plan: Plan, models: Callable[[], Models], part: Part = WHOLE) -> None:
    """Generate or tokenise the answers that are not there yet. A shard that fails leaves the others unharmed."""
    failures = Failures()
    readings = [work for work in part.of(plan.readings()) if not work[-1].exists()]
    for source, condition, answers, shard in readings:
        models().model(plan.checkpoints[condition.model_id])  # one that cannot be loaded stops all at once
        with failures.kept():
            shard.write({"response": shards.response_table(_tokenise(plan, models(), source, condition, answers))})
    todo = [work for work in part.of(plan.generations()) if not work[-1].exists()]
    for condition in dict.fromkeys(condition for condition, _, _ in todo):
        models().model(plan.checkpoints[condition.model_id])
        with stage(f"generate {condition.condition_id}", None, "tokens") as advance:
            for _, prompts, shard in (work for work in todo if work[0] == condition):
                start = time.monotonic()
                with failures.kept():
                    responses = _generate(plan, models(), condition, prompts, advance)
                    shard.write({"response": shards.response_table(responses)}, {"seconds": time.monotonic() - start})
    failures.stop()


def write_scores(plan: Plan, models: Callable[[], Models], part: Part = WHOLE) -> None:
    """Score the responses that are not scored yet, under every condition of their comparisons."""
    failures = Failures()
    todo = [work for work in part.of(plan.scorings()) if not work.shard.exists()]
    for source in dict.fromkeys(work.source for work in todo):
        mine = [work for work in todo if work.source == source]
        for condition in plan.report.conditions_of(source):
            models().model(plan.checkpoints[condition.model_id], condition.dtype)
        with stage(f"score {source}", sum(work.positions for work in mine), "tokens") as advance:
            for work in mine:
                with failures.kept():
                    _score(plan, models(), source, read_responses(work.answers), work.shard, advance)
    failures.stop()


def measure(plan: Plan) -> None:
    """Everything up to the database; on several devices, one worker each."""
    models = lazy_models(plan)
    write_cards(plan, models)
    if isinstance(plan.report.device, str):
        write_responses(plan, models)
        write_scores(plan, models)
        write_probes(plan, models)
    else:
        if not all(shard.exists() for _, shard in plan.response_shards()):
            workers.run("generate", plan.path, plan.report.device)
        if not all(work.shard.exists() for work in plan.scorings()):
            workers.run("score", plan.path, plan.report.device)
        if not all(shard.exists() for _, shard in plan.probe_shards()):
            workers.run("probe", plan.path, plan.report.device)
    write_database(plan)


def report(database: Path) -> None:
    """The database as a folder of plain files for MkDocs. Needs no torch."""
    from builder.report.site import write_docs

    write_docs(database, SITE_SOURCE, DOCS)


def build_site(site: Path, hosted: bool = False) -> None:
    """The folder of plain files as a static site; `hosted` with a strict content policy, which file:// cannot have."""
    from builder.report.site import build_site as build

    build(SITE_CONFIG, site, hosted)


def _prompt_card(plan: Plan, models: Models, condition: Condition) -> dict[str, Any]:
    """What a condition's model reads before an answer, shown on the report's first prompt."""
    frame, prompt = frame_of(plan, models, condition), next(iter(plan.prompts.values())).text
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


def _tokenise(
    plan: Plan, models: Models, source: str, condition: Condition, answers: tuple[Answer, ...]
) -> list[Response]:
    from builder.measure.generate import tokenise

    end_ids = models.model(plan.checkpoints[condition.model_id]).end_ids
    return tokenise(frame_of(plan, models, condition), source, answers, end_ids)


def _generate(
    plan: Plan, models: Models, condition: Condition, prompts: tuple[Prompt, ...], advance: Advance
) -> list[Response]:
    """Answers to the prompts of one shard, in batches of like length."""
    from builder.measure.generate import generate

    model, frame = models.model(plan.checkpoints[condition.model_id]), frame_of(plan, models, condition)
    settings, responses = plan.report.generate, []
    for batch in in_parts(sorted(prompts, key=lambda p: len(p.text)), settings.batch_size):
        responses += generate(model, frame, condition, batch, settings.max_new_tokens)
        advance(sum(len(r.token_ids) for r in responses[-len(batch) :]))
    return responses


def _score(plan: Plan, models: Models, source: str, responses: list[Response], shard: Shard, advance: Advance) -> None:
    from builder.measure.score import Scorer

    conditions, settings = plan.report.conditions_of(source), plan.report.score
    loaded = {c: models.model(plan.checkpoints[c.model_id], c.dtype) for c in conditions}
    comparisons = plan.report.comparisons_of(source)
    scorer = Scorer(loaded, comparisons, settings.top_k, settings.batch_tokens, settings.chunk_logits)
    frames = {c: frame_of(plan, models, c) for c in conditions}
    texts = {r.response_id: plan.prompts[r.prompt_id].text for r in responses}
    heads = {name: {c: frame.prompt_ids(text) for c, frame in frames.items()} for name, text in texts.items()}
    start, scores, divergences = time.monotonic(), [], []
    for batch in scorer.batches(responses, heads):
        for more_scores, more_divergences in scorer.score(batch, heads):
            scores += more_scores
            divergences += more_divergences
        advance(sum(len(r.token_ids) for r in batch))
    meta = _measured_with(models) | {"seconds": time.monotonic() - start}
    shard.write({"score": shards.score_table(scores), "divergence": shards.divergence_table(divergences)}, meta)


def _measured_with(models: Models) -> dict[str, Any]:
    """What of the machine may show in the last digits of a number."""
    loaded = models.loaded.values()
    attention = sorted({str(m.model.config._attn_implementation) for m in loaded})
    dtypes = sorted({f"{m.checkpoint.model_id} {m.model.dtype}".replace("torch.", "") for m in loaded})
    return {
        "device": models.device,
        "machine": platform.machine(),
        "attention": ", ".join(attention),
        "dtypes": ", ".join(dtypes),
        "torch": version("torch"),
        "transformers": version("transformers"),
    }
