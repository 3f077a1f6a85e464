"""Figures of the page on the stages of a chain of tuning."""

from __future__ import annotations

import altair as alt
import pyarrow as pa

from tds_atlas.report.figures.marks import HEIGHT, SHARE, Chart, each, interval_tips, most, rows, shown, with_intervals
from tds_atlas.report.figures.registry import figure


@figure(lambda table: _credit(table))
def stage_credit(table: pa.Table, colour: alt.Color) -> Chart:
    table = _named(table, "role")
    base = alt.Chart(table).encode(
        y=alt.Y("row:N", sort=None, title=None), yOffset=alt.YOffset("comparison:N", sort=None), color=colour
    )
    x = alt.X("low_nats:Q", title="mean Δ log p of a token, nats")
    return alt.layer(
        alt.Chart(table).mark_rule(strokeWidth=1, opacity=0.6).encode(x=alt.XDatum(0)),
        base.mark_rule(strokeWidth=2, strokeOpacity=0.55).encode(x=x, x2=alt.X2("high_nats:Q")),
        base.mark_circle(size=80, opacity=1).encode(
            x=alt.X("nats:Q"),
            tooltip=[
                alt.Tooltip("chain"),
                alt.Tooltip("comparison"),
                alt.Tooltip("role"),
                *interval_tips("nats", "+.3f", "nats"),
            ],
        ),
    ).properties(height=rows(table, "row", 42))


@figure(lambda table: most(table, "path", "share", "share of positions"))
def stage_first_choice(table: pa.Table, colour: alt.Color) -> Chart:
    return with_intervals(table, colour, alt.Y("path:N", sort=None, title=None), "path", "share of positions")


@figure(lambda table: _spread(table))
def stage_spread(table: pa.Table, colour: alt.Color) -> Chart:
    """A curve per stage: the further left it reaches 90 %, the sparser the stage."""
    ticks = [0.001, 0.01, 0.1, 1]
    line = (
        alt.Chart(table)
        .mark_line()
        .encode(
            x=alt.X(
                "positions_share:Q",
                title="most changed positions (log scale)",
                scale=alt.Scale(type="log", domain=[0.001, 1]),
                axis=alt.Axis(values=ticks, format="~%"),
            ),
            y=alt.Y("change_share:Q", title="share of the stage's |Δ log p|", axis=SHARE),
            color=colour,
            detail=alt.Detail("chain:N"),
            tooltip=[
                alt.Tooltip("comparison"),
                alt.Tooltip("positions_share:Q", format=".2%"),
                alt.Tooltip("change_share:Q", format=".1%"),
            ],
        )
    )
    mark = alt.Chart(table).mark_rule(strokeDash=[4, 4]).encode(y=alt.YDatum(0.9))
    return alt.layer(mark, line).properties(height=HEIGHT)


@figure(lambda table: each(table, "{comparison}: {share:.1%} of positions {direction}."))
def stage_promoted(table: pa.Table, colour: alt.Color) -> Chart:
    """Promoted to the right of zero, demoted to the left, with the share of positions written at each end."""
    table = _named(table, "comparison")
    base = alt.Chart(table).encode(y=alt.Y("row:N", sort=None, title=None))
    bars = base.mark_bar(height=22).encode(
        x=alt.X("nats:Q", title="Δ log p per position, nats", scale=alt.Scale(padding=50)),
        color=colour,
        opacity=alt.Opacity(
            "direction:O", scale=alt.Scale(domain=["promoted", "demoted"], range=[1, 0.5]), legend=None
        ),
        tooltip=[
            alt.Tooltip("chain"),
            alt.Tooltip("comparison"),
            alt.Tooltip("direction"),
            *interval_tips("nats", "+.3f", "nats"),
            alt.Tooltip("share:Q", format=".1%"),
        ],
    )
    widths = base.mark_rule(strokeWidth=1.5).encode(x=alt.X("low_nats:Q"), x2=alt.X2("high_nats:Q"))
    label = base.transform_calculate(label="format(datum.share, '.0%')")
    ends = [
        label.transform_filter(f"datum.direction == '{way}'")
        .mark_text(align="left" if way == "promoted" else "right", dx=dx)
        .encode(x=alt.X(f"{bound}:Q"), text=alt.Text("label:N"))
        for way, dx, bound in (("promoted", 6, "high_nats"), ("demoted", -6, "low_nats"))
    ]
    return alt.layer(bars, widths, *ends).properties(height=rows(table, "row", 44))


def _named(table: pa.Table, key: str) -> pa.Table:
    """The table with a column `row`: the key, after the chain's name where there are several chains."""
    several = len(set(table["chain"].to_pylist())) > 1
    names = [f"{r['chain']}: {r[key]}" if several else r[key] for r in table.to_pylist()]
    return table.append_column("row", pa.array(names, pa.string()))


def _credit(table: pa.Table) -> str:
    whole = [row for row in table.to_pylist() if row["role"] == "all"]
    return " ".join(f"{r['chain']}: {r['comparison']} adds {shown(r['nats'])} nats per token." for r in whole)


def _spread(table: pa.Table) -> str:
    reached: dict[tuple[str, str], float] = {}
    for row in table.to_pylist():
        if row["change_share"] >= 0.9:
            reached.setdefault((row["chain"], row["comparison"]), row["positions_share"])
    return " ".join(f"{c}: at most {share:.1%} of the positions carry 90 %." for (_, c), share in reached.items())
