"""Figures of the page on recovery."""

from __future__ import annotations

import altair as alt
import pyarrow as pa

from tds_atlas.report.figures.marks import HEIGHT, Chart, each, grouped, interval_tips, shown
from tds_atlas.report.figures.registry import figure
from tds_atlas.report.figures.safety import by_k

_GREY = alt.Legend(
    symbolType="stroke",
    symbolStrokeColor="#8b959d",
    symbolStrokeWidth=2,
    symbolSize=350,
    title=None,
    labelLimit=260,
    columns=1,
)
_DASHES = [[1, 0], [6, 3], [2, 3]]


def _dash(field: str, names: list[str]) -> alt.StrokeDash:
    return alt.StrokeDash(f"{field}:N", sort=None, scale=alt.Scale(domain=names, range=_DASHES), legend=_GREY)


@figure(lambda table: each(table, "{comparison}, {tokens}, k = {k}: {share:.0%} refuse."))
def recovery_by_tokens(table: pa.Table, colour: alt.Color) -> Chart:
    """A line over k for each place of the harmful tokens."""
    dash = _dash("tokens", ["as its answer", "inside its refusal", "base model"])
    return by_k(table, colour, "share", "continuations that refuse", dash, "a given harmful answer", "tokens")


@figure(lambda table: _starts(table))
def kl_on_harmful(table: pa.Table, colour: alt.Color) -> Chart:
    """A line for each definition, with the band of the paper's."""
    names = ["harmful answers, same input", "harmful answers, own inputs", "own answers, own inputs"]
    x = alt.X("position:Q", title="position in the answer", axis=alt.Axis(tickMinStep=1))
    base = alt.Chart(table).encode(x=x, color=colour)
    low = alt.Y("low_nats:Q", title="mean KL(aligned‖base), nats")
    band = base.transform_filter(f"datum.line == '{names[0]}'").mark_area().encode(y=low, y2="high_nats:Q")
    tips = [alt.Tooltip(name) for name in ("comparison", "line", "position")]
    line = base.mark_line().encode(
        y=alt.Y("nats:Q"),
        strokeDash=_dash("line", names),
        tooltip=[*tips, *interval_tips("nats", ".3~r"), alt.Tooltip("answers")],
    )
    return alt.layer(band, line).properties(height=HEIGHT)


def _starts(table: pa.Table) -> str:
    """The first and the last position of each line."""
    return " ".join(
        f"{name}: {shown(c[0]['nats'])} nats at position {c[0]['position']}, {shown(c[-1]['nats'])} at "
        f"{c[-1]['position']}."
        for name, c in grouped(table, "comparison", "line").items()
    )
