"""Figures of the page on how much changes: ranks and divergences over all positions, and where most of them lies."""

from __future__ import annotations

import altair as alt
import pyarrow as pa

from tds_atlas.report.figures import marks
from tds_atlas.report.figures.marks import HEIGHT, SHARE, Chart, Row, count_tip, extreme, grouped, interval_tips
from tds_atlas.report.figures.registry import figure

_STEPS = [1, 2, 3, 5, 10, 20, 30, 50, 100, 200, 500, 1000]
_QUIET = "#8b959d"  # a grey that reads on both palettes


@figure(lambda table: _depth(table))
def rank_distribution(table: pa.Table, colour: alt.Color) -> Chart:
    """The share outside the base's first k, with its band; a logarithmic axis cannot show a share of zero."""
    outside = [row["outside_share"] for row in table.to_pylist() if row["outside_share"]] or [1]
    lowest = max(1e-5, min(outside) / 2)
    ticks = [
        digit * 10.0**k for k in range(-5, 0) for digit in (1, 2, 5) if lowest <= digit * 10.0**k <= 1.2 * max(outside)
    ]
    y = alt.Y(
        "outside_share:Q",
        title="tokens outside the base's first k",
        scale=alt.Scale(type="log", domainMin=lowest, nice=False, clamp=True),
        axis=alt.Axis(format="~%", values=ticks),
    )
    base = (
        alt.Chart(table)
        .transform_filter("datum.outside_share > 0")
        .transform_calculate(low=f"max(datum.low_outside_share, {lowest})")
        .encode(
            x=alt.X("k:Q", title="k", scale=alt.Scale(type="log"), axis=alt.Axis(values=_STEPS, labelOverlap=True)),
            color=colour,
        )
    )
    band = base.transform_filter("isValid(datum.low_outside_share)").mark_area().encode(y2=alt.Y2("low:Q"))
    line = base.mark_line(point={"filled": True, "size": 40}).encode(
        y=y,
        tooltip=[
            alt.Tooltip("comparison"),
            alt.Tooltip("k"),
            alt.Tooltip("share:Q", format=".2%", title="among the first k"),
            *interval_tips("outside_share", ".2%", "outside"),
            count_tip("positions", "positions outside"),
        ],
    )
    return alt.layer(line, band.encode(y=alt.Y("high_outside_share:Q"))).properties(height=HEIGHT)


@figure(lambda table: _floor(table))
def kl_distribution(table: pa.Table, colour: alt.Color) -> Chart:
    """A stepped outline per comparison over a logarithmic axis, greyed below the noise floor."""
    ticks = alt.Axis(format="~e", values=[10.0**k for k in range(-9, 3)], labelOverlap=True)
    x = alt.X("low_nats:Q", title="KL(aligned‖base), nats", scale=alt.Scale(type="log", nice=False), axis=ticks)
    y = alt.Y("share:Q", title="share of positions", stack=None, axis=alt.Axis(format="~%", tickCount=5))
    base = alt.Chart(table).encode(x=x, color=colour)
    tips = [
        alt.Tooltip("comparison"),
        alt.Tooltip("low_nats:Q", format=".2e", title="from, nats"),
        alt.Tooltip("high_nats:Q", format=".2e", title="to, nats"),
        *interval_tips("share", ".2%"),
        count_tip("positions"),
    ]
    area = base.mark_area(interpolate="step-after", opacity=0.1).encode(y=y)
    layers = [base.mark_line(interpolate="step-after", strokeWidth=1.8).encode(y=y, tooltip=tips), area]
    rows = table.to_pylist()
    floor, least = rows[0]["floor_nats"], min(row["low_nats"] for row in rows)
    if floor is not None and floor > least:
        under = alt.Chart(alt.InlineData([{"from": least, "to": floor, "note": "noise floor"}]))
        grey = under.mark_rect(color=_QUIET, opacity=0.22).encode(x=alt.X("from:Q"), x2=alt.X2("to:Q"))
        edge = under.mark_rule(strokeDash=[4, 3]).encode(x=alt.X("to:Q"))
        note = under.mark_text(align="right", dx=-5, fontSize=11).encode(
            x=alt.X("to:Q"), y=alt.value(8), text=alt.Text("note:N")
        )
        layers += [grey, edge, note]
    return alt.layer(*layers).properties(height=HEIGHT)


