"""A run as a list of steps, each skipping what is done: cards, responses, scores, probes, database, docs, site.

A step imports torch and transformers only if something is left to measure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tds_atlas.domain import InputError
from tds_atlas.inputs.outputs import DOCS, SITE_CONFIG, SITE_SOURCE
from tds_atlas.parts import sole_writer
from tds_atlas.paths import holds
from tds_atlas.pipeline.cards import write_cards
from tds_atlas.pipeline.fit import fitting
from tds_atlas.pipeline.places import check_places
from tds_atlas.pipeline.plan import Plan
from tds_atlas.pipeline.runners.devices import run_on_devices
from tds_atlas.pipeline.runners.ray_pool import run_on_ray
from tds_atlas.pipeline.runners.units import STEPS
from tds_atlas.pipeline.sides import lazy_models
from tds_atlas.pipeline.store import write_database
from tds_atlas.pipeline.work import WHOLE, WorkerPart, mending

if TYPE_CHECKING:
    from tds_atlas.measure.engines.models import Models


@mending
def generate(plan: Plan, part: WorkerPart = WHOLE, device: str | None = None) -> None:
    """Up to the answers."""
    _run(*_ready(plan, device), ["generate"], part, device)


@mending
def score(plan: Plan, part: WorkerPart = WHOLE, device: str | None = None) -> None:
    """Up to the scores. A worker's part needs the answers of all workers: it generates none itself."""
    _run(*_ready(plan, device), ["generate", "score"], part, device)


@mending
def probe(plan: Plan, part: WorkerPart = WHOLE, device: str | None = None) -> None:
    """Up to the probes. A worker's part needs the answers and scores of all workers."""
    _run(*_ready(plan, device), ["generate", "score", "probe"], part, device)


@mending
def measure(plan: Plan) -> None:
    """Up to the database; on several devices, with one worker process each."""
    check_places(plan)
    models = lazy_models(plan)
    plan = fitting(plan, models)
    if isinstance(plan.report.device, str):  # as it is where Ray hands out the work
        probe(plan)
    else:
        write_cards(plan, models)
        if not all(shard.exists() for _, shard in plan.response_shards()):
            run_on_devices("generate", plan.path, plan.report.device)
        if not all(work.shard.exists() for work in plan.scorings()):
            run_on_devices("score", plan.path, plan.report.device)
        if not all(shard.exists() for _, shard in plan.probe_shards()):
            run_on_devices("probe", plan.path, plan.report.device)
    write_database(plan)


@mending
def measure_apart(plan: Plan) -> None:
    """Up to the database, in this process and for no site: what stands where a site would be is not looked at."""
    models = lazy_models(plan)
    plan = fitting(plan, models)
    write_cards(plan, models)
    _run(plan, models, list(STEPS), WHOLE, None)
    write_database(plan)


def _ready(plan: Plan, device: str | None) -> tuple[Plan, Callable[[], Models]]:
    """What each step begins with: the places looked at, rows left out that are too long for a model, the cards."""
    check_places(plan)
    models = lazy_models(plan, device)
    plan = fitting(plan, models)
    write_cards(plan, models)
    return plan, models


def _run(plan: Plan, models: Callable[[], Models], steps: Sequence[str], part: WorkerPart, device: str | None) -> None:
    """These steps, one after another. A worker's part is the last one's alone, in this process whatever the runner."""
    if plan.report.runner.kind == "ray" and part.count == 1:
        run_on_ray(plan, steps, device)
    else:
        for step in steps if part.count == 1 else steps[-1:]:
            STEPS[step](plan, models, part)


def report(database: Path, summary: Path | None = None) -> None:
    """The database as a folder of plain files for MkDocs, and its findings in one file. Needs no torch."""
    from tds_atlas.report.docs import write_docs
    from tds_atlas.report.summary import check_summary, write_summary

    _check_kept(database, DOCS)
    if summary is not None:
        check_summary(summary, DOCS)
    write_docs(database, SITE_SOURCE, DOCS)
    if summary is not None:
        write_summary(database, SITE_SOURCE, DOCS, summary)


def site(database: Path, folder: Path, hosted: bool = False) -> None:
    """The database as a static site; `hosted` adds a Content-Security-Policy, which breaks file://."""
    from tds_atlas.report.docs import check_inputs
    from tds_atlas.report.own_folders import check_site
    from tds_atlas.report.site import build_site, check_config

    _check_kept(database, folder)
    check_config(SITE_CONFIG)
    check_inputs(database, SITE_SOURCE, DOCS)
    check_site(folder)
    with sole_writer(DOCS):
        report(database)
        build_site(SITE_CONFIG, folder, hosted)


def _check_kept(database: Path, folder: Path) -> None:
    if holds(folder, database):
        raise InputError(f"{database}: is in {folder}, which is emptied; name a copy elsewhere with --db")
