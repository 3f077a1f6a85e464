"""What a path leads to: without links, whether a folder holds it, and where the project's own files are."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

_WHEEL_FILES = Path(__file__).parent / "project_files"
_CLONE = Path(__file__).parent.parent.parent


def project_file(name: str, source: str = "") -> Path:
    """A file or folder that a new project gets: of the installed package, or of a clone, at `source` there."""
    return _WHEEL_FILES / name if _WHEEL_FILES.is_dir() else _CLONE / (source or name)


def holds(folder: Path, path: Path) -> bool:
    """Whether a folder is or contains a path, or what it leads to. Upper and lower case are one, as on some disks."""
    outer, places = _parts(real_path(folder)), (real_path(path), real_path(path.parent) / path.name)
    return any(_parts(place)[: len(outer)] == outer for place in places)


def real_path(path: Path) -> Path:
    """Without links; one that leads to itself stays, where `Path.resolve` fails."""
    return Path(os.path.realpath(path))


def _parts(path: Path) -> tuple[str, ...]:
    return tuple(unicodedata.normalize("NFC", part).casefold() for part in path.parts)
