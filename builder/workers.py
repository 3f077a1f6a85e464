"""One stage in several processes, one for each device, and the parts of the work that they take."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

from builder.domain import InputError

T = TypeVar("T")


@dataclass(frozen=True)
class Part:
    """Every `count`-th piece of work, from the `number`-th on (from 1)."""

    number: int = 1
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> Part:
        """From `number/count`, e.g. 2/4."""
        number, _, count = text.partition("/")
        if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
            raise InputError(f"--part {text}: wants NUMBER/COUNT, e.g. 2/4 for the second of four workers")
        return cls(int(number), int(count))

    def of(self, work: Iterable[T]) -> list[T]:
        """This worker's share: it must not depend on what others have done by now."""
        return list(islice(work, self.number - 1, None, self.count))


WHOLE = Part()


def run(verb: str, report: Path, devices: Sequence[str]) -> None:
    """`tds VERB` on every device at once, each with its part of the shards. Raises InputError where one fails."""
    command = [sys.executable, "-m", "builder", verb, "--report", str(report)]
    options = [["--part", f"{i}/{len(devices)}", "--device", device] for i, device in enumerate(devices, 1)]
    running = [subprocess.Popen([*command, *more]) for more in options]
    try:
        failed = [d for d, process in zip(devices, running, strict=True) if process.wait() != 0]
    finally:
        for process in running:
            process.terminate()
    if failed:
        raise InputError(f"the worker on {', '.join(failed)} stopped (see above); finished shards are kept")
