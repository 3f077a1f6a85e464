"""Figures of the page on a training run: small curves over its steps, with a band each."""

from __future__ import annotations

import altair as alt
import pyarrow as pa

from tds_atlas.report.figures.marks import SHARE, Chart, grouped, interval_tips, shown
from tds_atlas.report.figures.registry import figure

_HEIGHT = 190  # of a small multiple


@figure(lambda table: _says(table, "share", "share"))
def run_first_choice(table: pa.Table, colour: alt.Color) -> Chart:
    return _along(table, "share", "share of positions", SHARE)


@figure(lambda table: _says(table, "nats", "mean JS"))
def run_js(table: pa.Table, colour: alt.Color) -> Chart:
    return _along(table, "nats", "mean JS, nats")


@figure(lambda table: _says(table, "nats", "mean KL"))
def run_kl_by_role(table: pa.Table, colour: alt.Color) -> Chart:
    return _along(table, "nats", "mean KL, nats")


@figure(lambda table: _says(table, "nats", "mean KL"))
def run_domain(table: pa.Table, colour: alt.Color) -> Chart:
    return _along(table, "nats", "mean KL, nats")


@figure(lambda table: _says(table, "position", "position"))
def run_same_until(table: pa.Table, colour: alt.Color) -> Chart:
    return _along(table, "position", "position in the answer")


@figure(lambda table: _says(table, "share", "share"))
def run_said(table: pa.Table, colour: alt.Color) -> Chart:
    return _along(table, "share", "share", SHARE)


def _along(table: pa.Table, value: str, title: str, axis: alt.Axis | None = None) -> Chart:
    """A curve for each line, a point for each step."""
    lines = list(dict.fromkeys(table["line"].to_pylist()))
    base = alt.Chart(table).encode(
        x=alt.X("step:Q", title="step", axis=alt.Axis(values=sorted(set(table["step"].to_pylist())), format="d")),
        color=alt.Color("line:N", sort=None, scale=alt.Scale(domain=lines), legend=alt.Legend(symbolOpacity=1)),
    )
    y = alt.Y(f"{value}:Q", title=title, axis=axis or alt.Axis(tickCount=5), scale=alt.Scale(zero=True))
    tips = [alt.Tooltip("line"), alt.Tooltip("step"), *interval_tips(value, ".3~r"), alt.Tooltip("prompts")]
    return alt.layer(
        base.mark_area().encode(y=alt.Y(f"low_{value}:Q", title=title), y2=alt.Y2(f"high_{value}:Q")),
        base.mark_line().encode(y=y),
        base.mark_circle(size=60, opacity=1).encode(y=y, tooltip=tips),
    ).properties(height=_HEIGHT)


def _says(table: pa.Table, value: str, unit: str) -> str:
    """The first and the last step of each line."""
    return " ".join(
        f"{name}: {unit} {shown(line[0][value])} at step {line[0]['step']}, {shown(line[-1][value])} at "
        f"{line[-1]['step']}."
        for name, line in grouped(table, "line").items()
    )
