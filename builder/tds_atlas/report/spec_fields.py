"""Columns that a Vega-Lite spec names and its rows do not have: Vega draws such a mark nowhere, and says nothing.

Looked at are encodings and transforms, in the data that holds where they stand. What transforms make is known by its
name; where names come from the data (pivot) or from elsewhere (geodata, generated sequences), nothing is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_PARTS = ("layer", "hconcat", "vconcat", "concat", "spec")  # of a spec, where they are specs or lists of them
_MADE = {"fold": ("key", "value"), "density": ("value", "density"), "quantile": ("prob", "value")}  # without `as`
_DATUM = re.compile(r"""\bdatum(?:\.([A-Za-z_$][\w$]*)|\[\s*(?:'([^']*)'|"([^"]*)")\s*\])""")

Columns = frozenset[str]


def missing_column(spec: dict[str, Any]) -> tuple[str, Columns] | None:
    """The first column that is named and not there, and those that are."""
    return next(_missing(spec, None, spec.get("datasets", {})), None)


def _missing(view: Any, above: Columns | None, datasets: dict[str, Any]) -> Iterator[tuple[str, Columns]]:
    columns = _columns(view["data"], datasets) if isinstance(view.get("data"), dict) else above
    transforms = [t for t in view.get("transform", ()) if isinstance(t, dict)]
    if columns is not None and any("pivot" in t for t in transforms):
        columns = None
    if columns is not None:
        there = columns.union(*map(_made, transforms))
        named = [*_fields(transforms), *_fields(view.get("encoding")), *_fields(view.get("facet"))]
        yield from ((name, there) for name in named if not _is_there(name, there))
        columns = there
    for part in _PARTS:
        inner = view.get(part, ())
        for each in inner if isinstance(inner, list) else [inner]:
            if isinstance(each, dict):
                yield from _missing(each, columns, datasets)


def _columns(data: dict[str, Any], datasets: dict[str, Any]) -> Columns | None:
    """Of rows that the spec holds; None if it does not."""
    rows = data.get("values", datasets.get(str(data.get("name"))))
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        return None
    return frozenset[str]().union(*rows)


def _made(transform: dict[str, Any]) -> set[str]:
    """Names that a transform gives, wherever in it they stand."""
    made = {name for key, names in _MADE.items() if key in transform for name in names}
    made |= {name for name in transform.get("flatten", ()) if isinstance(name, str)}
    made |= set(transform["from"].get("fields", ())) if isinstance(transform.get("from"), dict) else set()
    parts: list[Any] = [transform]
    while parts:
        part = parts.pop()
        if isinstance(part, dict):
            given = part.get("as", ())
            made |= {name for name in (given if isinstance(given, list) else [given]) if isinstance(name, str)}
        parts += part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    return made


def _fields(part: Any) -> Iterator[str]:
    """Columns that an encoding or a transform reads, those of expressions included."""
    if isinstance(part, list):
        for each in part:
            yield from _fields(each)
    if not isinstance(part, dict):
        return
    for key, value in part.items():
        if key == "field" and isinstance(value, str):
            yield value
        elif key in ("calculate", "filter", "test") and isinstance(value, str):
            yield from (next(filter(None, groups), "") for groups in _DATUM.findall(value))
        elif key in ("groupby", "fold") and isinstance(value, list):
            yield from (name for name in value if isinstance(name, str))
        elif key not in ("from", "data", "scale", "axis", "legend"):
            yield from _fields(value)


def _is_there(name: str, columns: Columns) -> bool:
    """A dot or a bracket reaches into a value, unless it is written with a backslash."""
    plain = name.replace("\\", "")
    return plain in columns or re.split(r"(?<!\\)[.\[]", name)[0].replace("\\", "") in columns
