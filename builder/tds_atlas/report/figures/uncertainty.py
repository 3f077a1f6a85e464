"""Figures of the page on whether the base's uncertainty predicts the change."""

from __future__ import annotations

import altair as alt
import pyarrow as pa

from tds_atlas.report.figures.marks import (
    HEIGHT,
    SHARE,
    Chart,
    count_tip,
    each,
    grouped,
    interval_tips,
    note,
    with_intervals,
)
from tds_atlas.report.figures.registry import figure

_MODELS = alt.StrokeDash("model:N", sort=None, scale=alt.Scale(domain=["aligned", "base"], range=[[1, 0], [4, 4]]))


@figure(lambda table: _span(table, "at_least_percent", "first choices differ", "least and most confident"))
def disagreement_by_confidence(table: pa.Table, colour: alt.Color) -> Chart:
    return _by_confidence(table, colour, "first choices that differ")


@figure(lambda table: _span(table, "at_least_percent", "shifted", "least and most confident"))
def shift_by_confidence(table: pa.Table, colour: alt.Color) -> Chart:
    return _by_confidence(table, colour, "shifted tokens")


@figure(lambda table: _span(table, "tenth", "shifted", "most and least confident"))
def shift_by_entropy(table: pa.Table, colour: alt.Color) -> Chart:
    """Tenths of the positions at their mean entropy; the symlog axis spreads out near-certainty."""
    x = alt.X(
        "entropy_nats:Q",
        title="base's entropy, nats (log scale above 0.01)",
        scale=alt.Scale(type="symlog", constant=0.01),
        axis=alt.Axis(values=[0, 0.01, 0.03, 0.1, 0.3, 1, 3, 10], format="~g"),
    )
    return _curve(table, colour, x, "shifted tokens", alt.Tooltip("entropy_nats:Q", format=".3~r"))


@figure(lambda table: each(table, "{comparison}: {share:.1%} shared, Jaccard {jaccard:.2f}."))
def forking_overlap(table: pa.Table, colour: alt.Color) -> Chart:
    """A dot with its interval per comparison, and chance as a rule."""
    y = alt.Y("comparison:N", sort=None, title=None)
    dots = with_intervals(table, colour.legend(None), y, "comparison", "also among the aligned model's 20 %")
    chance = (
        alt.Chart(table.slice(0, 1)).mark_rule(strokeDash=[3, 3], strokeWidth=1, opacity=0.8).encode(x=alt.XDatum(0.2))
    )
    height = max(80, 44 * table.num_rows)
    return alt.layer(chance, dots).properties(height=height)


@figure(lambda table: _factors(table))
def branching(table: pa.Table, colour: alt.Color) -> Chart:
    """Two lines per comparison over the tenths of an answer: the aligned model solid, the base dashed."""
    tenths, whole = alt.Axis(format=".0%", tickCount=5), alt.Scale(domain=[0, 1])
    x = alt.X("along_share:Q", title="along the answer", axis=tenths, scale=whole)
    base = alt.Chart(table).encode(x=x, color=colour)
    scale = alt.Scale(type="log", domainMin=1, nice=False)
    band = base.mark_area().encode(
        y=alt.Y("low_choices:Q", scale=scale, title="branching factor (log scale)", axis=alt.Axis(tickCount=5)),
        y2=alt.Y2("high_choices:Q"),
        detail=alt.Detail("model:N"),
    )
    line = base.mark_line().encode(
        y=alt.Y("choices:Q", scale=scale, title="branching factor (log scale)"),
        strokeDash=_MODELS,
        tooltip=[
            alt.Tooltip("comparison"),
            alt.Tooltip("model"),
            alt.Tooltip("along_share:Q", format=".0%"),
            *interval_tips("choices", ".3~r"),
        ],
    )
    label = "as among {choices:.1f} tokens"
    return alt.layer(band, line, *note(table, colour, "along_share", "choices", label)).properties(height=HEIGHT)


def _by_confidence(table: pa.Table, colour: alt.Color, title: str) -> Chart:
    x = alt.X(
        "at_least_percent:O", title="base's first choice has at least … % probability", axis=alt.Axis(labelAngle=0)
    )
    return _curve(table, colour, x, title, alt.Tooltip("at_least_percent"))


def _curve(table: pa.Table, colour: alt.Color, x: alt.X, title: str, tip: alt.Tooltip) -> Chart:
    """Dots on a line, each with a rule for its interval."""
    base = alt.Chart(table).encode(x=x, color=colour)
    scale = alt.Scale(domain=[0, 1])
    spread = base.mark_rule(strokeWidth=2, opacity=0.45).encode(
        y=alt.Y("low_share:Q", title=title, axis=SHARE, scale=scale), y2=alt.Y2("high_share:Q")
    )
    line = base.mark_line(point=alt.OverlayMarkDef(size=55, filled=True)).encode(
        y=alt.Y("share:Q", title=title),
        tooltip=[alt.Tooltip("comparison"), tip, *interval_tips("share", ".1%"), count_tip("positions")],
    )
    return alt.layer(spread, line).properties(height=HEIGHT)


def _span(table: pa.Table, key: str, what: str, which: str) -> str:
    return " ".join(
        f"{name}: {c[0]['share']:.1%} and {c[-1]['share']:.1%} {what} where the base is {which}."
        for name, c in grouped(table).items()
    )


def _factors(table: pa.Table) -> str:
    return " ".join(
        f"{r['comparison']}, {r['model']}: {r['choices']:.2f} in the first tenth."
        for r in table.to_pylist()
        if r["along_share"] < 0.1
    )
