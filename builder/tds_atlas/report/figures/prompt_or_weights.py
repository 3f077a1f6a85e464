"""Figures of the page on the prompt and the weights."""

from __future__ import annotations

import altair as alt
import pyarrow as pa

from tds_atlas.report.figures.marks import (
    HEIGHT,
    SHARE,
    Chart,
    count_tip,
    each,
    interval_tips,
    most,
    shown,
    with_intervals,
)
from tds_atlas.report.figures.registry import figure

_ORDERS = ["prompt first", "weights first", "whole"]


@figure(lambda table: _parts(table))
def split_parts(table: pa.Table, colour: alt.Color) -> Chart:
    """Each part in both orders, joined; the length of the line between them is the interaction."""
    base = alt.Chart(table).encode(
        y=alt.Y("part:N", sort=None, title=None), yOffset=alt.YOffset("comparison:N", sort=None), color=colour
    )
    x = alt.X("low_nats:Q", title="mean Δ log p of a token, nats")
    zero = alt.Chart(table).mark_rule(strokeWidth=1, opacity=0.6).encode(x=alt.XDatum(0))
    widths = base.mark_rule(strokeWidth=6, strokeOpacity=0.25).encode(x=x, x2=alt.X2("high_nats:Q"))
    joined = (
        base.transform_aggregate(least="min(nats)", most="max(nats)", groupby=["part", "comparison"])
        .mark_rule(strokeWidth=2)
        .encode(x=alt.X("least:Q"), x2=alt.X2("most:Q"))
    )
    dots = base.mark_point(size=85, filled=True, opacity=1).encode(
        x=alt.X("nats:Q"),
        shape=alt.Shape(
            "order:N",
            scale=alt.Scale(domain=_ORDERS, range=["circle", "diamond", "square"]),
            legend=alt.Legend(orient="bottom", symbolFillColor="#888", symbolStrokeColor="#888"),
        ),
        tooltip=[
            alt.Tooltip("comparison"),
            alt.Tooltip("part"),
            alt.Tooltip("order"),
            *interval_tips("nats", "+.3f", "nats"),
        ],
    )
    count = len(set(table["comparison"].to_pylist()))
    return alt.layer(zero, widths, joined, dots).properties(height=3 * (34 * max(1, count) + 16))


@figure(lambda table: _courses(table), by_part=True)
def split_by_position(table: pa.Table, colour: alt.Color) -> Chart:
    base = alt.Chart(table).encode(
        x=alt.X("position:Q", title="position in the answer", axis=alt.Axis(tickMinStep=1)), color=colour
    )
    kinds = alt.Scale(domain=["the weights", "the prompt"], range=[[1, 0], [5, 4]])
    dash = alt.StrokeDash("part:N", scale=kinds, legend=alt.Legend(orient="bottom"))
    zero = alt.Chart(table).mark_rule(strokeWidth=1, opacity=0.6).encode(y=alt.YDatum(0))
    band = base.mark_area().encode(
        y=alt.Y("low_nats:Q", title="part of mean Δ log p, nats"), y2=alt.Y2("high_nats:Q"), detail=alt.Detail("part:N")
    )
    line = base.mark_line().encode(
        y=alt.Y("nats:Q"),
        strokeDash=dash,
        tooltip=[
            alt.Tooltip("comparison"),
            alt.Tooltip("part"),
            alt.Tooltip("position"),
            *interval_tips("nats", "+.3f", "nats"),
            alt.Tooltip("responses"),
        ],
    )
    return alt.layer(zero, band, line).properties(height=HEIGHT)


@figure(lambda table: each(table, "{comparison}: {share:.1%} of the shifted tokens stay shifted.", shift="shifted"))
def prompt_explains(table: pa.Table, colour: alt.Color) -> Chart:
    """A bar per comparison: the classes of its shifted tokens once the base reads the aligned context."""
    order = ["unshifted", "marginal", "shifted"]
    base = alt.Chart(table).encode(y=alt.Y("comparison:N", sort=None, title=None))
    bars = (
        base.transform_calculate(order=f"indexof({order}, datum.shift)")
        .mark_bar(height=26)
        .encode(
            x=alt.X("share:Q", title="share of the shifted tokens", axis=SHARE, scale=alt.Scale(domain=[0, 1])),
            order=alt.Order("order:Q"),
            color=alt.Color("shift:O", sort=order, scale=alt.Scale(domain=order)),
            tooltip=[
                alt.Tooltip("comparison"),
                alt.Tooltip("shift"),
                alt.Tooltip("share:Q", format=".1%"),
                count_tip("positions"),
            ],
        )
    )
    labels = (
        base.transform_filter("datum.shift == 'shifted'")
        .transform_calculate(label="format(1 - datum.share, '.1%') + ' explained by the prompt'")
        .mark_text(dy=24, align="left")
        .encode(x=alt.XDatum(0), text=alt.Text("label:N"))
    )
    return alt.layer(bars, labels).properties(height=72 * max(1, len(set(table["comparison"].to_pylist()))))


@figure(lambda table: most(table, "role", "share", "share explained by the prompt"), by_part=True)
def prompt_explains_by_role(table: pa.Table, colour: alt.Color) -> Chart:
    y = alt.Y("role:N", sort=None, title=None)
    return with_intervals(table, colour, y, "role", "shifted tokens that the prompt explains")


def _parts(table: pa.Table) -> str:
    return " ".join(
        f"{r['comparison']}: {r['part']} {shown(r['nats'])} nats ({r['order']})."
        for r in table.to_pylist()
        if r["order"] != "weights first"
    )


def _courses(table: pa.Table) -> str:
    first = [row for row in table.to_pylist() if row["position"] == 0]
    return " ".join(f"{r['comparison']}, {r['part']}: {shown(r['nats'])} nats at position 0." for r in first)
