"""Files that a process makes once, for itself and for the processes that it starts: they take a second each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from tds_atlas.parts import temporary_folder

_FILES: dict[str, Path] = {}


def kept(name: str, make: Callable[[Path], None]) -> Path:
    """The file of that name, made by the first who asks."""
    if name not in _FILES:
        path = Path(_folder().name) / name
        make(path)
        _FILES[name] = path
    return _FILES[name]


def is_kept(name: str) -> bool:
    return name in _FILES


def files_to_hand_on() -> dict[str, Path]:
    """What a process that ends before this one may use."""
    return dict(_FILES)


def take(files: Mapping[str, Path]) -> None:
    """Use the files of the process that started this one."""
    _FILES.update(files)


@cache
def _folder() -> TemporaryDirectory[str]:
    """Of this process: it goes with the object."""
    return temporary_folder()
