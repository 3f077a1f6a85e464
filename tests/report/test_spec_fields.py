"""Columns that a figure names and does not get: those of every kind of transform, and no false alarm on our own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tds_atlas.report.spec_fields import missing_column

ROWS = {"data": {"values": [{"a": 1, "b.c": 2, "d": {"e": 1}}]}}


def encoded(*fields: str, **more: Any) -> dict[str, Any]:
    return {"mark": "point", "encoding": {f"x{i or ''}": {"field": f} for i, f in enumerate(fields)}} | more


@pytest.mark.parametrize(
    "spec",
    [
        ROWS | encoded("a", "b\\.c", "d.e", "d['e']"),
        ROWS | {"layer": [encoded("a"), encoded("y", transform=[{"calculate": "datum.a + datum['b.c']", "as": "y"}])]},
        ROWS | encoded("key", "value", transform=[{"fold": ["a"]}]),
        ROWS | encoded("lo", "hi", transform=[{"stack": "a", "groupby": ["a"], "as": ["lo", "hi"]}]),
        ROWS | encoded("n", transform=[{"aggregate": [{"op": "count", "as": "n"}], "groupby": ["a"]}]),
        ROWS | encoded("any", transform=[{"pivot": "a", "value": "a"}]),
        ROWS
        | encoded(
            "w",
            transform=[{"lookup": "a", "from": {"data": {"values": [{"k": 1, "w": 2}]}, "key": "k", "fields": ["w"]}}],
        ),
        ROWS | {"facet": {"field": "a"}, "spec": encoded("a")},
        ROWS
        | {
            "hconcat": [
                encoded("z") | {"data": {"values": [{"z": 1}]}},
                encoded("z") | {"data": {"sequence": {"stop": 3}}},
            ]
        },
        {"data": {"name": "x"}, "datasets": {"x": [{"a": 1}, {"z": None}]}} | encoded("a", "z"),
        ROWS | {"mark": "bar", "encoding": {"y": {"aggregate": "count"}, "x": {"field": {"repeat": "row"}}}},
    ],
)
def test_what_is_there_is_not_named(spec: dict[str, Any]) -> None:
    assert missing_column(spec) is None


@pytest.mark.parametrize(
    "spec",
    [
        ROWS | encoded("a", "z"),
        ROWS | {"layer": [encoded("a"), {"mark": "bar", "encoding": {"tooltip": [{"field": "a"}, {"field": "z"}]}}]},
        ROWS | {"mark": "bar", "encoding": {"x": {"field": "a", "sort": {"field": "z"}}}},
        ROWS | encoded("y", transform=[{"calculate": "datum.z + 1", "as": "y"}]),
        ROWS | encoded("a", transform=[{"filter": "datum['z'] > 1"}]),
        ROWS | encoded("a", transform=[{"filter": {"field": "z", "gt": 1}}]),
        ROWS | encoded("key", transform=[{"fold": ["a", "z"]}]),
        ROWS | {"mark": "bar", "encoding": {"color": {"condition": {"test": "datum.z", "value": "red"}, "field": "a"}}},
        ROWS | {"facet": {"row": {"field": "z"}}, "spec": encoded("a")},
        ROWS | {"facet": {"field": "a"}, "spec": {"layer": [encoded("z.e")]}},
    ],
)
def test_what_is_not_there_is_named_with_what_is(spec: dict[str, Any]) -> None:
    name, there = missing_column(spec) or ("", frozenset())
    assert name.startswith("z") and there >= {"a", "b.c", "d"}


def test_no_figure_of_the_report_is_accused(made_project: Path) -> None:
    files = sorted((made_project / "build" / "docs" / "figures").glob("*.json"))
    assert len(files) > 10
    assert not {f.stem: found for f in files if (found := missing_column(json.loads(f.read_text(encoding="utf-8"))))}
