"""Figures of the page that compares all comparisons."""

from __future__ import annotations

import altair as alt
import pyarrow as pa

from tds_atlas.report.figures.intervals import measures_height, with_half
from tds_atlas.report.figures.marks import Chart, count_tip, grouped, shown
from tds_atlas.report.figures.registry import figure

_QUIET = "#8b959d"  # a grey that reads on both palettes
_PERCENT = "datum.unit == 'share'"
_SIGNED = "datum.unit == 'nats' ? '+.3f' : '+.1f'"
_DIGITS = "datum.unit == 'nats' ? '.3f' : '.1f'"


@figure(lambda table: _range(table))
def compare_all(table: pa.Table, colour: alt.Color) -> Chart:
    """A line from zero to a dot with its interval, for every comparison; every measure has its own scale."""
    negative = any(row["mean"] < 0 for row in table.to_pylist())
    base = _scaled(table, "mean")
    x = _place("mean", [-1 if negative else 0, 1.9])
    stem = base.mark_rule(strokeWidth=1.4, opacity=0.4).encode(
        x=_place("zero", None), x2=alt.X2("scaled_mean:Q"), color=colour
    )
    return alt.layer(
        base.mark_circle(size=70, opacity=1).encode(x=x, color=colour, tooltip=_tips("mean")),
        stem,
        _interval(base, colour),
        base.transform_calculate(
            end="isValid(datum.scaled_high) ? max(datum.scaled_high, 0) : max(datum.scaled_mean, 0)",
            label=f"format(datum.mean, {_PERCENT} ? '.1%' : {_DIGITS})",
        )
        .mark_text(align="left", dx=8, fontSize=11)
        .encode(x=alt.X("end:Q"), text=alt.Text("label:N")),
    ).properties(height=measures_height(table))


@figure(lambda table: _clear(table))
def compare_differences(table: pa.Table, colour: alt.Color) -> Chart:
    """Dots left and right of zero, open where no difference is clear; the number is on the empty side."""
    base = _scaled(table, "difference")
    x = _place("difference", [-1.15, 1.15])
    none = alt.Chart(alt.InlineData([{"none": 0}])).mark_rule(strokeDash=[2, 3]).encode(x=_place("none", None, "none"))
    layers = [none]
    for clear, filled in ((">", False), ("<=", True)):
        dots = base.transform_filter(f"datum.adjusted_p {clear} 0.05").mark_point(size=70, filled=filled, opacity=1)
        layers.append(dots.encode(x=x, color=colour, tooltip=_tips("difference")))
    points = with_half("format(100 * datum.difference, '+.1f')", "half_width", "'.1f'", 100, " + ' pts'")
    other = with_half(f"format(datum.difference, {_SIGNED})", "half_width", _DIGITS)
    labels = base.transform_calculate(
        side="datum.difference > 0 ? min(datum.scaled_low, 0) : max(datum.scaled_high, 0)",
        label=f"{_PERCENT} ? {points} : {other}",
    )
    layers.append(_interval(base, colour))
    for sign, align, dx in ((">", "right", -8), ("<=", "left", 8)):
        text = labels.transform_filter(f"datum.difference {sign} 0").mark_text(align=align, dx=dx, fontSize=11)
        layers.append(text.encode(x=alt.X("side:Q"), text=alt.Text("label:N")))
    return alt.layer(*layers).properties(height=measures_height(table))


