"""A worker under another Python, against a small one that is real code: frames, errors, death, and no orphans."""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from tds_atlas.domain import InputError
from tds_atlas.measure.engines.vllm.frames import Frame, Torn, joined, parted, receive, send
from tds_atlas.measure.engines.vllm.process import Worker, last_error

SMALL = Path(__file__).with_name("small_worker.py")


def worker() -> Worker:
    return Worker("models.x: vllm", Path(sys.executable), {"OWN": "1"}, SMALL)


def gone(*pids: int) -> bool:
    """Whether these processes end within some seconds."""
    for _ in range(100):
        alive = [pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE]
        if not alive:
            return True
        time.sleep(0.1)
    return False


def test_arrays_of_any_shape_come_back_as_they_went() -> None:
    big = np.random.default_rng(0).standard_normal((3000, 257)).astype(np.float32)  # more than a socket holds at once
    arrays = {"big": big, "ids": np.array([7, -1], np.int32), "none": np.empty((0, 4), np.float32), "turned": big.T}
    one = worker()
    answer = one.ask("echo", {"text": "天 \0", "n": [1, None]}, arrays)
    assert answer.fields == {"text": "天 \0", "n": [1, None]} and list(answer.arrays) == list(arrays)
    for name, values in arrays.items():
        np.testing.assert_array_equal(answer.arrays[name], values)
    one.close()


def test_rows_of_different_lengths_are_parted_as_they_were_joined() -> None:
    rows = [(1, 2, 3), (), (2**31 - 1,)]
    assert [tuple(row.tolist()) for row in parted(joined(rows))] == rows
    assert list(parted(joined([]))) == []


@pytest.mark.parametrize(
    "sent",
    [
        b"\x05\0\0",
        struct.pack("<Q", 2**60),
        struct.pack("<Q", 3) + b"{}}",
        struct.pack("<Q", 37) + b'["answer", {}, [["x", "object", [1]]]]',
        struct.pack("<Q", 36) + b'["answer", {}, [["x", "int32", [-1]]]]'[:36],
        struct.pack("<Q", 44) + b'["answer", {}, [["x", "float32", [99999999]]]]'[:44],
        struct.pack("<Q", 38) + b'["answer", {}, [["x", "int32", [4]]]]\n' + b"\0" * 15,
    ],
)
def test_what_is_no_whole_message_is_refused(sent: bytes) -> None:
    ours, theirs = socket.socketpair()
    theirs.sendall(sent)
    theirs.close()
    with pytest.raises(Torn):
        receive(ours)


def test_a_closed_side_is_the_end_and_no_message() -> None:
    ours, theirs = socket.socketpair()
    send(theirs, Frame("answer"))
    theirs.close()
    assert receive(ours) == Frame("answer")
    assert receive(ours) is None


def test_an_error_of_the_worker_is_one_printable_line() -> None:
    one = worker()
    with pytest.raises(InputError) as error:
        one.ask("fail", {})
    assert str(error.value) == r"models.x: vllm: ValueError: no such \x1b[31mmodel"
    assert one.ask("echo", {"n": 1}).fields == {"n": 1}, "and the worker lives on"
    one.close()


@pytest.mark.parametrize(
    ("kind", "code", "text"), [("die", "exit code 3", "RuntimeError: no kernel"), ("half", "exit code 0", "nothing")]
)
def test_a_worker_that_ends_is_one_line_with_its_last_error(kind: str, code: str, text: str) -> None:
    with pytest.raises(InputError, match=rf"^models\.x: vllm: its process is gone \({code}\): .*{text}$"):
        worker().ask(kind, {})


def test_a_worker_that_is_killed_says_that_memory_may_be_short() -> None:
    one = worker()
    (pid, child) = one.ask("child", {}).fields["pids"]
    threading.Timer(0.5, os.kill, (pid, signal.SIGKILL)).start()
    with pytest.raises(InputError, match=r"gone \(signal 9; the system ends a process so when memory is short\)"):
        one.ask("sleep", {})
    assert gone(child), "what it had started is ended, too"


def test_closing_ends_the_worker_and_all_that_it_started() -> None:
    one = worker()
    pids = one.ask("child", {}).fields["pids"]
    assert all(map(psutil.pid_exists, pids))
    one.close()
    assert gone(*pids)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("state", ["idle", "asking"])
def test_no_worker_outlives_the_process_that_started_it(how: signal.Signals, state: str) -> None:
    wait = "time.sleep(600)" if state == "idle" else "w.ask('sleep', {})"
    # A shell's background job ignores interrupts, and its children would, too.
    code = f"import signal, time; signal.signal(2, signal.default_int_handler); from tests.measure.test_worker import worker; w = worker(); print(*w.ask('child', {{}}).fields['pids'], flush=True); {wait}"
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert parent.stdout
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(pids) == 2 and all(map(psutil.pid_exists, pids))
    time.sleep(0.3)
    parent.send_signal(how)
    parent.wait(20)
    assert gone(*pids)


def test_the_worker_has_its_own_python_and_the_users_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/of/ours")
    monkeypatch.setenv("OWN", "the user's")
    one = worker()
    told = one.ask("tell", {}).fields
    assert "PYTHONPATH" not in told["env"] and "/of/ours" not in told["path"]
    assert told["env"]["OWN"] == "the user's", "a default of ours gives way"
    assert str(SMALL.parent) not in told["path"], "files beside the worker are no modules"
    one.close()


@pytest.mark.parametrize(
    ("python", "problem"),
    [("/no/python", "cannot be run: No such file"), ("/etc/passwd", "cannot be run: Permission denied")],
)
def test_a_python_that_cannot_run_is_one_line(python: str, problem: str) -> None:
    with pytest.raises(InputError, match=rf"^models\.x: vllm: {python} {problem}"):
        Worker("models.x: vllm", Path(python), {})


@pytest.mark.parametrize(
    ("output", "line"),
    [
        ("", "it wrote nothing"),
        ("a\nb\n", "b"),
        (
            "(EngineCore pid=3) ERROR 11-27 [core.py:12] torch.OutOfMemoryError: CUDA out of memory.\nbye",
            "torch.OutOfMemoryError: CUDA out of memory.",
        ),
        (
            "ValueError: first\n  at x\nRuntimeError: Engine core failed, see above",
            "RuntimeError: Engine core failed, see above",
        ),
        ("Error: " + "x" * 999, "Error: " + "x" * 292 + "…"),
    ],
)
def test_the_last_error_of_an_output(output: str, line: str) -> None:
    assert last_error(output) == line
