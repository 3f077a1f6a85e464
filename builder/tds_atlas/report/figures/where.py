"""Figures of the page on where in the answer."""

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
    end_names,
    ends,
    extreme,
    grouped,
    interval_tips,
    note,
    percent,
    shown,
)
from tds_atlas.report.figures.registry import figure


@figure(lambda table: ends(table, "share", "share of shifted tokens"), by_part=True)
def shift_by_position(table: pa.Table, colour: alt.Color) -> Chart:
    return by_position(table, colour, "share", "shifted tokens", ".0%")


@figure(lambda table: _tenths(table), by_part=True)
def shift_by_tenth(table: pa.Table, colour: alt.Color) -> Chart:
    """A dot with its interval per comparison in each tenth, joined by a thin line."""
    colour, names = end_names(table, colour, "tenth", "share")
    ends_named = "datum.value == 1 ? 'first' : datum.value == 10 ? 'last' : datum.label"
    axis = alt.Axis(
        values=list(range(1, 11)),
        format="d",
        labelExpr=ends_named,
    )
    base = alt.Chart(table).encode(
        x=alt.X("tenth:Q", title="tenth of the answer", axis=axis, scale=alt.Scale(domain=[0.7, 10.3])), color=colour
    )
    title = "shifted tokens"
    y = alt.Y("share:Q", title=title, axis=SHARE)
    tips = [
        alt.Tooltip("comparison"),
        alt.Tooltip("tenth"),
        *interval_tips("share", ".1%"),
        alt.Tooltip("kl_aligned_base_nats:Q", format=".3f", title="KL(aligned‖base), nats"),
        count_tip("positions"),
    ]
    return alt.layer(
        base.mark_circle(size=60, opacity=1).encode(y=y, tooltip=tips),
        base.transform_filter("isValid(datum.low_share)")
        .mark_rule(strokeWidth=2.5, opacity=0.45)
        .encode(y=alt.Y("low_share:Q", title=title), y2=alt.Y2("high_share:Q")),
        base.mark_line(strokeWidth=1.2, opacity=0.7).encode(y=y),
        *names,
        *note(table, colour, "tenth", "share", "{share:.0%}"),
    ).properties(height=HEIGHT)


@figure(lambda table: _both(table), by_part=True)
def kl_by_position(table: pa.Table, colour: alt.Color) -> Chart:
    return _two_lines(table, colour, "mean KL, nats", ["KL(aligned‖base)", "KL(base‖aligned)"])


@figure(lambda table: _first(table))
def kl_in_first(table: pa.Table, colour: alt.Color) -> Chart:
    """The share of all KL, with its band, over the dashed share of all positions."""
    ticks = alt.Axis(values=[1, 2, 3, 5, 10, 20, 50, 100])
    base = alt.Chart(table).encode(
        x=alt.X("tokens:Q", title="first tokens of the answer", scale=alt.Scale(type="log", nice=False), axis=ticks),
        color=colour,
    )
    title = "share of all KL(aligned‖base)"
    y = alt.Y("share:Q", title=title, scale=alt.Scale(domain=[0, 1]), axis=SHARE)
    tips = [
        alt.Tooltip("comparison"),
        alt.Tooltip("tokens:Q", title="first tokens"),
        *interval_tips("share", ".1%", "of all KL"),
        alt.Tooltip("positions_share:Q", format=".1%", title="of all positions"),
    ]
    band = base.transform_filter("isValid(datum.low_share)").mark_area()
    return alt.layer(
        base.mark_line(point={"filled": True, "size": 40}).encode(y=y, tooltip=tips),
        base.mark_line(strokeDash=[3, 4], strokeWidth=1.4, opacity=0.8).encode(
            y=alt.Y("positions_share:Q", title=title)
        ),
        band.encode(y=alt.Y("low_share:Q", title=title), y2=alt.Y2("high_share:Q")),
    ).properties(height=HEIGHT)


