"""Scoring the pocket pair on a quiet machine and beside as many busy processes as it has cores: all threads, and as many as
a measurement at the start chose."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tds_atlas.measure.threads import CHOSEN_BY_USER
from tests.bench.whole import ROOT

ROUNDS = 3


def speed(way: str, seconds: float = 3) -> float:
    """Tokens per second in this process."""
    import torch

    from tds_atlas.measure.threads import choose_threads
    from tests.bench import pairs, peers

    if way == "chosen":
        choose_threads()
    pair = pairs.pocket()
    responses, prompts = pairs.answers(pair, 24)
    peers.ours(pair, responses[:2], prompts)
    print(torch.get_num_threads(), file=sys.stderr)
    start, count = time.perf_counter(), 0
    while time.perf_counter() < start + seconds:
        count += peers.ours(pair, responses, prompts)
    return count / (time.perf_counter() - start)


def in_a_process(way: str) -> float:
    """The same in a process of its own, as a user starts one."""
    env = {name: value for name, value in os.environ.items() if name not in CHOSEN_BY_USER}
    env |= {"PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "builder")))}
    command = [sys.executable, "-m", "tests.bench.busy", way]
    return float(subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=True).stdout)


@contextmanager
def neighbours(count: int) -> Iterator[None]:
    """So many processes that only compute."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for one in busy:
            one.kill()
            one.wait()


def table() -> None:
    cores = os.cpu_count() or 1
    print("\n**Threads, pocket pair, tokens/s (best of three)**\n")
    print("| machine | all threads | threads chosen at the start |\n|---|---:|---:|")
    for name, count in (("quiet", 0), (f"beside {cores} busy processes", cores)):
        with neighbours(count):
            found = {way: max(in_a_process(way) for _ in range(ROUNDS)) for way in ("all", "chosen")}
        print(f"| {name} | {found['all']:,.0f} | {found['chosen']:,.0f} |", flush=True)


if __name__ == "__main__":
    if sys.argv[1:]:
        os.environ.setdefault("GOMP_SPINCOUNT", "10000")
        print(speed(sys.argv[1]))
    else:
        table()
