"""How a command ends: its exit code, and one line on stderr for what its user can mend. Never a traceback for that."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from traceback import walk_tb
from typing import Any

from tds_atlas.domain import InputError
from tds_atlas.terminal import complain

_MENDABLE, _INTERRUPTED = 2, 130


def run(app: Callable[[], Any]) -> int:
    """Run a command. Returns its exit code."""
    _ready_streams()
    try:
        code = _code(app)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read the output has stopped: `tds query ... | head`
        _silence()
        return 0
    except OSError as error:  # a full disk, a folder that cannot be written
        return _end(f"{_file_of(error)}: {error.strerror or error}", _MENDABLE)
    except InputError as error:
        return _end(f"{error}", _MENDABLE)
    except KeyboardInterrupt:
        code = _INTERRUPTED
    return _end("interrupted; finished work is kept", code) if code == _INTERRUPTED else code


def _code(app: Callable[[], Any]) -> int:
    """The exit code with which the command's own parser ends it."""
    try:
        app()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    return 0


def _ready_streams() -> None:
    """A character that the terminal cannot show is written as its number; a closed stream takes everything."""
    sys.stdout, sys.stderr = sys.stdout or _nowhere(), sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _nowhere() -> Any:
    return Path(os.devnull).open("w", encoding="utf-8")


def _silence() -> None:
    """The rest of the output goes nowhere, so that Python's own flush at the end does not fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _end(line: str, code: int) -> int:
    complain(line)
    return code


def _file_of(error: OSError) -> str:
    """The file of an error; for a write that failed, which names none, the path that the failing code was given."""
    if error.filename is not None:
        return str(error.filename)
    for frame, _ in reversed(list(walk_tb(error.__traceback__))):
        for name in ("self", "path", "part", "file", "folder"):
            if isinstance(frame.f_locals.get(name), Path):
                return str(frame.f_locals[name])
    return "the output"