@figure(lambda table: _parted(table))
def first_divergence(table: pa.Table, colour: alt.Color) -> Chart:
    """A falling step curve with its band, and a rule where half of the answers have diverged."""
    ticks = [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]
    scale = alt.Scale(type="symlog", constant=2, nice=False)
    x = alt.X("tokens:Q", title="tokens of the answer", scale=scale, axis=alt.Axis(values=ticks, labelOverlap=True))
    title = "answers still the base's greedy text"
    y = alt.Y("share:Q", title=title, scale=alt.Scale(domain=[0, 1]), axis=SHARE)
    base = alt.Chart(table).encode(x=x, color=colour)
    tips = [
        alt.Tooltip("comparison"),
        alt.Tooltip("tokens"),
        *interval_tips("share", ".1%"),
        count_tip("parted_answers", "answers that diverge here"),
        count_tip("answers_at_risk", "of those left"),
    ]
    band = base.transform_filter("isValid(datum.low_share)").mark_area(interpolate="step-after")
    half = (
        alt.Chart(alt.InlineData([{"half": 0.5}])).mark_rule(strokeDash=[2, 4], opacity=0.7).encode(y=alt.Y("half:Q"))
    )
    return alt.layer(
        half,
        band.encode(y=alt.Y("low_share:Q", title=title), y2=alt.Y2("high_share:Q")),
        base.mark_line(interpolate="step-after").encode(y=y),
        base.mark_circle(size=36, opacity=1).encode(y=y, tooltip=tips),
    ).properties(height=HEIGHT)


@figure(lambda table: ends(table, "rank", "mean base rank"), by_part=True)
def base_rank_by_position(table: pa.Table, colour: alt.Color) -> Chart:
    return by_position(table, colour, "rank", "base rank, geometric mean (log scale)", "~s", log=True)


@figure(lambda table: ends(table, "probability", "mean base probability"), by_part=True)
def base_probability_by_position(table: pa.Table, colour: alt.Color) -> Chart:
    return by_position(table, colour, "probability", "mean base probability of the token", ".0%", low=True)


@figure(lambda table: _both(table), by_part=True)
def entropy_by_position(table: pa.Table, colour: alt.Color) -> Chart:
    return _two_lines(table, colour, "mean entropy, nats", ["aligned", "base"])


def _two_lines(table: pa.Table, colour: alt.Color, title: str, lines: list[str]) -> Chart:
    """Two quantities over the position: the first as a line with its band, the second dashed."""
    first = table.filter(pc.equal(table["line"], lines[0]))
    colour, names = end_names(first, colour, "position", "nats")
    base = alt.Chart(table).encode(
        x=alt.X("position:Q", title="position in the answer", axis=alt.Axis(tickMinStep=1)), color=colour
    )
    dash = alt.StrokeDash(
        "line:N",
        sort=lines,
        scale=alt.Scale(domain=lines, range=[[1, 0], [2, 4]]),
        legend=alt.Legend(symbolStrokeColor="#8b959d"),
    )
    tips = [
        alt.Tooltip("comparison"),
        alt.Tooltip("line"),
        alt.Tooltip("position"),
        *interval_tips("nats", ".3~r"),
        alt.Tooltip("responses"),
    ]
    band = base.transform_filter(f"datum.line == '{lines[0]}'").mark_area()
    return alt.layer(
        band.encode(y=alt.Y("low_nats:Q", title=title, axis=alt.Axis(tickCount=5)), y2=alt.Y2("high_nats:Q")),
        base.mark_line(strokeWidth=1.8).encode(y=alt.Y("nats:Q", title=title), strokeDash=dash, tooltip=tips),
        *names,
        *note(table, colour, "position", "nats", "{nats:.1f} nats at {position}"),
    ).properties(height=HEIGHT)


def _both(table: pa.Table) -> str:
    return " ".join(
        f"{name}: {shown(c[0]['nats'])} nats at position {c[0]['position']}, "
        f"{shown(c[-1]['nats'])} at {c[-1]['position']}."
        for name, c in grouped(table, "comparison", "line").items()
    )


def _tenths(table: pa.Table) -> str:
    return " ".join(
        f"{name}: of the tenths {extreme('highest', c, 'tenth', 'share', percent)}, "
        f"{max(row['share'] for row in c):.1%} shifted."
        for name, c in grouped(table).items()
    )


def _first(table: pa.Table) -> str:
    rows = [row for row in table.to_pylist() if row["tokens"] in (5, 20)]
    return " ".join(
        f"{row['comparison']}: the first {row['tokens']} tokens hold {row['share']:.1%} of all KL "
        f"and are {row['positions_share']:.1%} of the positions."
        for row in rows
    )


def _parted(table: pa.Table) -> str:
    sentences = []
    for name, curve in grouped(table).items():
        half = next((row["tokens"] for row in curve if row["share"] <= 0.5), None)
        by = f"half have diverged by token {half}"
        few = f"fewer than half have diverged by token {curve[-1]['tokens']}"
        sentences.append(f"{name}: {few if half is None else by}, {curve[-1]['share']:.1%} have not at the end.")
    return " ".join(sentences)
