"""A worker as small as can be, over the same frames and the same end of life: what tests of the boundary talk to."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np

FRAMES = Path(__file__).parents[2] / "builder/tds_atlas/measure/engines/vllm/frames.py"
spec = importlib.util.spec_from_file_location("frames", FRAMES)
assert spec and spec.loader
frames = importlib.util.module_from_spec(spec)
sys.modules["frames"] = frames
spec.loader.exec_module(frames)


def end_with(life: int) -> None:
    os.read(life, 1)
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    channel = socket.socket(fileno=int(sys.argv[1]))
    threading.Thread(target=end_with, args=(int(sys.argv[2]),), daemon=True).start()
    while (asked := frames.receive(channel)) is not None:
        if asked.kind == "echo":
            frames.send(channel, frames.Frame("answer", asked.fields, asked.arrays))
        elif asked.kind == "child":  # as vLLM starts processes of its own
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
            frames.send(channel, frames.Frame("answer", {"pids": [os.getpid(), child.pid]}))
        elif asked.kind == "versions":
            frames.send(channel, frames.Frame("answer", {"vllm": os.environ.get("SMALL_VERSION", "0.32.0")}))
        elif asked.kind == "fail":
            frames.send(channel, frames.Frame("error", {"text": "ValueError: no\nsuch \x1b[31mmodel"}))
        elif asked.kind == "die":
            print("loading\nTraceback (most recent call last):\n  File x\nRuntimeError: no kernel\n\n", flush=True)
            os._exit(3)
        elif asked.kind == "half":
            channel.sendall(b"\x20\0\0\0\0\0\0\0[")
            os._exit(0)
        elif asked.kind == "sleep":
            time.sleep(600)
        else:
            frames.send(
                channel,
                frames.Frame(
                    "answer", {"env": dict(os.environ), "path": sys.path}, {"x": np.empty((0, 3), np.float32)}
                ),
            )


if __name__ == "__main__":
    try:
        main()
    finally:
        os.killpg(0, signal.SIGKILL)
