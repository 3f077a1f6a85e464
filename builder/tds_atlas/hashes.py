"""Content hashes of files, to tell whether they have changed."""

from __future__ import annotations

import hashlib
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
