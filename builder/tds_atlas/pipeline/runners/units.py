"""The work of a step as units: a process finds a unit in its own plan again, by step and number. Keys and counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tds_atlas.pipeline.plan import Plan
from tds_atlas.pipeline.probe_works import WORKS
from tds_atlas.pipeline.probes import write_probes
from tds_atlas.pipeline.responses import write_responses
from tds_atlas.pipeline.scores import write_scores
from tds_atlas.pipeline.work import WHOLE, WorkerPart
from tds_atlas.record.shards import Shard

STEPS: dict[str, Callable[..., None]] = {"generate": write_responses, "score": write_scores, "probe": write_probes}


@dataclass(frozen=True)
class Unit:
    """The smallest part of a step: a shard of each kind that the step writes."""

    step: str
    part: WorkerPart
    shards: tuple[Shard, ...]
    size: int = 0  # positions, where they are known

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(shard.key for shard in self.shards)


def missing_units(plan: Plan, step: str) -> list[Unit]:
    """What of a step is left, the largest first. Each unit's part is of the whole step, whatever is done of it."""
    sizes = [work.positions for work in plan.scorings()] if step == "score" else []
    walks = _walks(plan, step)
    count = max(map(len, walks), default=0)
    units = [
        Unit(
            step, WorkerPart(i + 1, count), tuple(walk[i] for walk in walks if i < len(walk)), sizes[i] if sizes else 0
        )
        for i in range(count)
    ]
    left = [unit for unit in units if not all(shard.exists() for shard in unit.shards)]
    return sorted(left, key=lambda unit: -unit.size)


def shards_of(plan: Plan, step: str, part: WorkerPart) -> tuple[Shard, ...]:
    """The shards that a part of a step writes."""
    return tuple(shard for walk in _walks(plan, step, part) for shard in walk)


def _walks(plan: Plan, step: str, part: WorkerPart = WHOLE) -> list[Sequence[Shard]]:
    """The shards of each kind that a step writes, in the order in which parts are counted."""
    works: tuple[Any, ...]
    if step == "generate":
        works = part.of(plan.generations()), part.of(plan.readings())
    elif step == "score":
        return [[work.shard for work in plan.scorings(part)]]
    else:
        works = tuple(works(plan, part) for works in WORKS.values())
    return [[shard for *_, shard in walk] for walk in works]
