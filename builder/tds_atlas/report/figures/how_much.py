"""Figures of the page on how much changes: shares and means; distributions.py has the others."""

from __future__ import annotations

import altair as alt
import pyarrow as pa

from tds_atlas.report.figures.intervals import labelled, measures_height
from tds_atlas.report.figures.marks import SHARE, Chart, count_tip, each, interval_tips, shown
from tds_atlas.report.figures.registry import figure


@figure(lambda table: each(table, "{comparison}: {share:.1%} shifted.", shift="shifted"))
def shift_by_comparison(table: pa.Table, colour: alt.Color) -> Chart:
    """A bar per comparison, with the shares of its end classes below; a phone has room for one interval."""
    order = ["unshifted", "marginal", "shifted"]
    base = (
        alt.Chart(table)
        .encode(y=alt.Y("comparison:N", sort=None, title=None))
        .transform_calculate(
            order=f"indexof({order}, datum.shift)",
            label="datum.shift + ' ' + format(datum.share, '.1%')"
            " + (datum.shift == 'shifted' && isValid(datum.low_share)"
            " ? ' (' + format(100 * datum.low_share, '.1f') + '–'"
            " + format(100 * datum.high_share, '.1f') + ')' : '')",
        )
    )
    bars = base.mark_bar(height=26).encode(
        x=alt.X("share:Q", title="share of positions", axis=SHARE, stack="zero", scale=alt.Scale(domain=[0, 1])),
        order=alt.Order("order:Q"),
        color=alt.Color("shift:O", sort=order, scale=alt.Scale(domain=order)),
        tooltip=[
            alt.Tooltip("comparison"),
            alt.Tooltip("shift"),
            *interval_tips("share", ".2%"),
            count_tip("positions"),
        ],
    )
    left, right = (
        base.transform_filter(f"datum.shift == '{shift}'")
        .mark_text(dy=24, align="left" if place == 0 else "right")
        .encode(x=alt.XDatum(place), text=alt.Text("label:N"))
        for shift, place in (("unshifted", 0), ("shifted", 1))
    )
    return alt.layer(bars, left, right).properties(height=72 * max(1, len(set(table["comparison"].to_pylist()))))


@figure(lambda table: _values(table, "nats", " nats"))
def divergence_means(table: pa.Table, colour: alt.Color) -> Chart:
    axis = alt.Axis(tickCount=4, grid=True)
    return labelled(table, colour, "nats", "mean per position, nats", axis, "format(datum.nats, '.3f')")


@figure(lambda table: _values(table, "share", ""))
def changed_shares(table: pa.Table, colour: alt.Color) -> Chart:
    axis = alt.Axis(format=".0%", tickCount=4, grid=True)
    return labelled(table, colour, "share", "share of positions", axis, "format(datum.share, '.1%')")


@figure(lambda table: _beside(table))
def aligntds_beside(table: pa.Table, colour: alt.Color) -> Chart:
    """A filled dot for our number joined to an open one for AlignTDS; the divergence is in the page's table."""
    table = pa.Table.from_pylist([row for row in table.to_pylist() if not row["measure"].startswith("KL")])
    base = alt.Chart(table).encode(
        y=alt.Y("measure:N", sort=None, title=None, axis=alt.Axis(labelLimit=130, grid=False)),
        yOffset=alt.YOffset("comparison:N", sort=None),
        color=colour,
    )
    x = alt.X("mean:Q", title="share of positions, or mean", axis=alt.Axis(format=".0%", tickCount=5, grid=True))
    ends = (alt.Tooltip(f"{name}:Q", format=".3%") for name in ("mean", "low_share", "high_share"))
    tips = [alt.Tooltip("measure"), alt.Tooltip("comparison"), alt.Tooltip("counted"), *ends]
    layers = []
    for counted, filled, size in (("ours", True, 50), ("AlignTDS", False, 90)):
        dots = base.transform_filter(f"datum.counted == '{counted}'").mark_point(size=size, filled=filled, opacity=1)
        layers.append(dots.encode(x=x, tooltip=tips))
    layers.append(
        base.mark_line(strokeWidth=1.5, opacity=0.6).encode(
            x=x, detail=[alt.Detail("measure:N"), alt.Detail("comparison:N")]
        )
    )
    return alt.layer(*layers).properties(height=measures_height(table))


def _values(table: pa.Table, value: str, unit: str) -> str:
    percent = value == "share"
    rows = table.to_pylist()
    return " ".join(
        f"{row['comparison']}, {row['measure']}: {f'{row[value]:.1%}' if percent else shown(row[value])}{unit}."
        for row in rows
    )


def _beside(table: pa.Table) -> str:
    rows = [row for row in table.to_pylist() if row["measure"] == "shifted"]
    return " ".join(f"{row['comparison']}, {row['counted']}: {shown(100 * row['mean'])} % shifted." for row in rows)
