"""Figures of the page on what is shifted."""

from __future__ import annotations

import altair as alt
import pyarrow as pa

from builder.report.figures.marks import (
    Chart,
    most,
    rows,
    token,
    visible_tokens,
    with_intervals,
)
from builder.report.figures.registry import figure


@figure(lambda table: most(table, "token", "positions", "shifted positions"))
def shifted_tokens(table: pa.Table, colour: alt.Color) -> Chart:
    table = visible_tokens(table)
    base = alt.Chart(table).encode(y=token())
    furthest = (
        base.mark_rule(strokeWidth=1, opacity=0.35)
        .encode(x="none:Q", x2="most:Q")
        .transform_aggregate(most="max(positions)", groupby=["token"])
        .transform_calculate(none="0")
    )
    dots = base.mark_circle(size=95, opacity=0.95).encode(
        x=alt.X("positions:Q", title="shifted positions", axis=alt.Axis(tickMinStep=1, tickCount=6)),
        color=colour,
        tooltip=["token", "comparison", alt.Tooltip("positions:Q", format=",")],
    )
    return alt.layer(furthest, dots).properties(height=rows(table, "token"))


@figure(lambda table: most(table, "token", "share", "share shifted"))
def shift_ratio_tokens(table: pa.Table, colour: alt.Color) -> Chart:
    return with_intervals(visible_tokens(table), colour, token(), "token", "shifted positions / positions of the token")
