"""Dots with intervals and labels, one group of rows per measure. Knows no figure's name."""

from __future__ import annotations

import altair as alt
import pyarrow as pa

from tds_atlas.report.figures.marks import Chart

_STEP = 20  # pixels a comparison within a measure
_GAP = 18  # between two measures


def labelled(table: pa.Table, colour: alt.Color, value: str, title: str, axis: alt.Axis, label: str) -> Chart:
    """A dot, its interval and its value per comparison, side by side within each measure.

    `label` is a Vega expression over a row; where a single prompt gives no interval, the dot is drawn alone.
    """
    low, high = f"low_{value}", f"high_{value}"
    # Room for the number to the right of the furthest interval, on a telephone too.
    furthest = max([row[high] or row[value] for row in table.to_pylist()], default=0)
    scale = alt.Scale(domain=[0, 1.75 * furthest or 1], nice=False)
    base = alt.Chart(table).encode(
        y=alt.Y("measure:N", sort=None, title=None, axis=alt.Axis(labelLimit=130, grid=False)),
        yOffset=alt.YOffset("comparison:N", sort=None),
    )
    tips = [
        alt.Tooltip("measure"),
        alt.Tooltip("comparison"),
        *(alt.Tooltip(f"{name}:Q", format=".4~r") for name in (value, low, high)),
    ]
    return alt.layer(
        base.mark_circle(size=64, opacity=1).encode(
            x=alt.X(f"{value}:Q", title=title, axis=axis, scale=scale), color=colour, tooltip=tips
        ),
        base.transform_filter(f"isValid(datum.{low})")
        .mark_rule(strokeWidth=2.5, opacity=0.5)
        .encode(x=alt.X(f"{low}:Q", title=title), x2=alt.X2(f"{high}:Q"), color=colour),
        base.transform_calculate(end=f"isValid(datum.{high}) ? datum.{high} : datum.{value}", label=label)
        .mark_text(align="left", dx=8, fontSize=11)
        .encode(x=alt.X("end:Q"), text=alt.Text("label:N")),
    ).properties(height=measures_height(table))


def with_half(value: str, half: str, style: str, factor: int = 1, unit: str = "") -> str:
    """The Vega expression that writes a number and half of its interval in the same style, unless that rounds to 0."""
    shown = f"format({factor} * datum.{half}, {style})"
    return f"{value} + (+{shown} > 0 ? ' ± ' + {shown} : ''){unit}"


def measures_height(table: pa.Table) -> int:
    """Pixels for all measures of a table, each with a row for every comparison."""
    comparisons = max(1, len(set(table["comparison"].to_pylist())))
    return max(1, len(set(table["measure"].to_pylist()))) * (_STEP * comparisons + _GAP)
