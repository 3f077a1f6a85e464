"""Content hashes of files, to tell whether they have changed; and whether a folder holds a path."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections.abc import Iterable
from pathlib import Path


def hash_files(paths: Iterable[Path], root: Path | None = None) -> str:
    """SHA-256 over names and contents, in order; a missing file is skipped, which changes the hash, too.

    Names are paths relative to `root`, or bare file names without it.
    """
    digest = hashlib.sha256()
    for path in paths:
        if path.is_file():
            name = path.relative_to(root).as_posix() if root else path.name
            with path.open("rb") as file:
                digest.update(f"{name}\0{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()


def hash_tree(folder: Path) -> str:
    """SHA-256 over all files below a folder, by relative path, except compiled Python."""
    return hash_files((path for path in sorted(folder.rglob("*")) if path.suffix != ".pyc"), folder)


def holds(folder: Path, path: Path) -> bool:
    """Whether a folder is or contains a path, or what it leads to. Upper and lower case are one, as on some disks."""
    outer, places = _parts(real_path(folder)), (real_path(path), real_path(path.parent) / path.name)
    return any(_parts(place)[: len(outer)] == outer for place in places)


def real_path(path: Path) -> Path:
    """Without links; one that leads to itself stays, where `Path.resolve` fails."""
    return Path(os.path.realpath(path))


def _parts(path: Path) -> tuple[str, ...]:
    return tuple(unicodedata.normalize("NFC", part).casefold() for part in path.parts)
