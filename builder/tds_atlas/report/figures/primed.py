"""Figures of the page on what prompting the base recovers."""

from __future__ import annotations

import altair as alt
import pyarrow as pa

from tds_atlas.report.figures.marks import Chart, count_tip, each, most, rows, token, visible_tokens, with_intervals
from tds_atlas.report.figures.registry import figure

_CLOSED = "share of the gap closed"


@figure(lambda table: each(table, "{comparison}, {context}: {share:.1%} shifted."))
def primed_shift(table: pa.Table, colour: alt.Color) -> Chart:
    """A ring marks the context of the comparison's own base condition."""
    dots = with_intervals(table, colour, _names("context"), "context", "shifted tokens")
    rings = (
        alt.Chart(table)
        .transform_filter("datum.is_own")
        .mark_point(size=210, filled=False, strokeWidth=1.5)
        .encode(y=_names("context"), yOffset=alt.YOffset("comparison:N", sort=None), x=alt.X("share:Q"), color=colour)
    )
    return alt.layer(dots, rings).properties(height=dots.height)


@figure(lambda table: each(table, "{comparison}, {context}: {share:.1%} of the gap closed."))
def primed_recovered(table: pa.Table, colour: alt.Color) -> Chart:
    return _closed(table, colour, "context")


@figure(lambda table: most(table, "role", "share", _CLOSED), by_part=True)
def primed_by_role(table: pa.Table, colour: alt.Color) -> Chart:
    return _closed(table, colour, "role")


@figure(lambda table: most(table, "topic", "share", _CLOSED))
def primed_by_topic(table: pa.Table, colour: alt.Color) -> Chart:
    return _closed(table, colour, "topic")


@figure(lambda table: _left(table))
def primed_left(table: pa.Table, colour: alt.Color) -> Chart:
    """A line from the KL left under the comparison's own context to a dot at that under the best prompt."""
    table = visible_tokens(table)
    base = alt.Chart(table).encode(y=token(), yOffset=alt.YOffset("comparison:N", sort=None), color=colour)
    x = alt.X("left_nats:Q", title="KL(aligned‖base) per answer, nats")
    tips = [
        alt.Tooltip("token"),
        alt.Tooltip("comparison"),
        alt.Tooltip("own_nats:Q", format=".3f", title="own context"),
        alt.Tooltip("left_nats:Q", format=".3f", title="best prompt"),
        count_tip("positions"),
    ]
    return alt.layer(
        base.mark_rule(strokeWidth=2, strokeOpacity=0.5).encode(x=x, x2=alt.X2("own_nats:Q")),
        base.mark_tick(thickness=2, size=9, opacity=0.7).encode(x=alt.X("own_nats:Q")),
        base.mark_circle(size=70, opacity=1).encode(x=x, tooltip=tips),
    ).properties(height=rows(table, "token", 12 * max(1, len(set(table["comparison"].to_pylist()))) + 8))


def _closed(table: pa.Table, colour: alt.Color, key: str) -> Chart:
    dots = with_intervals(table, colour, _names(key), key, _CLOSED)
    zero = alt.Chart(table).mark_rule(strokeWidth=1, opacity=0.6).encode(x=alt.XDatum(0))
    return alt.layer(zero, dots).properties(height=dots.height)


def _names(key: str) -> alt.Y:
    return alt.Y(f"{key}:N", sort=None, title=None)


def _left(table: pa.Table) -> str:
    return most(table, "token", "left_nats", "nats left")
