"""Where shards go: a folder, or a bucket of an object store by its URL."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import PlainValidator

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/")
_BUCKET = re.compile(r"(s3|gs)://[a-z0-9][a-z0-9._-]{1,61}[a-z0-9](/[A-Za-z0-9!_.*'()=+-]+)*/?")
_SHAPE = "give a folder, s3://BUCKET/PREFIX or gs://BUCKET/PREFIX"


def folder_or_bucket(value: Any) -> Path | str:
    """A folder as a path, a URL as a text without a slash at its end. No message quotes it: it may hold a key."""
    if not isinstance(value, str | Path):
        raise ValueError(f"is no place; {_SHAPE}")
    if isinstance(value, Path) or not _URL.match(value):
        return Path(value).expanduser()
    if "@" in value or "?" in value:
        raise ValueError(
            f"a URL with a key or a query, which the database would hold; {_SHAPE}, keys in the environment"
        )
    if not _BUCKET.fullmatch(value) or {".", ".."} & set(value.split("/")):
        raise ValueError(f"is no URL of a bucket; {_SHAPE}")
    return value.rstrip("/")


ShardsPlace = Annotated[Path | str, PlainValidator(folder_or_bucket)]
