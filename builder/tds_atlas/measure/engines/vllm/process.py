"""A worker under another Python: started, asked, and ended with everything that it started itself.

Whatever becomes of it, the user gets one line: what it wrote last is read for the error. If this process dies, killed
or not, the worker sees the end of a pipe and ends, too.
"""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import subprocess
import tempfile
import time
import weakref
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np

from tds_atlas.domain import InputError, one_line, printable
from tds_atlas.measure.engines.vllm.frames import Frame, Torn, receive, send
from tds_atlas.terminal import say

WORKER = Path(__file__).with_name("worker.py")
_SILENCE = 60  # seconds after which a line says that the answer is still awaited
_LOG = 20_000  # characters of the end of a worker's output in which its error is looked for
_ERROR = re.compile(r"(?:^|\s)((?:\w+\.)*\w*(?:Error|Exception|Interrupt)\b.*)")
_NOT_OURS = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYTHONSTARTUP")


class Worker:
    """One process. `name` says in messages what it is, `environment` adds to this process's own."""

    def __init__(self, name: str, python: Path, environment: Mapping[str, str], script: Path = WORKER) -> None:
        self.name = name
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        ours, theirs = socket.socketpair()
        theirs_of_life, life = os.pipe()
        own = {key: value for key, value in os.environ.items() if key not in _NOT_OURS}
        try:
            self._process = subprocess.Popen(
                [python, "-P", script, str(theirs.fileno()), str(theirs_of_life)],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=subprocess.STDOUT,
                env=dict(environment) | own,
                pass_fds=(theirs.fileno(), theirs_of_life),
                start_new_session=True,
            )
        except OSError as error:
            ours.close()
            os.close(life)
            raise InputError(f"{name}: {python} cannot be run: {error.strerror}") from None
        finally:
            theirs.close()
            os.close(theirs_of_life)
        self._socket = ours
        self.close = weakref.finalize(self, _end, self._process, ours, life)

    @property
    def is_there(self) -> bool:
        """Whether it has not been ended here, or found gone."""
        return bool(self.close.alive)

    def ask(self, kind: str, fields: Mapping[str, Any], arrays: Mapping[str, np.ndarray] | None = None) -> Frame:
        """The answer. Raises InputError with one line if the worker says that it failed, or is gone."""
        try:
            send(self._socket, Frame(kind, fields, arrays or {}))
            self._wait(kind)
            answer = receive(self._socket)
        except (Torn, ConnectionError, BrokenPipeError):
            answer = None
        except BaseException:  # Ctrl+C between question and answer: what comes next would be the answer to this
            self.close()
            raise
        if answer is None:
            raise InputError(f"{self.name}: {self._death()}")
        if answer.kind == "error":
            raise InputError(f"{self.name}: {printable(one_line(Exception(answer.fields.get('text', ''))))}")
        return answer

    def _wait(self, kind: str) -> None:
        start = time.monotonic()
        while not select.select([self._socket], [], [], _SILENCE)[0]:
            say(f"{self.name}: {kind}: no answer yet after {time.monotonic() - start:.0f} s")

    def _death(self) -> str:
        """How the worker ended, as its exit and the last error in its output tell."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        code = self._process.returncode
        self.close()
        by = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        memory = "; the system ends a process so when memory is short" if code == -signal.SIGKILL else ""
        return f"its process is gone ({by}{memory}): {last_error(self._output())}"

    def _output(self) -> str:
        self._log.seek(max(0, self._log.seek(0, os.SEEK_END) - _LOG))
        return self._log.read().decode("utf-8", "replace")


def last_error(output: str) -> str:
    """The last line that names an error, without what a logger wrote before it; else the last line; one line."""
    lines = [line for line in output.splitlines() if line.strip()]
    errors = [match[1] for line in lines if (match := _ERROR.search(line))]
    text = (errors or lines or ["it wrote nothing"])[-1]
    return printable(one_line(Exception(text.strip())))


def _end(process: subprocess.Popen[bytes], channel: socket.socket, life: int) -> None:
    """End the worker's whole group: it holds nothing that must be saved."""
    channel.close()
    os.close(life)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
