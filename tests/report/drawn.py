"""Where the marks of a figure land, in units of the data: the figure as Vega draws it, measured on two marks of our own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa
import vl_convert

from tds_atlas.report import figures, query

Item = dict[str, Any]
_VERSION = "6.4"  # of Vega-Lite


@dataclass(frozen=True)
class Drawn:
    """The marks of a figure, layer by layer; what is read off an axis is in the units of its data."""

    layers: tuple[tuple[str, tuple[Item, ...]], ...]  # the kind of each layer's marks, and the marks
    axis: str  # x or y
    gauge: tuple[tuple[float, float], tuple[float, float]]  # two values of the axis, each with its pixel

    def value(self, pixel: float) -> float:
        (a, at_a), (b, at_b) = self.gauge
        return a + (pixel - at_a) / (at_b - at_a) * (b - a)

    def items(self, kind: str) -> list[Item]:
        return [item for name, items in self.layers if name == kind for item in items]

    def spans(self, kind: str) -> list[tuple[float, float]]:
        """From where to where each mark of a kind reaches: as it is drawn, its beginning first."""
        other = f"{self.axis}2"
        return [(self.value(i[self.axis]), self.value(i[other])) for i in self.items(kind) if other in i]

    def points(self, kind: str) -> list[float]:
        return [self.value(i[self.axis]) for i in self.items(kind)]


def draw(con: duckdb.DuckDBPyConnection, name: str, axis: str) -> tuple[Drawn, list[Item]]:
    """A figure of a database, and the rows that it shows."""
    table = query.table(con, f"figures/{name}")
    return drawn(name, table, [row["label"] for row in query.rows(con, "pages/comparisons")], axis), table.to_pylist()


def drawn(name: str, table: pa.Table, comparisons: Sequence[str], axis: str) -> Drawn:
    """The gauge is a layer of two marks at 0.25 and 0.75, which the figure's own scale takes in."""
    spec = figures.build(name, table, "Caption.", comparisons).to_dict() | {"width": 600}
    field = {"field": "gauge", "type": "quantitative"}
    values = [{"gauge": 0.25}, {"gauge": 0.75}]
    spec["layer"].append({"data": {"values": values}, "mark": "point", "encoding": {axis: field}})
    scene = vl_convert.vegalite_to_scenegraph(spec, vl_version=_VERSION)["scenegraph"]
    *layers, (_, marks) = [(m["marktype"], tuple(m["items"])) for m in _marks(scene) if m.get("role") == "mark"]
    first, second = ((v["gauge"], mark[axis]) for v, mark in zip(values, marks, strict=True))
    return Drawn(tuple(layers), axis, (first, second))


def _marks(mark: Item) -> Iterator[Item]:
    yield mark
    for item in mark.get("items", []):
        for inner in item.get("items", []):
            yield from _marks(inner)
