"""A case as a process of its own, forked from one that has imported everything: a fifth of a second instead of five.

The parent runs neither DuckDB nor torch: a fork has none of the threads that they start.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.hostile.case import Case, Outcome

_OURS = re.compile(r"project/(data|build|site)/")  # what a run that ends well may replace
_REPAIRED = re.compile(r"project/data/shards/")  # and one that is refused
_USERS = re.compile(r"thesis")


def run(case: Case, seeds: Path, sound: dict[str, Any]) -> Outcome:
    """Copy the project, damage it, run the command, and look what has become of the user's files."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        project = Path(name) / "project"
        shutil.copytree(seeds / case.seed, project, symlinks=True)
        (Path(name) / "thesis.txt").write_text("years of work", encoding="utf-8")
        try:
            forked(lambda: case.damage(project))
        except RuntimeError as error:
            return Outcome(70, "", f"{error}", ())
        before = _hashes(Path(name))
        code = command_in(project, case.command, Path(name), case.seconds)
        out, err = ((Path(name) / file).read_text(encoding="utf-8", errors="replace") for file in ("out", "err"))
        after = _hashes(Path(name))
        ours = _OURS if code == 0 else _REPAIRED
        lost = [
            file
            for file in before
            if before[file] != after.get(file) and not (ours.match(file) and not _USERS.search(file))
        ]
        same = True
        if case.equal and code == 0:
            key, value = result(case.command, project, out)
            same = sound[key] == value
        return Outcome(code, out, err, tuple(lost), same)


def result(command: tuple[str, ...], project: Path, out: str) -> tuple[str, Any]:
    """What must be equal to the sound run: the tables, or what was printed."""
    if command[0] == "store":
        return "tables", forked(lambda: _tables(project / "data/tds.duckdb"))
    return " ".join(command), out


def _tables(database: Path) -> str:
    from tests.pipeline.test_resume import content

    return hashlib.sha256(repr(content(database)).encode()).hexdigest()


def forked(work: Callable[[], Any]) -> Any:
    """What a function returns in a process of its own."""
    with tempfile.NamedTemporaryFile() as file:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                Path(file.name).write_bytes(pickle.dumps(work()))
                code = 0
            except BaseException:
                traceback.print_exc()
            sys.stderr.flush()
            os._exit(code)
        if os.waitpid(pid, 0)[1]:
            raise RuntimeError("a damage could not be done")
        return pickle.loads(Path(file.name).read_bytes())


def command_in(project: Path, command: tuple[str, ...], beside: Path, seconds: float) -> int | None:
    """The exit code of a command in a folder; None if it had to be killed. What it writes is in `out` and `err` beside."""
    pid = os.fork()
    if pid == 0:
        _child(command, project, beside)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


def _child(command: tuple[str, ...], project: Path, beside: Path) -> None:
    """Becomes the command, and never returns."""
    code: Any = 70
    try:
        os.setsid()
        for number, file in enumerate((os.devnull, str(beside / "out"), str(beside / "err"))):
            os.dup2(os.open(file, os.O_RDWR | os.O_CREAT), number)
        os.chdir(project)
        sys.argv = ["tds", *command]
        from tds_atlas.cli.main import main

        main()
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 70)


def _hashes(folder: Path) -> dict[str, str]:
    files = (
        path
        for path in folder.rglob("*")
        if path.is_file() or (path.is_symlink() and path.name != str(path.readlink()))
    )
    return {path.relative_to(folder).as_posix(): _hash(path) for path in files}


def _hash(path: Path) -> str:
    if path.is_symlink() or not path.is_file():
        return f"-> {path.readlink()}" if path.is_symlink() else "no file"
    return hashlib.sha256(path.read_bytes()).hexdigest()
