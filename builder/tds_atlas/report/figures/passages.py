"""The figure of the page on passages."""

from __future__ import annotations

import altair as alt
import pyarrow as pa

from tds_atlas.report.figures.marks import HEIGHT, SHARE, Chart, each, end_names, interval_tips
from tds_atlas.report.figures.registry import figure


@figure(lambda table: each(table, "{comparison}: {passages_share:.0%} of the passages hold {share:.1%} of all JS."))
def passage_share(table: pa.Table, colour: alt.Color) -> Chart:
    """A line with its band per comparison; dashed: were JS the same everywhere."""
    colour, names = end_names(table, colour, "passages_share", "share")
    ticks = alt.Axis(values=[0.01, 0.02, 0.05, 0.1, 0.2, 0.5], format=".0%")
    x = alt.X(
        "passages_share:Q",
        title="passages, the most changed first",
        scale=alt.Scale(type="log", domain=[0.01, 0.5], nice=False),
        axis=ticks,
    )
    base, title = alt.Chart(table).encode(x=x, color=colour), "share of all JS"
    scale = alt.Scale(domain=[0, 1])
    tips = [
        alt.Tooltip("comparison"),
        alt.Tooltip("passages_share:Q", format=".0%", title="of the passages"),
        *interval_tips("share", ".1%", "of all JS"),
    ]
    even = alt.Chart(alt.InlineData([{"even": at} for at in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)]))
    return alt.layer(
        base.transform_filter("isValid(datum.low_share)")
        .mark_area()
        .encode(y=alt.Y("low_share:Q", title=title, axis=SHARE, scale=scale), y2=alt.Y2("high_share:Q")),
        base.mark_line(point={"filled": True, "size": 40}).encode(y=alt.Y("share:Q", title=title), tooltip=tips),
        even.mark_line(strokeDash=[3, 4], strokeWidth=1.4, opacity=0.8).encode(
            x=alt.X("even:Q"), y=alt.Y("even:Q"), color=alt.value("#8b959d")
        ),
        *names,
    ).properties(height=HEIGHT)
