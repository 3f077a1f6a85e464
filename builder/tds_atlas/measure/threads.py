"""How many threads compute: as many as are fastest at the moment.

On a busy machine threads wait for one another, and one alone may be several times faster than one for each core. Sums
may then be taken in another order: the last digits of a number may differ.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from functools import cache

import torch

CHOSEN_BY_USER = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
_SHAPE = (64, 512, 2048)  # positions, width of states, logits: a product that takes a fraction of a millisecond
_SECONDS = 0.01  # of one trial
_ROUNDS = 5  # of trials of all numbers in turn, so that what disturbs one disturbs all
_CLEARLY = 1.2  # times as fast as all threads together


@cache
def choose_threads() -> str:
    """Set torch's threads, once in a process. Returns how many, and who chose them."""
    most = torch.get_num_threads()
    if any(os.environ.get(name) for name in CHOSEN_BY_USER) or most == 1:
        return f"{most} threads"
    numbers = [n for n in (2**i for i in range(most.bit_length())) if n < most]
    speeds = measured([*numbers, most], _products)
    torch.set_num_threads(best(speeds))
    return f"{torch.get_num_threads()} of {most} threads (by measurement)"


def best(speeds: Mapping[int, float]) -> int:
    """The fastest number of threads; the largest, unless another is clearly faster."""
    largest, fastest = max(speeds), max(speeds, key=lambda n: speeds[n])
    return fastest if speeds[fastest] > _CLEARLY * speeds[largest] else largest


def measured(numbers: list[int], work: Callable[[float], float]) -> dict[int, float]:
    """Work per second with each number of threads, over all rounds: a wait that comes rarely counts, too."""
    before, done, spent = torch.get_num_threads(), dict.fromkeys(numbers, 0.0), dict.fromkeys(numbers, 0.0)
    try:
        for i in range(_ROUNDS + 1):
            for n in numbers:
                torch.set_num_threads(n)
                start = time.perf_counter()
                count = work(_SECONDS)
                if i:  # the first round starts the threads
                    done[n] += count
                    spent[n] += time.perf_counter() - start
    finally:
        torch.set_num_threads(before)
    return {n: done[n] / spent[n] for n in numbers}


def _products(seconds: float) -> float:
    """Products as of a small head, for about so long. Returns how many."""
    rows, width, logits = _SHAPE
    states, weights = torch.ones(rows, width), torch.ones(logits, width)
    count, end = 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        torch.nn.functional.linear(states, weights)
        count += 1
    return count
