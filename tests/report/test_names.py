"""Names where curves end: apart, beside their own curve, and a legend instead where they are long."""

from __future__ import annotations

import math
from itertools import pairwise

import altair as alt
import pyarrow as pa
import pytest

from builder.report.figures.marks import HEIGHT, end_names

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
    for ends in ({"a model of a long name → another": 1.0}, {str(i): 1.0 for i in range(7)}, {}):
        found = table(ends) if ends else table({"a": 1.0}).slice(0, 0)
        colour, layers = end_names(found, COLOUR, "position", "rank")
        assert colour is COLOUR and not layers
