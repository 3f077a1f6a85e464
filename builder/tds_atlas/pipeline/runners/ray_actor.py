"""An actor of Ray: a process that reads the plan and loads the models once, and then measures a unit at a time.

It imports no Ray: what it is asked and answers are plain records, and what it measured is in the folder of shards.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tds_atlas import __version__
from tds_atlas.domain import InputError
from tds_atlas.pipeline.fit import fitting
from tds_atlas.pipeline.plan import Plan, read_plan
from tds_atlas.pipeline.runners.units import STEPS, shards_of
from tds_atlas.pipeline.sides import lazy_models
from tds_atlas.pipeline.work import FailedPieces, Span, WorkerPart
from tds_atlas.record.shards import DamagedShard
from tds_atlas.terminal import listening

if TYPE_CHECKING:
    from tds_atlas.measure.engines.models import Models


@dataclass(frozen=True)
class Job:
    """What an actor is to work on, and what the process that started it found there."""

    folder: str  # that `tds` runs in: outputs are relative to it
    report: str
    span: Span
    device: str | None  # in place of the report file's
    cards: str  # the name of the first shard, which depends on weights, prompts and the version that measures
    version: str = __version__


@dataclass
class Outcome:
    """How a call ended. Exceptions do not travel: what they hold may not."""

    host: str = field(default_factory=platform.node)
    pid: int = field(default_factory=os.getpid)
    lines: list[str] = field(default_factory=list)  # to be said
    keys: tuple[str, ...] = ()  # of the unit's shards, by this machine's own plan
    error: str = ""
    is_final: bool = False  # whether other units would fail the same way
    damaged: tuple[str, str] | None = None  # kind and key of a shard

    @contextmanager
    def collect(self) -> Iterator[None]:
        """Keep what is said and how the block fails."""
        with listening(self.lines):
            try:
                yield
            except DamagedShard as error:
                self.error, self.damaged = str(error), (error.shard.kind, error.shard.key)
            except InputError as error:
                self.error, self.is_final = str(error), not isinstance(error, FailedPieces)


class Actor:
    """One process of the pool."""

    plan: Plan
    models: Callable[[], Models]

    def prepare(self, job: Job) -> Outcome:
        """Read what the report file names, on this machine, and compare it with what the asking process read."""
        outcome = Outcome()
        with outcome.collect():
            if job.version != __version__:
                raise InputError(f"has tds {__version__}, not {job.version}: install one version everywhere")
            if not Path(job.folder).is_dir():
                raise InputError(f"has no folder {job.folder}: run tds in a folder that all machines share")
            os.chdir(job.folder)
            plan = replace(read_plan(Path(job.report)), span=job.span)
            self.models = lazy_models(plan, job.device)
            self.plan = fitting(plan, self.models, keep=False)
            cards = self.plan.cards()
            if cards.key != job.cards:
                raise InputError(f"reads other weights, prompts or templates for {job.report}")
            if not cards.exists():
                raise InputError(f"sees no {cards.folder}: give output.shards in a folder that all machines share")
        return outcome

    def measure(self, step: str, part: WorkerPart) -> Outcome:
        """Measure a unit, unless its shards exist."""
        outcome = Outcome()
        with outcome.collect():
            outcome.keys = tuple(shard.key for shard in shards_of(self.plan, step, part))
            STEPS[step](self.plan, self.models, part)
        return outcome
