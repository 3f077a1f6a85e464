"""A Ray cluster: found or started, quiet, and asked at once whether it has room for what the report file wants.

What a cluster has no room for would wait for ever, without an error.
"""

from __future__ import annotations

import math
import os
import secrets
import socket
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from tds_atlas.domain import InputError, one_line
from tds_atlas.inputs.runner_settings import RaySettings
from tds_atlas.terminal import stderr_into

_LOCAL = "local"
_STORE = 100 * 2**20  # bytes: nothing but keys and counts passes through it
_ANSWER = 10.0  # seconds
Node = Mapping[str, Any]


@contextmanager
def connected(settings: RaySettings) -> Iterator[Any]:
    """The module ray, connected to the cluster; one of this run alone ends with the block. Raises InputError."""
    address = settings.address or os.environ.get("RAY_ADDRESS") or _LOCAL
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    options: dict[str, Any] = {"address": address, "logging_level": "ERROR", "log_to_driver": False}
    if address == _LOCAL:
        os.environ["RAY_AUTH_MODE"] = "token"  # its ports are open to other users of this machine, and beyond it
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
        options |= {"num_cpus": os.cpu_count(), "object_store_memory": _STORE, "include_dashboard": False}
    try:
        import ray
    except ImportError:
        raise InputError("runner: needs the extra ray: pip install 'tds-atlas[ray]'") from None
    _start(ray, address, options)
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):  # where Ray tells of losses
        try:
            yield ray
        finally:
            ray.shutdown()


def _start(ray: Any, address: str, options: Mapping[str, Any]) -> None:
    """Connect, or start a cluster. Raises InputError; what Ray prints meanwhile is only searched for the reason."""
    with tempfile.TemporaryFile() as file:
        try:
            _check_address(address)
            with stderr_into(file):
                ray.init(**options)
        except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            file.seek(0)
            refused = b"Unauthenticated" in file.read()
            token = "it wants another token: set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN to that of the cluster"
            raise InputError(f"runner: no Ray at {address}: {token if refused else one_line(error)}") from None


def _check_address(address: str) -> None:
    """Raises OSError if nothing answers there: Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    if host:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_ANSWER).close()


def count_actors(settings: RaySettings, nodes: Sequence[Node]) -> int:
    """How many actors there shall be. Raises InputError for more than these machines have room for."""
    rooms = [room_on(node, settings) for node in nodes]
    wanted = settings.actors or (sum(rooms) if settings.gpus else sum(room > 0 for room in rooms))
    if settings.autoscales:
        if settings.actors is None:
            raise InputError("runner.actors: missing; how many does a cluster that autoscales grow to?")
        return wanted
    if sum(rooms) < max(wanted, 1):
        most = f"room for {sum(rooms)} of {wanted} actors" if any(rooms) else "no machine has room for an actor"
        raise InputError(f"runner: {most} of {words_for(settings)}; the cluster has {inventory(nodes)}")
    return wanted


def room_on(node: Node, settings: RaySettings) -> int:
    """How many actors a machine has room for while it is idle."""
    labels: Mapping[str, str] = node.get("Labels", {})
    if not node["Alive"] or any(labels.get(name) != value for name, value in settings.labels.items()):
        return 0
    found: Mapping[str, float] = node["Resources"]
    return min(math.floor(found.get(name, 0) / amount + 1e-9) for name, amount in request_of(settings).items())


def request_of(settings: RaySettings) -> dict[str, float]:
    """What one actor takes, by Ray's names."""
    gpus = {"GPU": settings.gpus} if settings.gpus else {}
    return {"CPU": float(settings.cpus), **gpus, **settings.resources}


def words_for(settings: RaySettings) -> str:
    """What one actor takes, to be read."""
    amounts = [f"{amount:g} {name}" for name, amount in request_of(settings).items()]
    return ", ".join(amounts + [f"label {name}={value}" for name, value in settings.labels.items()])


def inventory(nodes: Sequence[Node]) -> str:
    """The resources of each living machine, without those that Ray adds for itself."""
    lines = []
    for node in (node for node in nodes if node["Alive"]):
        own = {
            k: v for k, v in node["Resources"].items() if ":" not in k and k not in ("memory", "object_store_memory")
        }
        labels = [f"{k}={v}" for k, v in node.get("Labels", {}).items() if not k.startswith("ray.io/")]
        lines.append(", ".join([f"{amount:g} {name}" for name, amount in sorted(own.items())] + labels) or "nothing")
    counts = {line: lines.count(line) for line in lines}
    return "; ".join(f"{n} x ({line})" if n > 1 else f"({line})" for line, n in counts.items()) or "no machine"
