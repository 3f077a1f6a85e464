"""Texts graded by a function in a process of its own, which is ended and begun again where a text takes too long."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from queue import Empty, Queue
from threading import Thread
from typing import Any

from tds_atlas.domain import InputError
from tds_atlas.inputs.graders import Grader

_START = 120  # seconds that a module may take to load


class _Process:
    """One process with the grader loaded."""

    def __init__(self, grader: Grader) -> None:
        command = [sys.executable, "-P", "-m", "tds_atlas.pipeline.grader_process"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
        self.said: Queue[str] = Queue()
        Thread(target=self._listen, daemon=True).start()
        said = self.ask({"call": grader.call, "folder": grader.folder}, _START)
        if said["error"]:
            self.close()
            raise InputError(f"grader {grader.name}: {grader.call} cannot be loaded: {said['error']}")

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.said.put(line)
        self.said.put("")

    def ask(self, row: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """The answer to one line; an error where there is none in time."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(row) + "\n")
            self.process.stdin.flush()
            line = self.said.get(timeout=seconds)
        except Empty:
            return {"error": f"took longer than {seconds:g} seconds", "ended": True}
        except BrokenPipeError:
            line = ""
        if not line:
            return {"error": f"its process ended with code {self.process.wait()}", "ended": True}
        return dict(json.loads(line))

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        self.process.kill()
        self.process.wait()
        with suppress(BrokenPipeError):
            self.process.stdin.close()


def grades(grader: Grader, rows: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """What the grader says of each row: `value`, `is_yes_or_no`, or an `error`. Raises InputError if it cannot load."""
    process: _Process | None = None
    try:
        for row in rows:
            process = process or _Process(grader)
            said = process.ask(row, grader.timeout)
            if said.pop("ended", False):
                process.close()
                process = None
            yield said
    finally:
        if process is not None:
            process.close()
