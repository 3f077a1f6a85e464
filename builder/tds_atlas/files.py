"""Content hashes of files: whether they are what they were."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path


def hash_files(paths: Iterable[Path], root: Path | None = None) -> str:
    """SHA-256 over names and contents, in order; a file that does not exist counts by its absence.

    root: names are paths relative to it; without it, bare file names.
    """
    digest = hashlib.sha256()
    for path in paths:
        if path.is_file():
            name = path.relative_to(root).as_posix() if root else path.name
            with path.open("rb") as file:
                digest.update(f"{name}\0{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()


def hash_tree(folder: Path) -> str:
    """The same over all files below a folder by their paths in it, compiled Python apart."""
    return hash_files((path for path in sorted(folder.rglob("*")) if path.suffix != ".pyc"), folder)
