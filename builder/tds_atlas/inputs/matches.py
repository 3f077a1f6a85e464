"""Graders by reference answers: whether a text says one of them. None where there are none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tds_atlas.inputs.roles import states


def contains(row: Mapping[str, Any]) -> bool | None:
    """Whether the text has one of them, as whole words in any case."""
    return states(row["text"], row["references"])


def equals(row: Mapping[str, Any]) -> bool | None:
    """Whether the text is one of them, but for case and white space."""
    found = {_plain(reference) for reference in row["references"]}
    return _plain(row["text"]) in found if found else None


def regex(row: Mapping[str, Any]) -> bool | None:
    """Whether one of them, a regular expression, is found in the text."""
    patterns = row["references"]
    return any(re.search(pattern, row["text"]) for pattern in patterns) if patterns else None


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
