"""Every figure by name: how it is drawn, and its finding in words. Knows no file and no page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import altair as alt
import pyarrow as pa

from tds_atlas.report.figures.marks import Chart

Draw = Callable[[pa.Table, alt.Color], Chart]
Says = Callable[[pa.Table], str]


@dataclass(frozen=True)
class Figure:
    """`draw` makes the chart from the query's table; `says` states its finding, for those who cannot see it."""

    draw: Draw
    says: Says
    by_part: bool = False  # its query follows the variable `part`: the answer itself, or thinking, or tool calls


FIGURES: dict[str, Figure] = {}


def figure(says: Says, by_part: bool = False) -> Callable[[Draw], Draw]:
    """Register a function as the figure of its own name."""

    def register(draw: Draw) -> Draw:
        FIGURES[draw.__name__] = Figure(draw, says, by_part)
        return draw

    return register
