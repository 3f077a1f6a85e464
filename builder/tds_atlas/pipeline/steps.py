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
from tds_atlas.pipeline.probes import write_probes
from tds_atlas.pipeline.responses import write_responses
from tds_atlas.pipeline.runners.devices import run_on_devices
from tds_atlas.pipeline.scores import write_scores
from tds_atlas.pipeline.sides import lazy_models
from tds_atlas.pipeline.store import write_database
from tds_atlas.pipeline.work import WHOLE, WorkerPart, mending

if TYPE_CHECKING:
    from tds_atlas.measure.engines.models import Models

    _Writer = Callable[[Plan, Callable[[], Models], WorkerPart], object]


@mending
def generate(plan: Plan, part: WorkerPart = WHOLE, device: str | None = None) -> None:
    """Up to the answers."""
    _measure([write_responses], plan, part, device)


@mending
def score(plan: Plan, part: WorkerPart = WHOLE, device: str | None = None) -> None:
    """Up to the scores. A worker's part needs the answers of all workers: it generates none itself."""
    _measure([write_responses, write_scores], plan, part, device)


@mending
def probe(plan: Plan, part: WorkerPart = WHOLE, device: str | None = None) -> None:
    """Up to the probes. A worker's part needs the answers and scores of all workers."""
    _measure([write_responses, write_scores, write_probes], plan, part, device)


@mending
def measure(plan: Plan) -> None:
    """Up to the database; on several devices, with one worker process each."""
    check_places(plan)
    models = lazy_models(plan)
    plan = fitting(plan, models)
    if isinstance(plan.report.device, str):
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


def _measure(writers: Sequence[_Writer], plan: Plan, part: WorkerPart, device: str | None) -> None:
    """The steps in order, after the cards, without the rows that are too long for a model; a part of the last alone."""
    check_places(plan)
    models = lazy_models(plan, device)
    plan = fitting(plan, models)
    write_cards(plan, models)
    for write in writers[:-1] if part.count == 1 else ():
        write(plan, models, WHOLE)
    writers[-1](plan, models, part)


def report(database: Path) -> None:
    """The database as a folder of plain files for MkDocs. Needs no torch."""
    from tds_atlas.report.docs import write_docs

    _check_kept(database, DOCS)
    write_docs(database, SITE_SOURCE, DOCS)


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
