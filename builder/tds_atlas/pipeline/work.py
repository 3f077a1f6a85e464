"""Pieces of work: cut to size, divided among workers, run so that a failure leaves the others intact, and mended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from itertools import islice
from typing import ParamSpec, TypeVar

from tds_atlas.domain import InputError
from tds_atlas.record.shards import DamagedShard
from tds_atlas.terminal import say

T = TypeVar("T")
P = ParamSpec("P")


@dataclass(frozen=True)
class WorkerPart:
    """Every `count`-th piece of work, starting from piece `number` (counted from 1)."""

    number: int = 1
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> WorkerPart:
        """From `number/count`, e.g. 2/4."""
        number, _, count = text.partition("/")
        if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
            raise InputError(f"--part {text}: expected NUMBER/COUNT, e.g. 2/4 for the second of four workers")
        return cls(int(number), int(count))

    def of(self, work: Iterable[T]) -> list[T]:
        """The pieces of this worker: they must not depend on what other workers have finished."""
        return list(islice(work, self.number - 1, None, self.count))


WHOLE = WorkerPart()


@dataclass(frozen=True)
class Span:
    """The rows from `start` up to but without `end`, counted from 0 in the order of the file. None: up to the last."""

    start: int = 0
    end: int | None = None

    def check(self, rows: int) -> None:
        """Raises InputError where the span is not within so many rows."""
        end = rows if self.end is None else self.end
        if not 0 <= self.start < rows:
            raise InputError(f"--start {self.start}: the report has {rows:,} rows, counted from 0 to {rows - 1:,}")
        if not self.start < end <= rows:
            raise InputError(f"--end {end}: rows are counted from 0; give {self.start + 1} to {rows:,}")

    def of(self, parts: Iterable[tuple[T, ...]]) -> Iterator[tuple[T, ...]]:
        """The parts, given in order, that hold a row of the span; each is taken whole."""
        first = 0
        for part in parts:
            after = first + len(part)
            if after > self.start and (self.end is None or first < self.end):
                yield part
            first = after


ALL_ROWS = Span()


def in_parts(items: Sequence[T], size: int) -> Iterator[tuple[T, ...]]:
    """The items in order, `size` at a time."""
    rest = iter(items)
    while part := tuple(islice(rest, size)):
        yield part


class FailedPieces(InputError):
    """Some pieces of work failed for the user's input; all others are done."""


@dataclass
class Failures:
    """The input errors of pieces of work, held back until all pieces have been tried."""

    errors: list[InputError] = field(default_factory=list)

    @contextmanager
    def collect(self) -> Iterator[None]:
        """Hold back an InputError of the block, unless a damaged shard is the reason: see `mending`."""
        try:
            yield
        except DamagedShard:
            raise
        except InputError as error:
            self.errors.append(error)

    def raise_collected(self) -> None:
        """Raise the collected errors as one, quoting the first."""
        messages = list(dict.fromkeys(map(str, self.errors)))
        if messages:
            more = f" (and {len(messages) - 1} more like it)" if len(messages) > 1 else ""
            raise FailedPieces(f"{messages[0]}{more}")


def mending(step: Callable[P, None]) -> Callable[P, None]:
    """The step, repeated whenever it meets a damaged shard, which is removed: only that is then measured anew."""

    @wraps(step)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        removed = set()
        while True:
            try:
                return step(*args, **kwargs)
            except DamagedShard as damage:
                if damage.shard in removed:
                    raise InputError(f"{damage}, and again after it was measured anew: check the disk") from None
                removed.add(damage.shard)
                say(f"{damage}; it is measured anew")
                damage.shard.remove()

    return run
