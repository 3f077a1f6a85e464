"""Figures of the page on what both models' likeliest tokens share."""

from __future__ import annotations

import altair as alt
import pyarrow as pa
import pyarrow.compute as pc

from tds_atlas.report.figures.marks import (
    HEIGHT,
    SHARE,
    Chart,
    by_position,
    count_tip,
    each,
    end_names,
    ends,
    grouped,
    interval_tips,
    percent,
    rows,
    with_intervals,
)
from tds_atlas.report.figures.registry import figure

_LINES = ["aligned", "base"]


@figure(lambda table: ends(table, "share", "share of the likeliest tokens that both have"), by_part=True)
def support_by_position(table: pa.Table, colour: alt.Color) -> Chart:
    return by_position(table, colour, "share", "shared of the ten likeliest", ".0%", low=True)


@figure(lambda table: _first_and_last(table), by_part=True)
def support_mass(table: pa.Table, colour: alt.Color) -> Chart:
    return _both_models(table, colour, "probability of the shared tokens")


@figure(lambda table: _first_and_last(table), by_part=True)
def suppressed_mass(table: pa.Table, colour: alt.Color) -> Chart:
    return _both_models(table, colour, "probability of what the base favours")


@figure(lambda table: each(table, "{comparison}, {role}: {share:.1%} shared."), by_part=True)
def support_by_role(table: pa.Table, colour: alt.Color) -> Chart:
    y = alt.Y("role:N", sort=None, title=None)
    return with_intervals(table, colour, y, "role", "shared of the ten likeliest")


@figure(lambda table: each(table, "{comparison}: {times:.2f} times as often, {disagreeing_share:.1%} of the words."))
def decision_words(table: pa.Table, colour: alt.Color) -> Chart:
    """A dot with its interval per comparison, and a rule at 1: as often as anywhere."""
    y = alt.Y("comparison:N", sort=None, title=None)
    title = "times as often as anywhere (log scale above 1)"
    scale = alt.Scale(type="symlog", constant=1, domainMin=0)
    x = alt.X("times:Q", title=title, scale=scale, axis=alt.Axis(values=[0, 0.5, 1, 2, 5, 10, 20, 50], format="~g"))
    base = alt.Chart(table).encode(y=y, color=colour.legend(None))
    tips = [
        alt.Tooltip("comparison"),
        *interval_tips("times", ".2f"),
        alt.Tooltip("disagreeing_share:Q", format=".1%", title="of the words at high disagreement"),
        alt.Tooltip("anywhere_share:Q", format=".1%", title="of all words"),
        count_tip("words"),
    ]
    even = alt.Chart(table.slice(0, 1)).mark_rule(strokeDash=[3, 3], strokeWidth=1, opacity=0.8)
    return alt.layer(
        even.encode(x=alt.XDatum(1)),
        base.transform_filter("isValid(datum.low_times)")
        .mark_rule(strokeWidth=2, opacity=0.55)
        .encode(x=alt.X("low_times:Q", title=title), x2=alt.X2("high_times:Q")),
        base.mark_circle(size=70, opacity=1).encode(x=x, tooltip=tips),
    ).properties(height=rows(table, "comparison", 44))


def _both_models(table: pa.Table, colour: alt.Color, title: str) -> Chart:
    """A share over the position under both models: the aligned one as a line with its band, the base dashed."""
    first = table.filter(pc.equal(table["line"], "aligned"))
    colour, names = end_names(first, colour, "position", "share")
    base = alt.Chart(table).encode(
        x=alt.X("position:Q", title="position in the answer", axis=alt.Axis(tickMinStep=1)), color=colour
    )
    dash = alt.StrokeDash(
        "line:N",
        sort=_LINES,
        scale=alt.Scale(domain=_LINES, range=[[1, 0], [2, 4]]),
        legend=alt.Legend(symbolStrokeColor="#8b959d", title="model"),
    )
    tips = [
        alt.Tooltip("comparison"),
        alt.Tooltip("line", title="model"),
        alt.Tooltip("position"),
        *interval_tips("share", ".1%"),
        alt.Tooltip("responses"),
    ]
    band = base.transform_filter("datum.line == 'aligned'").mark_area()
    scale = alt.Scale(domain=[0, 1])
    return alt.layer(
        band.encode(y=alt.Y("low_share:Q", title=title, axis=SHARE, scale=scale), y2=alt.Y2("high_share:Q")),
        base.mark_line(strokeWidth=1.8).encode(y=alt.Y("share:Q", title=title), strokeDash=dash, tooltip=tips),
        *names,
    ).properties(height=HEIGHT)


def _first_and_last(table: pa.Table) -> str:
    return " ".join(
        f"{name}: {percent(c[0]['share'])} at position {c[0]['position']}, "
        f"{percent(c[-1]['share'])} at {c[-1]['position']}."
        for name, c in grouped(table, "comparison", "line").items()
    )
