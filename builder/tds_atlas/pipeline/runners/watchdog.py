"""Says from time to time that nothing was finished for a while: what waits for ever looks like what takes long."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tds_atlas.terminal import say


@dataclass
class Watchdog:
    """Speaks after so many seconds without progress, and then each time after twice as many."""

    seconds: float = 60
    clock: Callable[[], float] = time.monotonic
    since: float = field(init=False)
    due: float = field(init=False)

    def __post_init__(self) -> None:
        self.progress()

    def progress(self) -> None:
        """Something was finished."""
        self.since = self.clock()
        self.due = self.seconds

    def check(self, state: Callable[[], str]) -> None:
        """Say how things stand, if it is time to."""
        quiet = self.clock() - self.since
        if quiet >= self.due:
            self.due = 2 * quiet
            say(f"nothing finished for {quiet:.0f} s: {state()}")
