"""A small text file, whole: a report, roles, a template. What is no file is not opened: a pipe would never end."""

from __future__ import annotations

from pathlib import Path

from tds_atlas.domain import InputError

_BYTES = 1_000_000  # PyYAML reads some hundred kilobytes a second


def read_text(path: Path) -> str:
    """The text of a file. Raises InputError for what is not a file of UTF-8 text, or is too long."""
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: cannot be read: not a file")
    try:
        with path.open("rb") as file:
            raw = file.read(_BYTES + 1)
        text = raw.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or 'not UTF-8 text'}") from None
    if len(raw) > _BYTES:
        raise InputError(f"{path}: more than {_BYTES:,} bytes; give a short text file")
    return text
