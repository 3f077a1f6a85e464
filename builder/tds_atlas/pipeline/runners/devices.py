"""One step of a run in several worker processes, one for each device of this machine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tds_atlas.domain import InputError


def run_on_devices(verb: str, report: Path, devices: Sequence[str]) -> None:
    """`tds VERB` on every device at once, each with its own part of the shards. Raises InputError if one fails."""
    command = [sys.executable, "-m", "tds_atlas", verb, "--report", str(report)]
    options = [["--part", f"{i}/{len(devices)}", "--device", device] for i, device in enumerate(devices, 1)]
    workers = [subprocess.Popen([*command, *more]) for more in options]
    try:
        failures = [device for device, worker in zip(devices, workers, strict=True) if worker.wait() != 0]
    finally:
        for worker in workers:
            worker.terminate()
    if failures:
        raise InputError(f"the worker on {', '.join(failures)} failed (see above); finished shards are kept")
