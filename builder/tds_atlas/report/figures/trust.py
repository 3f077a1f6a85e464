"""Figures of the page on trust: known truths, the noise floor, and the effect of clustering."""

from __future__ import annotations

import altair as alt
import pyarrow as pa

from tds_atlas.report.figures.marks import SHARE, Chart, each, rows, shown, with_intervals
from tds_atlas.report.figures.registry import figure

_FLOOR = 1e-10  # nats; a log axis cannot show 0


@figure(lambda table: each(table, "{comparison}, {role}: {share:.1%}."))
def calibration_rates(table: pa.Table, colour: alt.Color) -> Chart:
    return with_intervals(table, colour, alt.Y("role:N", sort=None, title=None), "role", "shifted tokens")


@figure(lambda table: each(table, "{comparison}, {reading}: {share:.1%}."))
def calibration_precision(table: pa.Table, colour: alt.Color) -> Chart:
    label = "split(datum.label, ', by ')"  # two short lines leave a narrow screen its width
    axis = alt.Axis(labelExpr=label, labelLimit=170)
    y = alt.Y("reading:N", sort=None, title=None, axis=axis)
    return with_intervals(table, colour, y, "reading", "precision or recall")


def _above(table: pa.Table) -> str:
    return " ".join(
        f"{row['comparison']}: median {shown(row['median_nats'])} nats, 99 % below {shown(row['high_nats'])}, "
        f"largest {shown(row['largest_nats'])}."
        for row in table.to_pylist()
    )


@figure(_above)
def noise_floor(table: pa.Table, colour: alt.Color) -> Chart:
    """10th to 99th percentile thin, the middle half thick, the median a dot, the largest a tick; checks in grey."""
    spans = ("low", "lower", "median", "upper", "high", "largest")
    base = alt.Chart(table).encode(y=alt.Y("comparison:N", sort=None, title=None, axis=alt.Axis(labelLimit=150)))
    for span in spans:
        base = base.transform_calculate(**{span: f"max({_FLOOR}, datum.{span}_nats)"})
    scale = alt.Scale(type="log", domainMin=_FLOOR, nice=False)
    axis = alt.Axis(format=".0e", values=[10.0**p for p in range(-10, 3, 2)], grid=True)

    def x(span: str) -> alt.X:
        return alt.X(f"{span}:Q", title="KL per position, nats (log scale)", scale=scale, axis=axis)

    tips = [
        alt.Tooltip(f"{key}_nats:Q", format=".2~e", title=title)
        for key, title in (("low", "10 %"), ("median", "median"), ("high", "99 %"), ("largest", "largest"))
    ]
    quiet = colour.copy(deep=True)
    quiet["legend"] = None
    grey = alt.ColorValue("#8a939b")  # between both palettes' inks
    layers = []
    for kind in ("noise", "tuning"):
        part = base.transform_filter(f"datum.kind == '{kind}'")
        fill = grey if kind == "noise" else quiet
        layers += [
            part.mark_rule(strokeWidth=2, opacity=0.6).encode(x=x("low"), x2=alt.X2("high:Q"), color=fill),
            part.mark_rule(strokeWidth=9, opacity=0.45).encode(x=x("lower"), x2=alt.X2("upper:Q"), color=fill),
            part.mark_tick(thickness=2, size=14).encode(x=x("largest"), color=fill),
            part.mark_circle(size=110, opacity=1).encode(
                x=x("median"), color=fill, tooltip=[alt.Tooltip("comparison"), *tips]
            ),
        ]
    return alt.layer(*layers).properties(height=rows(table, "comparison", 40))


@figure(lambda t: " ".join(f"{r['comparison']}: design effect {shown(r['design_effect'])}." for r in t.to_pylist()))
def design_effect(table: pa.Table, colour: alt.Color) -> Chart:
    """The interval clustered by prompt, and inside it the interval for independent tokens."""
    base = alt.Chart(table).encode(y=alt.Y("comparison:N", sort=None, title=None))
    base = base.transform_calculate(
        thin_low="datum.share - datum.naive_half_share", thin_high="datum.share + datum.naive_half_share"
    )
    quiet = colour.copy(deep=True)
    quiet["legend"] = None
    title = "shifted tokens"
    wide = alt.X("low_share:Q", title=title, axis=SHARE, scale=alt.Scale(zero=False))
    text = base.transform_calculate(text="'× ' + format(datum.design_effect, '.1f')")
    return alt.layer(
        base.mark_rule(strokeWidth=2).encode(x=wide, x2=alt.X2("high_share:Q"), color=quiet),
        base.mark_rule(strokeWidth=10, opacity=0.5).encode(
            x=alt.X("thin_low:Q", title=title), x2=alt.X2("thin_high:Q"), color=quiet
        ),
        text.mark_text(dy=-14).encode(x=alt.X("share:Q", title=title), text=alt.Text("text:N")),
    ).properties(height=rows(table, "comparison", 48))
