"""Steps of a run on a Ray cluster: a pool of actors, each handed a unit whenever it is free.

The folder of shards is where results are; keys and counts travel. An actor that dies is replaced, and another one gets
its unit, a few times; an error of ours is never tried again.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tds_atlas.domain import InputError, one_line
from tds_atlas.inputs.runner_settings import RaySettings
from tds_atlas.parts import clear_parts
from tds_atlas.pipeline.plan import Plan
from tds_atlas.pipeline.runners.ray_actor import Actor, Job, Outcome
from tds_atlas.pipeline.runners.ray_cluster import connected, count_actors, inventory, request_of, room_on, words_for
from tds_atlas.pipeline.runners.units import Unit, missing_units
from tds_atlas.pipeline.runners.watchdog import Watchdog
from tds_atlas.pipeline.work import Failures
from tds_atlas.record.shards import DamagedShard
from tds_atlas.terminal import progress_bar, say

_WAIT = 2.0  # seconds that the pool waits for an actor before it looks at the time
_LATE = 30.0  # seconds after which a folder on a network shows what another machine wrote


def run_on_ray(plan: Plan, steps: Sequence[str], device: str | None = None) -> None:
    """These steps, as far as something is left to measure; if nothing is, Ray is not imported. Raises InputError."""
    settings, pool = plan.report.runner, None
    assert isinstance(settings, RaySettings)
    with ExitStack() as stack:
        for step in steps:
            if units := missing_units(plan, step):
                pool = pool or stack.enter_context(_started(Pool(settings, plan, device)))
                pool.run(step, units)


@contextmanager
def _started(pool: Pool) -> Iterator[Pool]:
    """The pool with its actors, which end with the block, however it ends: nothing half-written is left of them."""
    try:
        with connected(pool.settings) as ray:
            pool.start(ray)
            try:
                yield pool
            finally:
                pool.stop()
    finally:
        for unit in filter(None, (unit for _, unit in pool.calls.values())):
            for shard in unit.shards:
                clear_parts(shard.folder)


@dataclass
class Pool:
    """Actors, and what each is at."""

    settings: RaySettings
    plan: Plan
    device: str | None
    ray: Any = None
    idle: list[Any] = field(default_factory=list)
    calls: dict[Any, tuple[Any, Unit | None]] = field(default_factory=dict)  # None: the actor gets ready
    tries: Counter[Unit | None] = field(default_factory=Counter)  # that ended with an actor's death
    said: set[str] = field(default_factory=set)

    def start(self, ray: Any) -> None:
        self.ray = ray
        nodes = ray.nodes()
        count = count_actors(self.settings, nodes)
        say(f"ray: actors: {count}, each of {words_for(self.settings)}; the cluster has {inventory(nodes)}")
        for _ in range(count):
            self._add()

    def stop(self) -> None:
        for actor in (*self.idle, *(actor for actor, _ in self.calls.values())):
            self.ray.kill(actor)

    def run(self, step: str, units: Sequence[Unit]) -> None:
        """Measure the units, the first ones first. One that fails leaves the others intact."""
        waiting, failures, watchdog = list(units), Failures(), Watchdog()
        with progress_bar(f"{step} on ray", len(units), "shards") as advance:
            while waiting or any(unit for _, unit in self.calls.values()):
                while waiting and self.idle:
                    actor, unit = self.idle.pop(), waiting.pop(0)
                    self.calls[actor.measure.remote(step, unit.part)] = actor, unit
                for call in self.ray.wait(list(self.calls), timeout=_WAIT)[0]:
                    done = self._settle(call, waiting, failures)
                    if done is not None:
                        advance(done)
                        watchdog.progress()
                watchdog.check(self._state)
        failures.raise_collected()
        _check_there(units)

    def _settle(self, call: Any, waiting: list[Unit], failures: Failures) -> int | None:
        """What became of a call: how many units it finished; None if its actor died, and the unit is to be done again.

        Raises InputError for what would fail everywhere, DamagedShard for a shard to be measured anew.
        """
        actor, unit = self.calls.pop(call)
        try:
            outcome: Outcome = self.ray.get(call)
        except self.ray.exceptions.RayTaskError:  # a mistake of ours: with its traceback
            raise
        except self.ray.exceptions.RayError as error:
            self.ray.kill(actor)  # if only its connection was lost, it would hold its place
            self._lost(unit, error, waiting, failures)
            return None
        self.idle.append(actor)
        if unit is None:
            if outcome.error:
                raise InputError(f"runner: on {outcome.host}: {outcome.error}")
            self.tries[None] = 0
            return 0
        self._heed(outcome, unit, failures)
        return 1

    def _heed(self, outcome: Outcome, unit: Unit, failures: Failures) -> None:
        """Say what the actor would have said, and keep or raise its error."""
        for line in outcome.lines:
            if line not in self.said:
                self.said.add(line)
                say(line)
        if outcome.damaged:
            path, _, reason = outcome.error.rpartition(": ")
            kind, key = outcome.damaged
            raise DamagedShard(replace(unit.shards[0], kind=kind, key=key), Path(path), reason)
        if outcome.is_final:
            raise InputError(outcome.error)
        if outcome.error:
            failures.errors.append(InputError(outcome.error))
        elif outcome.keys != unit.keys:
            raise InputError(f"runner: on {outcome.host}: other answers or scores than on this machine")

    def _lost(self, unit: Unit | None, error: Exception, waiting: list[Unit], failures: Failures) -> None:
        """An actor died: another takes its place and, a few times, its unit."""
        self.tries[unit] += 1
        tries, most, reason = self.tries[unit], 1 + self.settings.retries, _reason(error)
        if tries < most:
            say(f"an actor died ({reason}); " + ("its work goes to another" if unit else "another is started"))
            waiting[:0] = [unit] if unit else []
        elif unit is None:
            raise InputError(f"runner: {tries} actors died before they were ready: {reason}")
        else:
            problem = f"{tries} actors died over it, the last: {reason}"
            failures.errors.append(InputError(f"{unit.shards[0].folder}: {problem}; finished shards are kept"))
        if self.settings.autoscales or any(room_on(node, self.settings) for node in self.ray.nodes()):
            self._add()
        elif not (self.idle or self.calls):
            raise InputError("runner: no machine that could take an actor is left; finished shards are kept")

    def _add(self) -> None:
        """Start one more actor. It gets ready once there is room for it."""
        request = request_of(self.settings)
        options: dict[str, Any] = {"num_cpus": request.pop("CPU"), "num_gpus": request.pop("GPU", 0)}
        if self.settings.labels:
            options["label_selector"] = dict(self.settings.labels)
        actor = self.ray.remote(Actor).options(**options, resources=request, max_restarts=0).remote()
        plan = self.plan
        job = Job(str(Path.cwd()), str(plan.path.absolute()), plan.span, self.device, plan.cards().key)
        self.calls[actor.prepare.remote(job)] = actor, None

    def _state(self) -> str:
        busy = sum(unit is not None for _, unit in self.calls.values())
        return f"{busy} actors at work, {len(self.calls) - busy} starting or waiting for room on the cluster"


def _reason(error: Exception) -> str:
    """Why an actor died, without Ray's account of the actor."""
    return one_line(Exception(str(error).rpartition("Worker exit detail: ")[2]))


def _check_there(units: Sequence[Unit]) -> None:
    """Raises InputError if this machine does not see what others say they have written."""
    end = time.monotonic() + _LATE
    for shard in (shard for unit in units for shard in unit.shards):
        while not shard.exists():
            if time.monotonic() > end:
                raise InputError(f"{shard.folder}: written on another machine, not seen here: share output.shards")
            time.sleep(0.5)
