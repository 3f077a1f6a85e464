"""The third step of a run: every answer scored under every condition of its comparisons."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from tds_atlas.pipeline.plan import Plan
from tds_atlas.pipeline.retelling import Retelling
from tds_atlas.pipeline.sides import scorer_of, side_of
from tds_atlas.pipeline.tokenizers import Tokenizers
from tds_atlas.pipeline.work import WHOLE, Failures, WorkerPart
from tds_atlas.record.score_tables import divergence_table, score_table
from tds_atlas.record.shards import read_responses
from tds_atlas.terminal import progress_bar

if TYPE_CHECKING:
    from tds_atlas.measure.engines.models import Models
    from tds_atlas.measure.score import Scorer


def write_scores(plan: Plan, models: Callable[[], Models], part: WorkerPart = WHOLE) -> None:
    """Score the responses that have no scores yet. A shard that fails leaves the others intact."""
    failures = Failures()
    todo = [work for work in plan.scorings(part) if not work.shard.exists()]
    for source in dict.fromkeys(work.source for work in todo):
        scorings = [work for work in todo if work.source == source]
        scorer, retelling = _scorer(plan, models(), source), Retelling.of(plan, models(), source)
        with progress_bar(f"score {source}", sum(work.positions for work in scorings), "tokens") as advance:
            for work in scorings:
                start, responses = time.monotonic(), read_responses(work.answers)
                prompts = {r.response_id: plan.prompts[r.prompt_id] for r in responses}
                with failures.collect():
                    scores, divergences = scorer.score_all(responses, prompts, advance)
                    tables = {"score": score_table(scores)}
                    if divergences:
                        tables["divergence"] = divergence_table(divergences)
                    tables |= retelling.tables(responses, prompts)
                    meta = models().provenance() | {"seconds": time.monotonic() - start}
                    work.shard.write(tables, meta)
    failures.raise_collected()


def _scorer(plan: Plan, models: Models, source: str) -> Scorer:
    """The conditions that read the token ids of a source's answers, with their models loaded."""
    apart = Tokenizers.of(plan, models).apart(source)
    conditions = [c for c in plan.report.conditions_of(source) if c not in apart]
    sides = [side_of(plan, models, condition) for condition in conditions]
    return scorer_of(plan, sides, [c for c in plan.report.comparisons_of(source) if c.base not in apart])
