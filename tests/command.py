"""The command `tds` in a process of its own, forked from one that has imported everything: a tenth of a second instead of
five. That one runs neither DuckDB nor torch: a fork has none of the threads that they start."""

from __future__ import annotations

import atexit
import functools
import importlib
import json
import os
import pkgutil
import resource
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NoReturn

from tds_atlas.record import catalog, kept, schema
from tests.report.undrawn import undrawn

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "COLUMNS": "100", "OMP_NUM_THREADS": "1"}
_SECONDS = 120
_LATE = ("altair", "mkdocs.commands.build", "peft", "torch", "transformers.models.llama.modeling_llama", "vl_convert")


class Started:
    """A command that goes on; what it prints goes to files."""

    def __init__(
        self,
        *args: str,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        room: int = 0,
        missing: Sequence[str] = (),
        drawn: bool = True,
        seconds: int = _SECONDS,
    ) -> None:
        """env: in place of the environment above; room: bytes that a file may have, as on a disk that fills up; missing:
        packages as if they were not installed; drawn: whether a report has its images; seconds: that it may take."""
        self.args, self.returncode = args, None
        self._folder = tempfile.TemporaryDirectory()
        out, err = self._files()
        asked = {"args": args, "cwd": str(cwd or Path.cwd()), "out": str(out), "err": str(err), "room": room}
        asked |= {"kept": _kept(), "env": dict(env) if env else None, "missing": list(missing), "drawn": drawn, "seconds": seconds}
        self.pid: int = _ask(asked)

    def _files(self) -> tuple[Path, Path]:
        return Path(self._folder.name, "out"), Path(self._folder.name, "err")

    def poll(self, hang: bool = False) -> int | None:
        if self.returncode is None:
            self.returncode: int | None = _ask({"pid": self.pid, "hang": hang})
        return self.returncode

    def wait(self) -> int | None:
        return self.poll(hang=True)

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def communicate(self) -> tuple[str, str]:
        self.wait()
        out, err = (path.read_text(encoding="utf-8") for path in self._files())
        return out, err


def tds(*args: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """The command in a folder, with the environment above unless there is another."""
    run = Started(*args, **options)
    out, err = run.communicate()
    return subprocess.CompletedProcess(args, run.returncode or 0, out, err)


def _ask(what: dict[str, Any]) -> Any:
    server = _server()
    assert server.stdin and server.stdout
    server.stdin.write(json.dumps(what) + "\n")
    server.stdin.flush()
    return json.loads(server.stdout.readline())


@functools.cache
def _kept() -> dict[str, str]:
    """What a command would make for itself, from this process, which makes it once: a fork has no DuckDB to hand on."""
    schema.empty()
    catalog.definitions()
    return {name: str(path) for name, path in kept.files_to_hand_on().items()}


@functools.cache
def _server() -> subprocess.Popen[str]:
    """One for each worker of a run; it ends with it."""
    root = str(Path(__file__).parent.parent)
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.command"],
        cwd=root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    atexit.register(server.kill)
    return server


def serve() -> None:
    """Start each command that a line of the standard input asks for and answer with its number; or with the exit code of
    one that was started, null while it goes on."""
    import_all(_LATE)
    for line in sys.stdin:
        asked = json.loads(line)
        if "args" in asked:
            answer = os.fork() or _become(asked)
        else:
            pid, status = os.waitpid(asked["pid"], 0 if asked["hang"] else os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if pid else None
        print(json.dumps(answer), flush=True)


def import_all(libraries: Iterable[str]) -> None:
    """What a command imports, once: the forked processes have it already."""
    import tds_atlas

    for module in pkgutil.walk_packages(tds_atlas.__path__, "tds_atlas."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in libraries:
        importlib.import_module(name)


def _become(asked: dict[str, Any]) -> NoReturn:
    """The command, in the place of this process."""
    code: Any = 70
    try:
        for number, file in enumerate((os.devnull, asked["out"], asked["err"])):
            os.dup2(os.open(file, os.O_RDWR | os.O_CREAT), number)
        os.chdir(asked["cwd"])
        if asked["env"]:
            os.environ.clear()
            os.environ.update(asked["env"])
        os.environ.pop("PYTHONPATH", None)
        os.environ.setdefault("TMPDIR", str(Path(asked["out"]).parent))  # what it leaves there goes with what it said
        if asked["room"]:
            resource.setrlimit(resource.RLIMIT_FSIZE, (asked["room"], asked["room"]))
        sys.argv = ["tds", *asked["args"]]
        sys.modules.update(dict.fromkeys(asked["missing"]))  # type: ignore[arg-type]
        from tds_atlas.cli.main import main

        kept.take({name: Path(path) for name, path in asked["kept"].items()})

        signal.alarm(asked["seconds"])
        with nullcontext() if asked["drawn"] else undrawn():
            main()
        code = 0
    except SystemExit as end:
        code = 0 if end.code is None else end.code
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 70)


if __name__ == "__main__":
    serve()
