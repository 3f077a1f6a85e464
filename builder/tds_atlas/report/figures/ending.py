"""Figures of the page on how answers end."""

from __future__ import annotations

import altair as alt
import pyarrow as pa

from tds_atlas.report.figures.how_much import shift_by_comparison
from tds_atlas.report.figures.marks import Chart, count_tip, each, most, with_intervals
from tds_atlas.report.figures.registry import figure


@figure(lambda table: each(table, "{comparison}, {place}, {model}: median {nats:.1f} nats."))
def end_log_odds(table: pa.Table, colour: alt.Color) -> Chart:
    """Per comparison a row for each place and model: the middle 80 % thin, the middle half thick, the median a dot."""
    base = (
        alt.Chart(table)
        .transform_calculate(row="datum.place + ', ' + datum.model")
        .encode(
            y=alt.Y(
                "row:N",
                title=None,
                sort=["sentence end, base", "sentence end, aligned", "true end, base", "true end, aligned"],
            ),
            yOffset=alt.YOffset("comparison:N", sort=None),
            color=colour,
        )
    )
    title = "log-odds of the end token, nats"
    x = alt.Axis(tickCount=6)
    tips = [
        alt.Tooltip("comparison"),
        alt.Tooltip("place"),
        alt.Tooltip("model"),
        alt.Tooltip("nats:Q", format=".2f", title="median"),
        alt.Tooltip("censored_share:Q", format=".1%"),
        count_tip("positions"),
    ]
    thin = base.mark_rule(strokeWidth=1.5, opacity=0.6).encode(
        x=alt.X("tenth_nats:Q", title=title, axis=x), x2=alt.X2("ninetieth_nats:Q")
    )
    thick = base.mark_rule(strokeWidth=6, opacity=0.35).encode(
        x=alt.X("low_nats:Q", title=title), x2=alt.X2("high_nats:Q")
    )
    dots = base.mark_circle(size=75, opacity=1).encode(x=alt.X("nats:Q", title=title), tooltip=tips)
    even = alt.Chart(table.slice(0, 1)).mark_rule(strokeWidth=1, strokeDash=[2, 3]).encode(x=alt.XDatum(0))
    comparisons = len(set(table["comparison"].to_pylist()))
    return alt.layer(even, thin, thick, dots).properties(height=4 * (14 * comparisons + 14))


@figure(
    lambda table: each(
        table, "{comparison}: {share:.1%} of the end tokens are the base's first choice.", shift="unshifted"
    )
)
def end_rank(table: pa.Table, colour: alt.Color) -> Chart:
    renamed = [{"answers": "positions"}.get(name, name) for name in table.column_names]
    chart = shift_by_comparison(table.rename_columns(renamed), colour)
    chart.layer[0].encoding.x.title = "share of answers that end"
    return chart


@figure(lambda table: most(table, "outcome", "share", "share of answers"))
def end_stop(table: pa.Table, colour: alt.Color) -> Chart:
    y = alt.Y("outcome:N", sort=None, title=None)
    return with_intervals(table, colour, y, "outcome", "answers, by where the base would have stopped")