@figure(lambda table: _carriers(table))
def kl_concentration(table: pa.Table, colour: alt.Color) -> Chart:
    """The curve, and the two points that the page quotes, with their intervals."""
    title, ticks = "share of positions, largest KL first", alt.Axis(format="~%", values=[1e-4, 0.001, 0.01, 0.1, 1])
    x = alt.X("positions_share:Q", title=title, scale=alt.Scale(type="log", domainMax=1), axis=ticks)
    y = alt.Y("kl_share:Q", title="share of all KL", scale=alt.Scale(domain=[0, 1]), axis=SHARE)
    base = alt.Chart(table).encode(x=x, y=y)
    line = base.mark_line().encode(
        color=colour,
        tooltip=[
            alt.Tooltip("comparison"),
            alt.Tooltip("positions_share:Q", format=".3~%", title="positions"),
            alt.Tooltip("kl_share:Q", format=".1%", title="of all KL"),
        ],
    )
    marked = base.transform_filter("isValid(datum.carries_share)").transform_calculate(
        low="max(datum.low_share, 1e-5)", high="datum.high_share"
    )
    span = marked.transform_filter("isValid(datum.low_share)").mark_rule(strokeWidth=2.5, opacity=0.6)
    layers = [
        line,
        span.encode(x=alt.X("low:Q", title=title), x2=alt.X2("high:Q"), color=colour),
        marked.mark_circle(size=80, opacity=1).encode(color=colour),
    ]
    return alt.layer(*layers, _least(table)).properties(height=HEIGHT)


def _least(table: pa.Table) -> Chart:
    """Labels beside the leftmost marked points: the fewest positions that carry each share."""
    least: dict[float, Row] = {}
    for row in sorted(table.to_pylist(), key=lambda row: row["positions_share"]):
        if row["carries_share"] is not None:
            least.setdefault(row["carries_share"], row)
    notes = [
        {"x": row["positions_share"], "y": row["kl_share"], "note": f"{carries:.0%} in {row['positions_share']:.1%}"}
        for carries, row in least.items()
    ]
    text = alt.Chart(alt.InlineData(notes)).mark_text(align="right", dx=-12, fontStyle="italic")
    return text.encode(x=alt.X("x:Q"), y=alt.Y("y:Q"), text=alt.Text("note:N"))


def _depth(table: pa.Table) -> str:
    depths = [row for row in table.to_pylist() if row["k"] in (3, 30)]
    return " ".join(f"{row['comparison']}: {row['outside_share']:.1%} outside the first {row['k']}." for row in depths)


def _floor(table: pa.Table) -> str:
    """The most frequent range of each comparison, and the share below the noise floor, if one was measured."""
    sentences = []
    for name, bins in grouped(table).items():
        ranges = [row | {"range": f"{row['low_nats']:.1e} to {row['high_nats']:.1e} nats"} for row in bins]
        mode = extreme("highest", ranges, "range", "share", marks.percent)
        under = bins[0]["under_floor_share"]
        below = f"; {under:.1%} below the noise floor" if under is not None else ""
        sentences.append(
            f"{name}: of the ranges {mode}, {max(row['share'] for row in bins):.1%} of the positions{below}."
        )
    return " ".join(sentences)


def _carriers(table: pa.Table) -> str:
    marked = [row for row in table.to_pylist() if row["carries_share"] is not None]
    return " ".join(
        f"{row['comparison']}: {row['positions_share']:.1%} of the positions carry "
        f"{row['carries_share']:.0%} of all KL."
        for row in marked
    )
