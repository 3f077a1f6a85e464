"""The block `runner` of a report file: who hands out the work. A word names one whose settings are as they stand."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from tds_atlas.inputs.blocks import Positive, Settings

_Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9_./-]*[A-Za-z0-9])?$", max_length=200)]
_Amount = Annotated[float, Field(gt=0, le=2**31)]


def _address(address: str) -> str:
    """The same. Raises ValueError for what is no address of a cluster."""
    if address.startswith("ray://"):
        raise ValueError("ray:// breaks off with its connection: submit the run as a job (ray job submit)")
    if address != "auto" and not re.fullmatch(r"[A-Za-z0-9._-]+:\d{1,5}|\[[0-9a-fA-F:.]+\]:\d{1,5}", address):
        raise ValueError("give auto (the cluster of this machine) or HOST:PORT, e.g. 10.0.0.1:6379")
    return address


class LocalSettings(Settings):
    """This machine: this process, or a worker on each of its devices."""

    kind: Literal["local"] = "local"


class RaySettings(Settings):
    """A Ray cluster: actors that load the models once and measure a shard at a time, in a folder that all share."""

    kind: Literal["ray"] = "ray"
    # HOST:PORT of a cluster, or auto: the one that runs on this machine; default: what RAY_ADDRESS says, else a
    # cluster for this run alone, on this machine.
    address: Annotated[str, AfterValidator(_address), Field(max_length=500)] | None = None
    actors: Positive | None = None  # default: one for each machine; with gpus, as many as there is room for
    cpus: Positive = 1  # of each actor: so many threads compute
    gpus: Annotated[float, Field(ge=0, le=1024)] = 0  # of each actor; half a one: two actors share it
    resources: dict[_Word, _Amount] = Field(default={})  # of each actor, by the names that machines were started with
    labels: dict[_Word, _Word] = Field(default={})  # of the machines that actors may run on
    autoscales: bool = False  # whether the cluster grows on demand: what has no room now is waited for
    retries: Annotated[int, Field(ge=0, le=100)] = 2  # of a shard whose actor died


def _from_word(value: Any) -> Any:
    """`runner: ray` is short for `runner: {kind: ray}`."""
    return {"kind": value} if isinstance(value, str) else value


RunnerSettings = Annotated[LocalSettings | RaySettings, Field(discriminator="kind"), BeforeValidator(_from_word)]
