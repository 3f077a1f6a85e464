"""The processes of one model under vLLM: one that reads or one that writes, never both, each started when needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from weakref import WeakSet

import numpy as np

from tds_atlas.domain import InputError
from tds_atlas.measure.engines.vllm.frames import Frame
from tds_atlas.measure.engines.vllm.process import Worker

OLDEST = (0, 32)  # earlier ones lost tokens of prompts, or have no hidden states by token
INSTALL = "install it with .ci/vllm FOLDER (CPU) or pip install vllm (GPU) into an environment of its own"
_DEATHS = 2  # of processes of one model before its work is given up
# For a process, where the user has set nothing else: no network, and on a CPU a cache of 1 GB, not nearly all memory.
_ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_LOGGING_LEVEL": "WARNING",
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
}
Kind = Literal["bodies", "writer"]
_SESSIONS: WeakSet[Session] = WeakSet()


@dataclass(eq=False)
class Session:
    """What asks the processes of one model.

    Two of one model at a time would not fit into the memory of one GPU, nor one that has done its writing beside those
    of other models: models write one after another, and read together.
    """

    name: str
    python: Path
    settings: Mapping[str, Any]  # vLLM's own arguments
    versions: dict[str, str] = field(default_factory=dict)
    running: dict[Kind, Worker] = field(default_factory=dict)
    deaths: list[InputError] = field(default_factory=list)

    def __post_init__(self) -> None:
        _SESSIONS.add(self)

    def ask(self, kind: Kind, what: str, fields: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Frame:
        """An answer. After a death the next piece of work starts another process, once. Raises InputError."""
        if len(self.deaths) >= _DEATHS:
            raise self.deaths[-1]
        try:
            return self._worker(kind).ask(what, fields, arrays)
        except InputError as error:
            if kind not in self.running or not self.running[kind].is_there:
                self.deaths.append(error)
                self.close()
            raise

    def close(self) -> None:
        """End the processes."""
        while self.running:
            self.running.popitem()[1].close()

    def _worker(self, kind: Kind) -> Worker:
        if kind in self.running:
            return self.running[kind]
        for session in (self, *_SESSIONS):
            if session is self or "writer" in session.running:
                session.close()
        worker = Worker(self.name, self.python, _ENVIRONMENT)
        try:
            self.versions = self._checked(worker)
            worker.ask(kind, self.settings)
        except InputError:
            worker.close()
            raise
        return self.running.setdefault(kind, worker)

    def _checked(self, worker: Worker) -> dict[str, str]:
        """The versions of what runs there. Raises InputError if vLLM is missing or too old."""
        found = {key: str(value) for key, value in worker.ask("versions", {}).fields.items()}
        if "missing" in found:
            raise InputError(f"{self.name}: {self.python} has no vLLM ({found['missing']}); {INSTALL}")
        if tuple(int(part) for part in found["vllm"].split(".")[:2]) < OLDEST:
            raise InputError(f"{self.name}: {self.python} has vLLM {found['vllm']}; 0.32 or newer is needed")
        return found
