"""What is written into figures: names where curves end, apart and beside their own curve, and the point that matters."""

from __future__ import annotations

import math
from itertools import pairwise

import altair as alt
import pyarrow as pa
import pytest

from tds_atlas.report.figures.marks import HEIGHT, end_names, note

COLOUR = alt.Color("comparison:N", legend=alt.Legend())


def table(ends: dict[str, float], first: float = 1.0) -> pa.Table:
    rows = [{"comparison": c, "position": x, "rank": v} for c, y in ends.items() for x, v in ((0, first), (9, y))]
    return pa.Table.from_pylist(rows)


@pytest.mark.parametrize("log", [False, True])
def test_names_stand_at_the_ends_and_apart(log: bool) -> None:
    colour, (layer,) = end_names(table({"a": 100.0, "b": 99.0, "c": 2.0}), COLOUR, "position", "rank", log)
    assert colour.to_dict()["legend"] is None
    rows = {row["comparison"]: row for row in layer.data.to_dict()["values"]}
    assert {row["x"] for row in rows.values()} == {9}
    height = (lambda y: math.log10(y) / 2) if log else (lambda y: y / 100)
    places = [HEIGHT * height(rows[name]["y"]) for name in "cba"]
    assert all(high - low >= 15 for low, high in pairwise(places))
    assert places[-1] <= HEIGHT * (1 + 1e-9) and places[0] == pytest.approx(HEIGHT * height(2.0))


def test_long_names_and_many_stay_in_the_legend() -> None:
    for ends in ({"a model of a long name → another": 1.0}, {str(i): 1.0 for i in range(9)}, {}):
        found = table(ends) if ends else table({"a": 1.0}).slice(0, 0)
        colour, layers = end_names(found, COLOUR, "position", "rank")
        assert colour is COLOUR and not layers


@pytest.mark.parametrize(("lowest", "said", "edge"), [(False, "75% at 3 of b", 0.8), (True, "0% at 9 of a", -0.1)])
def test_the_extreme_point_is_noted_with_its_numbers(lowest: bool, said: str, edge: float) -> None:
    rows = [("a", 0, 0.5), ("a", 3, 0.2), ("a", 9, 0.0), ("b", 0, 0.1), ("b", 3, 0.75), ("b", 9, None)]
    drawn = [
        {
            "comparison": c,
            "position": x,
            "share": y,
            "high_share": y and y + 0.05,
            "low_share": None if y is None else y - 0.1,
        }
        for c, x, y in rows
    ]
    ring, text = note(
        pa.Table.from_pylist(drawn), COLOUR, "position", "share", "{share:.0%} at {position} of {comparison}", lowest
    )
    (row,) = text.data.to_dict()["values"]
    assert row["note"] == said and row["edge"] == pytest.approx(edge)
    assert ring.data.to_dict() == text.data.to_dict() and row["y"] == (0.0 if lowest else 0.75)


def test_where_nothing_is_known_nothing_is_noted() -> None:
    rows = [{"comparison": "a", "position": 0, "share": None}]
    assert note(pa.Table.from_pylist(rows), COLOUR, "position", "share", "{share:.0%}") == []
    rows[0]["share"] = 0.5  # answers of one token: there is no along
    assert len(note(pa.Table.from_pylist(rows), COLOUR, "position", "share", "{share:.0%}")) == 2
