"""What a run will take at most: time on this machine's CPU, memory and disk, for `tds check`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tds_atlas.domain import Condition, ModelCard
from tds_atlas.pipeline.plan import Plan
from tds_atlas.pipeline.probe_works import amplified_answers
from tds_atlas.pipeline.recovery_cost import SLOWER, RecoveryCost
from tds_atlas.pipeline.sides import answer_reader
from tds_atlas.pipeline.speed import operations_per_second

if TYPE_CHECKING:
    from tds_atlas.measure.engines.models import Models

_ROW_BYTES = 12  # of a score without its lists; with 5 bytes per candidate this is the size of the pocket report
_CANDIDATE_BYTES = 5
_WIDTHS = {"float32": 4, "float64": 8}  # bytes; every other dtype has two


@dataclass(frozen=True)
class Cost:
    """Upper bounds for a run."""

    positions: int
    operations: float
    seconds: float  # on this machine's CPU
    memory_bytes: int
    disk_bytes: int


def cost_of(
    plan: Plan,
    models: Models,
    cards: Mapping[str, ModelCard],
    lengths: Mapping[Condition, dict[str, int]],
    recovery: RecoveryCost,
) -> Cost:
    """Two operations per parameter and token, at the speed of a matrix product timed now."""
    report, speed = plan.report, operations_per_second(models.device)
    elsewhere = {name for name, c in plan.checkpoints.items() if not c.engine.reads_weights}  # or measured already
    sizes = {name: 0 if name in elsewhere else c.parameters or 0 for name, c in cards.items()}
    positions, rows, work = 0, 0, 0.0
    for source in report.sources():
        tokens = _answer_tokens(plan, models, source)
        total = sum(count for _, count in tokens)
        positions += total
        for condition in report.conditions_of(source):
            rows += total
            n_ids = sum(count + lengths[condition][prompt_id] for prompt_id, count in tokens)
            work += 2 * sizes[condition.model_id] * n_ids
        if source in report.generated_sources():
            model_id = report.generated_sources()[source].model_id
            work += 2 * sizes[model_id] * total * SLOWER
    work += sum(2 * sizes[name] * text_places(plan) for name in _readers_of("fingerprint", plan))
    work += recovery.operations(sizes)
    amplified = math.prod(amplified_answers(plan))  # tokens
    work += sum(2 * sizes[name] * amplified * SLOWER for name in _readers_of("amplified", plan))
    weight_bytes = {
        c.weights_hash: sizes[name] * _WIDTHS.get(cards[name].dtype, 2)
        for name, c in plan.checkpoints.items()
        if name not in elsewhere
    }
    logits = 4 * max(report.score.chunk_logits * len(report.conditions_used()), recovery.logits)
    lists = _CANDIDATE_BYTES * report.score.top_k
    raised = 16 * (settings.top if (settings := report.probes.fingerprint) else 0)  # bytes a place
    disk = raised * text_places(plan) * len(_readers_of("fingerprint", plan))  # two readers each, shards and database
    disk += rows * (2 * _ROW_BYTES + lists * (2 if report.output.lists == "database" else 1))  # shards and database
    disk += recovery.disk_bytes
    return Cost(positions, work, work / speed, sum(weight_bytes.values()) + logits, disk)


def _readers_of(probe: str, plan: Plan) -> list[str]:
    """The models that a probe lets read, once for each comparison."""
    named = plan.report.probes.named.get(probe, ())
    pairs = [c for c in plan.report.comparisons if c.comparison_id in named]
    return [side.model for c in pairs for side in (c.base, c.aligned)]


def text_places(plan: Plan) -> int:
    """Of all neutral texts, had they the most tokens."""
    settings = plan.report.probes.fingerprint
    return settings.tokens * len(plan.texts) if settings else 0


def _answer_tokens(plan: Plan, models: Models, source: str) -> list[tuple[str, int]]:
    """The prompt of each answer, and its tokens with the end: counted in a file, else the limit."""
    if source not in plan.answers:
        settings = plan.report.generate
        return [(p.prompt_id, settings.max_new_tokens) for p in plan.prompt_set for _ in range(settings.samples)]
    reader = answer_reader(plan, models, source)
    return [(a.prompt.prompt_id, len(reader.read(source, a).token_ids) + 1) for a in plan.answers[source]]
