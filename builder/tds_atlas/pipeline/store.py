"""The finished shards of a plan as one database, with a record of how they were measured."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from inspect import getsource
from typing import Any

from tds_atlas import __version__
from tds_atlas.inputs import roles, segments
from tds_atlas.inputs.series import series_rows
from tds_atlas.inputs.settings import ContextSettings
from tds_atlas.parts import sole_writer
from tds_atlas.pipeline.plan import MEASURING, Plan
from tds_atlas.record.schema import schema_text
from tds_atlas.record.score_rows import LISTS
from tds_atlas.record.shards import Shard, content_key
from tds_atlas.record.store import Records, is_current, store
from tds_atlas.terminal import progress_bar, say


def write_database(plan: Plan) -> None:
    """Store the shards as one database, unless it already holds exactly these."""
    scores = [work.shard for work in plan.scorings()]
    responses = [shard for _, shard in plan.response_shards()]
    probes = list(plan.probe_shards())
    content = content_key(
        schema_text(),
        plan.text,
        __version__,
        plan.cards().key,
        [s.key for s in (*responses, *scores)],
        [(table, shard.key) for table, shard in probes],
        (plan.roles.safety, plan.roles.style, plan.roles.values, getsource(roles), getsource(segments)),
        [(p.prompt_id, p.tasks, p.topics, p.harmful, p.truths, p.cluster_key) for p in plan.prompts.values()],
        [asdict(planted) for planted in plan.controls],
        series_rows(plan.report.series),
        plan.passed_over,
    )
    database, records = plan.report.output.database, _records(plan, responses, scores, probes, content)
    if not is_current(database, content):
        with sole_writer(database):
            if not is_current(database, content):  # as another process may have stored it meanwhile
                with progress_bar("store", None, "shards") as advance:
                    store(database, records)
                    advance(len(responses) + len(scores) + len(probes))
                return
    say(f"{database} is up to date")


def _records(
    plan: Plan, responses: list[Shard], scores: list[Shard], probes: list[tuple[str, Shard]], content: str
) -> Records:
    report = plan.report
    metas = [shard.meta() for shard in scores]
    run = {
        "content_key": content,
        "report_name": report.name,
        "report_title": report.title,
        "report_description": report.description,
        "report_config": plan.text,
        "example_pages": str(report.site.example_pages),
        "measuring_version": str(MEASURING),
        "tds_atlas_version": __version__,
        "python_version": platform.python_version(),
    }
    if report.output.lists == "shards":
        run[LISTS] = "shards"
    if report.probes.fingerprint and report.probes.fingerprint.against:
        run["fingerprint_against"] = report.probes.fingerprint.against
    if (swap := report.probes.swap) and swap.sampling:
        top_p = f", top-p {swap.top_p:g}" if swap.sampling.top_p else ""
        run["swap_sampling"] = (
            f"temperature {swap.temperature:g}{top_p}, seed {swap.seed}, {swap.samples} of each prompt"
        )
    if plan.passed_over:
        run["rows_passed_over"] = "\n".join(plan.passed_over)
    run |= _measured_by(metas)
    run["seconds_generating"] = f"{sum(s.meta().get('seconds', 0) for s in responses):.1f}"
    run["seconds_scoring"] = f"{sum(meta['seconds'] for meta in metas):.1f}"
    loaded = {name: text for meta in metas for name, text in meta["loaded"].items()}
    return Records(
        plan.cards(),
        responses,
        scores,
        probes,
        list(plan.prompts.values()),
        plan.roles,
        [{"context_id": name} | _context_row(context) for name, context in report.contexts.items()],
        _comparison_rows(plan),
        run,
        loaded,
        [asdict(planted) for planted in plan.controls],
        series_rows(report.series),
        asdict(report.generate.sampling) if report.generate.sampling else None,
        report.output.lists == "database",
    )


def _comparison_rows(plan: Plan) -> list[dict[str, Any]]:
    extensions = plan.cards().meta()["extended"]
    kinds = dict.fromkeys(plan.alone, "log-probabilities") | dict.fromkeys(plan.retold, "tokenizers")
    return [
        {
            "comparison_id": c.comparison_id,
            "ordinal": i,
            "label": c.label,
            "kind": kinds.get(c.comparison_id, c.kind),
            "base_condition_id": c.base.condition_id,
            "aligned_condition_id": c.aligned.condition_id,
            "source": c.source,
            "extended": extensions[c.comparison_id] or None,
        }
        for i, c in enumerate(plan.report.all_comparisons, 1)
    ]


def _measured_by(metas: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What measured the scores; shards of earlier versions do not name their engines."""
    found = {}
    for key in ("device", "machine", "threads", "attention", "dtypes", "engines", "torch", "transformers"):
        values = {value for meta in metas for value in str(meta.get(key, "")).split(", ") if value}
        if values:
            found[f"measured_{key}"] = ", ".join(sorted(values))
    return found


def _context_row(context: ContextSettings) -> dict[str, Any]:
    arguments = json.dumps(context.template_kwargs, sort_keys=True) if context.template_kwargs else None
    return context.model_dump() | {"template_kwargs": arguments, "continue_final": context.continue_final}