@figure(lambda table: _overlap(table))
def word_overlap(table: pa.Table, colour: alt.Color) -> Chart:
    """A triangle of squares with their numbers; the hollow diagonal shows the sizes of the sets."""
    names = list(dict.fromkeys(table["comparison"].to_pylist()))
    base = alt.Chart(table).encode(
        x=alt.X("other:N", sort=names, title=None, axis=alt.Axis(labelAngle=-30, labelLimit=110)),
        y=alt.Y("comparison:N", sort=names, title=None, axis=alt.Axis(labelLimit=110, grid=False)),
    )
    tips = [
        alt.Tooltip("comparison"),
        alt.Tooltip("other"),
        alt.Tooltip("jaccard:Q", format=".1%"),
        alt.Tooltip("words"),
        alt.Tooltip("other_words"),
        alt.Tooltip("common_words"),
    ]
    pairs = base.transform_filter("datum.comparison != datum.other")
    own = base.transform_filter("datum.comparison == datum.other")
    depth = alt.Opacity("jaccard:Q", scale=alt.Scale(domain=[0, 1], range=[0.06, 0.8]), legend=None)
    return alt.layer(
        pairs.mark_rect(color=_QUIET, cornerRadius=3).encode(opacity=depth, tooltip=tips),
        own.mark_rect(fillOpacity=0, stroke=_QUIET, strokeWidth=1, strokeDash=[2, 3], cornerRadius=3).encode(
            tooltip=tips
        ),
        pairs.mark_text(fontSize=14, fontWeight=600, dy=-6).encode(text=alt.Text("jaccard:Q", format=".0%")),
        pairs.transform_calculate(label="format(datum.common_words, ',') + ' words'")
        .mark_text(fontSize=11, dy=11)
        .encode(text=alt.Text("label:N")),
        own.transform_calculate(label="format(datum.words, ',') + ' words'")
        .mark_text(fontSize=11)
        .encode(text=alt.Text("label:N")),
    ).properties(height=56 * len(names))


def _scaled(table: pa.Table, value: str) -> Chart:
    """Each measure divided by its own largest bound, so that all of them share one axis; a row for every comparison."""
    bounds = ", ".join(f"abs(datum.{name})" for name in ("low", "high", value))
    scaled = {
        f"scaled_{name}": f"isValid(datum.{name}) && datum.most > 0 ? datum.{name} / datum.most : null"
        for name in ("low", "high")
    }
    scaled[f"scaled_{value}"] = f"datum.most > 0 ? datum.{value} / datum.most : 0"
    return (
        alt.Chart(table)
        .transform_calculate(bound=f"max({bounds})", zero="0")
        .transform_joinaggregate(most="max(bound)", groupby=["measure"])
        .transform_calculate(**scaled)
        .encode(
            y=alt.Y(
                "measure:N",
                sort=list(dict.fromkeys(table["measure"].to_pylist())),
                title=None,
                axis=alt.Axis(labelLimit=130, grid=False),
            ),
            yOffset=alt.YOffset("comparison:N", sort=list(dict.fromkeys(table["comparison"].to_pylist()))),
        )
    )


def _interval(base: Chart, colour: alt.Color) -> Chart:
    rules = base.transform_filter("isValid(datum.scaled_low)").mark_rule(strokeWidth=2.6, opacity=0.55)
    return rules.encode(x=_place("low", None), x2=alt.X2("scaled_high:Q"), color=colour)


def _place(name: str, domain: list[float] | None, field: str = "") -> alt.X:
    """The shared axis, hidden: the numbers are written beside the dots."""
    scale = alt.Scale(domain=domain, nice=False) if domain else alt.Undefined
    return alt.X(f"{field or ('zero' if name == 'zero' else f'scaled_{name}')}:Q", title=None, axis=None, scale=scale)


def _tips(value: str) -> list[alt.Tooltip]:
    numbers = [alt.Tooltip(f"{name}:Q", format=".4~r") for name in (value, "low", "high")]
    names = [alt.Tooltip(name) for name in ("measure", "comparison", "unit")]
    return [*names, *numbers, count_tip("prompts")]


def _range(table: pa.Table) -> str:
    """The lowest and the highest comparison of every measure."""
    sentences = []
    for measure, rows in grouped(table, "measure").items():
        low, high = min(rows, key=lambda row: row["mean"]), max(rows, key=lambda row: row["mean"])
        least, most = shown(low["mean"]), shown(high["mean"])
        span = f"from {least} ({low['comparison']}) to {most} ({high['comparison']})"
        sentences.append(f"{measure}: {least if least == most else span}.")
    return " ".join(sentences)


def _clear(table: pa.Table) -> str:
    clear = [row for row in table.to_pylist() if row["adjusted_p"] is not None and row["adjusted_p"] <= 0.05]
    sentences = [
        f"{row['comparison']}, {row['measure']}: {'more' if row['difference'] > 0 else 'less'} "
        f"by {shown(abs(row['difference']))}."
        for row in clear
    ]
    return " ".join(sentences) or "No difference is clear."


def _overlap(table: pa.Table) -> str:
    pairs = [row for row in table.to_pylist() if row["comparison"] != row["other"]]
    return " ".join(
        f"{row['comparison']} and {row['other']}: {row['jaccard']:.0%} of their shifted words in common."
        for row in pairs
    )
