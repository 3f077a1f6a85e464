"""The figures: one function per query, of the same name, from its table to an Altair chart. Knows no file and no page.

Each module registers the figures of one page; `build` adds the theme and the finding in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import altair as alt
import pyarrow as pa

from tds_atlas.report import theme
from tds_atlas.report.figures.marks import Chart
from tds_atlas.report.figures.registry import FIGURES as FIGURES
from tds_atlas.report.figures.registry import Figure

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")


def build(name: str, table: pa.Table, caption: str, comparisons: Sequence[str]) -> Chart:
    """The figure of that name."""
    return drawn(FIGURES[name], table, caption, comparisons)


def drawn(figure: Figure, table: pa.Table, caption: str, comparisons: Sequence[str]) -> Chart:
    """A figure with the site's theme and a description that states its finding.

    A comparison has the same colour in every figure, by its place in the report's list.
    """
    here = set(table["comparison"].to_pylist()) if "comparison" in table.column_names else set()
    named = [name for name in comparisons if name in here]
    legend = alt.Legend(values=named, symbolOpacity=1, columns=_columns(named))
    colour = alt.Color("comparison:N", sort=None, scale=alt.Scale(domain=list(comparisons)), legend=legend)
    chart, description = figure.draw(table, colour), f"{caption} {figure.says(table)}".strip()
    return chart.properties(width="container", description=description).configure(**theme.for_comparisons(len(named)))


def _columns(names: Sequence[str]) -> Any:
    """Of a legend too long for one row of an image; figure.js does the same for the width of a page."""
    room = theme.IMAGE_WIDTH // (max(map(len, names), default=0) * 7 + 34)
    return max(1, room) if len(names) > room else alt.Undefined
