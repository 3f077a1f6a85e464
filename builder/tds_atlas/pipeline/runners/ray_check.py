"""What `tds check` says of a Ray cluster: what it has, whether there is room, and how fast one of its actors would be.

Nothing is measured there but one product of matrices, on what an actor would take.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tds_atlas.inputs.runner_settings import RaySettings
from tds_atlas.pipeline.runners.ray_cluster import connected, count_actors, inventory, room_on, words_for

_PATIENCE = 60.0  # seconds for an actor's resources to become free, and for a process to import torch
_KEPT = ("CPU", "GPU")


@dataclass(frozen=True)
class Cluster:
    """What a cluster was found to be."""

    lines: tuple[str, ...]
    actors: int
    speed: float | None  # operations a second of one actor; None: it was busy


def asked_cluster(settings: RaySettings) -> str | None:
    """The address of a cluster that is there without us; None: one for the run alone will be started here."""
    return settings.address or os.environ.get("RAY_ADDRESS") or None


def look_at(settings: RaySettings, memory_bytes: int, timed: Callable[[str], float]) -> Cluster:
    """Connect and ask. memory_bytes: that one actor needs; timed: operations a second on a device.

    Raises InputError where nothing answers, or the request cannot be met.
    """
    with connected(settings) as ray:
        nodes = ray.nodes()
        count = count_actors(settings, nodes)
        lines = list(cluster_lines(settings, nodes, ray.available_resources(), count, memory_bytes))
        try:
            options: dict[str, Any] = {"num_cpus": settings.cpus, "num_gpus": settings.gpus, "max_retries": 0}
            options |= {"resources": dict(settings.resources)}
            options |= {"label_selector": dict(settings.labels)} if settings.labels else {}
            call = ray.remote(timed).options(**options).remote("cuda" if settings.gpus else "cpu")
            speed = float(ray.get(call, timeout=_PATIENCE))
        except ray.exceptions.GetTimeoutError:
            ray.cancel(call, force=True)
            speed = None
        except ray.exceptions.RayError as error:
            speed = None
            lines.append(f"    an actor could not be tried: {str(error).strip().splitlines()[-1][:200]}")
    return Cluster(tuple(lines), count, speed)


def cluster_lines(
    settings: RaySettings, nodes: Sequence[Mapping[str, Any]], free: Mapping[str, float], count: int, memory_bytes: int
) -> Iterator[str]:
    """What a cluster has, what of it is free, and whether the actors that are wanted have room."""
    alive = [node for node in nodes if node["Alive"]]
    total = {name: sum(node["Resources"].get(name, 0) for node in alive) for name in _KEPT}
    now = ", ".join(f"{free.get(name, 0):g} of {amount:g} {name}" for name, amount in total.items() if amount)
    memory = sum(node["Resources"].get("memory", 0) for node in alive)
    yield f"  ray at {asked_cluster(settings)}: {inventory(nodes)}; {memory / 1e9:.1f} GB of memory; free now: {now}"
    room = sum(room_on(node, settings) for node in nodes)
    waits = ", which it is to grow to" if room < count else ""
    yield f"    actors: {count}, each of {words_for(settings)}; room for {room}{waits}"
    for node in alive:
        here = min(room_on(node, settings), -(-count // max(1, sum(room_on(n, settings) > 0 for n in alive))))
        has = node["Resources"].get("memory", 0)
        if here and here * memory_bytes > has:
            needs = f"{here} of them need about {here * memory_bytes / 1e9:.1f} GB"
            yield f"    a machine of {has / 1e9:.1f} GB may be too small: {needs}; give each actor more of cpus"
            return
