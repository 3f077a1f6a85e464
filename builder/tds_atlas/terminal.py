"""Text to the terminal: a progress bar for each long step, which leaves one line behind; messages; results.

Nothing reaches a terminal but through here, since names and texts from files could hold codes that it would obey.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator, Sized
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import IO, Protocol, TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from tds_atlas.domain import printable

T = TypeVar("T")
console = Console(stderr=True, highlight=False)
_STDERR = 2
_listeners: list[list[str]] = []


class Advance(Protocol):
    def __call__(self, amount: int, /) -> None: ...


class _RateColumn(ProgressColumn):
    """Units per second since the start of the step."""

    def render(self, task: Task) -> Text:
        unit = task.fields["unit"]
        return Text(f"{task.speed:,.0f} {unit}/s" if task.speed else f"– {unit}/s", style="cyan")


@contextmanager
def listening(lines: list[str]) -> Iterator[None]:
    """What is said during the block is added to `lines`, for another process to say; there are no bars."""
    _listeners.append(lines)
    try:
        yield
    finally:
        _listeners.pop()


@contextmanager
def stderr_into(file: IO[bytes]) -> Iterator[None]:
    """What any code of this process, native code too, or process that it starts, writes to standard error goes into the
    file; nothing does where standard error is closed."""
    try:
        kept = os.dup(_STDERR)
    except OSError:
        yield
        return
    sys.stderr.flush()
    os.dup2(file.fileno(), _STDERR)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, _STDERR)
        os.close(kept)


@contextmanager
def stderr_held() -> Iterator[None]:
    """Hold back what is written to standard error: passed on at the end, dropped if the block raises, since the error
    says it in one line. A panic of native code is a backtrace of many."""
    with TemporaryFile() as held:
        with stderr_into(held):
            yield
        held.seek(0)
        if text := held.read():
            os.write(_STDERR, text)


@contextmanager
def progress_bar(description: str, total: int | None, unit: str) -> Iterator[Advance]:
    """Show a bar while the block runs; call the yielded function with the number of units done."""
    if _listeners:
        yield lambda amount: None
        return
    columns = (
        TextColumn("{task.description:<28}"),
        BarColumn(bar_width=28),
        TextColumn("{task.percentage:>3.0f} %"),
        _RateColumn(),
        TimeRemainingColumn(),
    )
    start, count = time.monotonic(), 0
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(description, total=total, unit=unit)

        def advance(amount: int, /) -> None:
            nonlocal count
            count += amount
            bar.advance(task, amount)

        yield advance
    seconds = time.monotonic() - start
    rate = f"{count / seconds:,.0f} {unit}/s" if seconds > 0.05 else ""
    say(f"{description:<28} {count:>9,} {unit:<9} {seconds:6.1f} s  {rate}".rstrip())


def track(items: Iterable[T], description: str, total: int | None = None, unit: str = "items") -> Iterator[T]:
    """Yield the items, advancing the bar by one for each."""
    total = len(items) if total is None and isinstance(items, Sized) else total
    with progress_bar(description, total, unit) as advance:
        for item in items:
            yield item
            advance(1)


def say(line: str) -> None:
    """Print one line to stderr, so that piped output stays clean."""
    if _listeners:
        _listeners[-1].append(line)
        return
    console.print(printable(line), markup=False, soft_wrap=True)


def tell(text: str) -> None:
    """Print a result: exactly into a file or a pipe; on a terminal without control characters but line breaks."""
    lines = text.split("\n")
    print("\n".join(map(printable, lines)) if sys.stdout.isatty() else text, flush=True)


def complain(line: str) -> None:
    """Print an error to stderr, as one line."""
    print(f"tds: {printable(line)}", file=sys.stderr)
