"""Timing as ratios: every way in turn in each round, so that what disturbs the machine disturbs all of them."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

Ways = dict[str, Callable[[], int]]  # each does its work and returns how many tokens that was
ROUNDS = 5


def speeds(ways: Ways, rounds: int = ROUNDS) -> dict[str, list[float]]:
    """Tokens per second of each way in each round."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for name, way in ways.items():
        print(f"  warming up: {name}", file=sys.stderr)
        way()
    for i in range(rounds):
        for name, way in ways.items():
            print(f"  round {i + 1} of {rounds}: {name}", file=sys.stderr)
            start = time.perf_counter()
            count = way()
            found[name].append(count / (time.perf_counter() - start))
    return found


def ratio(found: dict[str, list[float]], name: str, to: str) -> float:
    """Median over the rounds of one way's speed to another's in the same round."""
    return statistics.median(a / b for a, b in zip(found[name], found[to], strict=True))
