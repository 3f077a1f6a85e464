"""A second process, for work that no page waits on."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

from tds_atlas.domain import InputError
from tds_atlas.record.catalog import definitions
from tds_atlas.record.kept import files_to_hand_on, take


@contextmanager
def background_process() -> Iterator[ProcessPoolExecutor]:
    """Runs its tasks in order; starts with the first. Raises InputError if the process was killed."""
    definitions()  # which both processes need
    given = (os.getpid(), files_to_hand_on())
    try:
        with ProcessPoolExecutor(1, get_context("spawn"), _bound_to, given) as pool:
            yield pool
    except BrokenProcessPool:
        raise InputError("the report's second process was killed, probably out of memory; run again") from None


def _bound_to(parent: int, files: Mapping[str, Path]) -> None:
    """End the second process silently on an interrupt, and whenever the first one ends, whose files it may use."""
    take(files)
    signal.signal(signal.SIGINT, signal.SIG_DFL)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.2)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
