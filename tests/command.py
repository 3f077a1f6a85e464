"""The command `tds` in a process of its own, forked from one that has imported everything: a tenth of a second instead of
five. That one runs neither DuckDB nor torch: a fork has none of the threads that they start."""

from __future__ import annotations

import atexit
import functools
import importlib
import json
import os
import pkgutil
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "COLUMNS": "100", "OMP_NUM_THREADS": "1"}
_SECONDS = 120
_LATE = ("altair", "mkdocs.commands.build", "peft", "torch", "transformers.models.llama.modeling_llama", "vl_convert")


def tds(*args: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The command in a folder, with the environment above."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        asked = {"args": args, "cwd": str(cwd or Path.cwd()), "out": str(out), "err": str(err)}
        server = _server()
        assert server.stdin and server.stdout
        server.stdin.write(json.dumps(asked) + "\n")
        server.stdin.flush()
        code = int(server.stdout.readline())
        return subprocess.CompletedProcess(args, code, *(path.read_text(encoding="utf-8") for path in (out, err)))


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
    """Run each command that a line of the standard input asks for; answer with its exit code."""
    import_all(_LATE)
    for line in sys.stdin:
        asked = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _become(asked)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


def import_all(libraries: Iterable[str]) -> None:
    """What a command imports, once: the forked processes have it already."""
    import tds_atlas

    for module in pkgutil.walk_packages(tds_atlas.__path__, "tds_atlas."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in libraries:
        importlib.import_module(name)


def _become(asked: dict[str, Any]) -> None:
    """The command, in the place of this process."""
    code: Any = 70
    try:
        for number, file in enumerate((os.devnull, asked["out"], asked["err"])):
            os.dup2(os.open(file, os.O_RDWR | os.O_CREAT), number)
        os.chdir(asked["cwd"])
        os.environ.pop("PYTHONPATH", None)
        sys.argv = ["tds", *asked["args"]]
        import signal

        from tds_atlas.cli.main import main

        signal.alarm(_SECONDS)
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
