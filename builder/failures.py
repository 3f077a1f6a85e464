"""Work in pieces where one that fails leaves the others unharmed: the first error is told once all are through."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from builder.domain import InputError


@dataclass
class Failures:
    errors: list[InputError] = field(default_factory=list)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep an InputError of the block for later."""
        try:
            yield
        except InputError as error:
            self.errors.append(error)

    def stop(self) -> None:
        """Raise what was kept as one InputError, the first in words."""
        different = list(dict.fromkeys(map(str, self.errors)))
        if different:
            more = f" (and {len(different) - 1} more like it)" if len(different) > 1 else ""
            raise InputError(f"{different[0]}{more}")
