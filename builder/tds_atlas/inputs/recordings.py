"""Files of recorded log-probabilities: whether they hold lists, and the token exports that prime-rl writes.

A row of a token export holds prompt and answer as one list of `token_ids`, and in `loss_mask` which of them the model
wrote. Of an answer in several pieces, such as turns between which tools speak, the last is the answer; whatever is
before it was read.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from tds_atlas.domain import InputError
from tds_atlas.inputs.engine_settings import RecordedSettings

LISTS = ("top_ids", "top_logprobs")
MASK = "loss_mask"
OWN, EXPORTED = "logprobs", "trainer_logprobs"  # where the log-probabilities stand, unless the report file says
_DIGITS = 12  # of a row's name
_HEAT = "temperatures"  # of the later token exports: what logits were divided by, token by token


@dataclass(frozen=True)
class Exported:
    """What a row of a token export says was read, what was written, and at which place in the row that begins."""

    before: tuple[int, ...]
    ids: tuple[int, ...]

    @property
    def places(self) -> slice:
        return slice(len(self.before), len(self.before) + len(self.ids))


class Names:
    """The names of a token export's rows, by their ids: recordings of one text meet, whatever the order of their files.

    Of rows with the same ids the second and further ones are numbered.
    """

    def __init__(self) -> None:
        self._count = Counter[str]()

    def of(self, row: Exported) -> str:
        name = hashlib.sha256(f"{row.before} {row.ids}".encode()).hexdigest()[:_DIGITS]
        self._count[name] += 1
        return name if self._count[name] == 1 else f"{name}-{self._count[name]}"


def is_export(row: Mapping[str, Any]) -> bool:
    return isinstance(row.get("token_ids"), list) and isinstance(row.get(MASK), list)


def exported(where: str, row: Mapping[str, Any]) -> Exported:
    """The row's answer and what is before it. Raises InputError: row, key."""
    ids, mask = row["token_ids"], row[MASK]
    if len(ids) != len(mask):
        raise InputError(f"{where}: {MASK}: {len(mask):,} places, token_ids has {len(ids):,}; both need one a token")
    for t, (i, kept) in enumerate(zip(ids, mask, strict=True)):
        if type(i) is not int or not 0 <= i < 2**31:
            raise InputError(f"{where}: token_ids: place {t} has {str(i)[:20]!r}, no id; an id is a number from 0")
        if type(kept) is not bool:
            raise InputError(f"{where}: {MASK}: place {t} has {str(kept)[:20]!r}; it must be true or false")
    end = next((t + 1 for t in reversed(range(len(mask))) if mask[t]), 0)
    start = next((t + 1 for t in reversed(range(end)) if not mask[t]), 0)
    if not start:
        found = "no token is the model's own" if not end else "nothing stands before the answer"
        raise InputError(f"{where}: {MASK}: {found}; it must be false for what was read, true for what was written")
    _check_heat(where, row, slice(start, end))
    return Exported(tuple(ids[:start]), tuple(ids[start:end]))


def _check_heat(where: str, row: Mapping[str, Any], places: slice) -> None:
    heat = row.get(_HEAT)
    other = next((x for x in heat[places] if x != 1), None) if isinstance(heat, list) else None
    if other is not None:
        found = f"log-probabilities at temperature {str(other)[:20]}"
        raise InputError(f"{where}: {_HEAT}: {found}; those at 1 are the model's own: export at temperature 1")


def has_lists(settings: RecordedSettings) -> bool:
    """Whether a recording has lists of likeliest tokens: its first row says so for all. Raises InputError."""
    try:
        found = settings.path.stat()
    except OSError as error:
        raise InputError(f"{settings.path}: cannot be read: {error.strerror}") from None
    return _has_lists(settings.path, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=64)
def _has_lists(path: Path, changed: int, size: int) -> bool:
    from tds_atlas.inputs.rows import read_rows  # whose settings hold those of engines

    _, row = next(iter(read_rows(path, "stop", [])))
    return isinstance(row, dict) and any(row.get(name) is not None for name in LISTS)
