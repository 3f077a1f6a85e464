"""Figures of the page on how much changes."""

from __future__ import annotations

import altair as alt
import pyarrow as pa

from builder.report.figures.marks import HEIGHT, SHARE, Chart
from builder.report.figures.registry import figure


@figure(lambda table: _shares(table))
def shift_by_comparison(table: pa.Table, colour: alt.Color) -> Chart:
    """A bar per comparison; the shares of its two ends written below it, with their intervals."""
    order = ["unshifted", "marginal", "shifted"]
    base = (
        alt.Chart(table)
        .encode(y=alt.Y("comparison:N", sort=None, title=None))
        .transform_calculate(
            order=f"indexof({order}, datum.shift)",
            label="datum.shift + ' ' + format(datum.share, '.1%')"
            " + (isValid(datum.half_width_share) ? ' ± ' + format(100 * datum.half_width_share, '.1f') : '')",
        )
    )
    bars = base.mark_bar(height=26).encode(
        x=alt.X("share:Q", title="share of positions", axis=SHARE, stack="zero", scale=alt.Scale(domain=[0, 1])),
        order="order:Q",
        color=alt.Color("shift:O", sort=order, scale=alt.Scale(domain=order)),
        tooltip=[
            "comparison",
            "shift",
            alt.Tooltip("share:Q", format=".2%"),
            alt.Tooltip("half_width_share:Q", format=".2%", title="± (95 %)"),
            alt.Tooltip("positions:Q", format=","),
        ],
    )
    left, right = (
        base.transform_filter(f"datum.shift == '{shift}'")
        .mark_text(dy=24, align="left" if place == 0 else "right")
        .encode(x=alt.datum(place), text="label:N")
        for shift, place in (("unshifted", 0), ("shifted", 1))
    )
    return alt.layer(bars, left, right).properties(height=72 * max(1, len(set(table["comparison"].to_pylist()))))


@figure(lambda table: _depth(table))
def rank_distribution(table: pa.Table, colour: alt.Color) -> Chart:
    return (
        alt.Chart(table)
        .mark_line(point=True)
        .encode(
            x=alt.X(
                "k:Q",
                title="k (log scale)",
                scale=alt.Scale(type="log"),
                axis=alt.Axis(values=[1, 3, 10, 30, 100, 300, 1000]),
            ),
            y=alt.Y(
                "share:Q", title="response tokens among the base's first k", axis=SHARE, scale=alt.Scale(zero=False)
            ),
            color=colour,
            tooltip=["comparison", "k", alt.Tooltip("share:Q", format=".2%")],
        )
        .properties(height=HEIGHT)
    )


def _shares(table: pa.Table) -> str:
    shifted = [row for row in table.to_pylist() if row["shift"] == "shifted"]
    return " ".join(f"{row['comparison']}: {row['share']:.1%} shifted." for row in shifted)


def _depth(table: pa.Table) -> str:
    tenth = [row for row in table.to_pylist() if row["k"] == 10]
    return " ".join(f"{row['comparison']}: {row['share']:.1%} among the first ten." for row in tenth)
