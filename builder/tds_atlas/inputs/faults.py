"""What is wrong with a file of settings, in words: the first fault, its key, and what would be allowed there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

from pydantic import ValidationError

from tds_atlas.domain import printable
from tds_atlas.inputs.blocks import Settings

_KEY = 80  # characters of a key in a message


def first_fault(error: ValidationError, settings: type[Settings]) -> str:
    """The key and the message of the first fault, as one line, and how many more there are."""
    first, *others = error.errors()
    key = printable(".".join(str(part)[:_KEY] for part in first["loc"] if part != "[key]"))
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        message = f"unknown key; allowed here: {', '.join(_fields_at(settings, first['loc'][:-1]))}"
    elif first["type"] == "missing":
        message = "missing"
    more = f" (and {len(others)} more)" if others else ""
    return f"{key + ': ' if key else ''}{message}{more}"


def check_name(key: str, name: str, names: Iterable[str]) -> None:
    """Raises ValueError where a block names what the file does not define."""
    if name not in names:
        raise ValueError(f"{key}: {name!r} is not defined; known: {', '.join(names) or 'none'}")


def _fields_at(settings: type[Settings], loc: tuple[str | int, ...]) -> list[str]:
    """The keys that are allowed in the block at this place."""
    block: Any = settings
    for part in loc:
        if not _is_block(block):  # a mapping or a list of blocks, or one of several kinds
            block = next((b for b in _blocks_in(block) if _kind(b) == part), _blocks_in(block)[0])
        else:
            block = block.model_fields[str(part)].annotation
            if type(None) in get_args(block) and len(_blocks_in(block)) == 1:
                (block,) = _blocks_in(block)
    return list(block.model_fields)


def _blocks_in(annotation: Any) -> list[type[Settings]]:
    if _is_block(annotation):
        return [annotation]
    return [block for inner in get_args(annotation) for block in _blocks_in(inner)]


def _kind(block: type[Settings]) -> Any:
    return block.model_fields["kind"].default if "kind" in block.model_fields else None


def _is_block(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Settings)
