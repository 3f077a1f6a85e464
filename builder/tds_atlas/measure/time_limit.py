"""A limit for work that may never end: a template is a program, and some patterns take years over forty letters."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tds_atlas.domain import InputError

SECONDS = 10


@contextmanager
def time_limit(what: str) -> Iterator[None]:
    """Raises InputError where the work has not ended. Only the main thread can be stopped so; others go without."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "SIGALRM"):
        yield
        return

    def stop(*_: Any) -> None:
        raise InputError(f"{what} has not ended after {SECONDS} seconds; give another")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
