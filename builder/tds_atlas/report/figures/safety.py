"""Figures of the page on how deep safety is."""

from __future__ import annotations

import altair as alt
import pyarrow as pa
import pyarrow.compute as pc

from tds_atlas.report.figures.marks import HEIGHT, SHARE, Chart, each, extreme, grouped, interval_tips, shown
from tds_atlas.report.figures.registry import figure

_PANEL = 130  # pixels a comparison
_KINDS = alt.StrokeDash("prompts:O", sort=None, scale=alt.Scale(domain=["harmful", "harmless"], range=[[1, 0], [4, 4]]))
_MODELS = alt.StrokeDash(
    "model:N",
    sort=None,
    scale=alt.Scale(domain=["aligned", "base"], range=[[1, 0], [4, 4]]),
    legend=alt.Legend(symbolType="stroke", symbolStrokeColor="#8b959d", symbolStrokeWidth=2, symbolSize=350),
)


@figure(lambda table: _peaks(table))
def kl_by_harm(table: pa.Table, colour: alt.Color) -> Chart:
    """A strip per comparison: bars upward for harmful prompts, downward for harmless ones, all on one scale."""
    tall = max(max(row["high_nats"] or row["nats"] for row in table.to_pylist()), 1e-9)
    panels = max(table["panel"].to_pylist()) + 1
    step = 2.3 * tall
    base = alt.Chart(table).transform_calculate(
        zero=f"-datum.panel * {step}",
        sign="datum.prompts == 'harmful' ? 1 : -1",
        end="datum.zero + datum.sign * datum.nats",
        low="datum.zero + datum.sign * (isValid(datum.low_nats) ? datum.low_nats : datum.nats)",
        high="datum.zero + datum.sign * (isValid(datum.high_nats) ? datum.high_nats : datum.nats)",
        left="datum.position - 0.4",
        right="datum.position + 0.4",
        top=f"datum.zero + {0.95 * tall}",
    )
    tick = float(f"{tall / 2:.1g}")
    scaled = alt.Axis(
        values=[side * tick - panel * step for panel in range(panels) for side in (-1, 0, 1)],
        labelExpr=f"format(abs(datum.value + {step} * round(-datum.value / {step})), '.2~g')",
        grid=False,
        title="mean KL(aligned‖base), nats",
    )
    scale = alt.Scale(domain=[-(panels - 1) * step - 1.1 * tall, 1.1 * tall], nice=False, zero=False)
    bars = base.mark_bar(cornerRadiusEnd=1).encode(
        x=alt.X("left:Q", title="position in the answer", axis=alt.Axis(tickMinStep=1), scale=alt.Scale(nice=False)),
        x2=alt.X2("right:Q"),
        y=alt.Y("zero:Q", axis=scaled, scale=scale),
        y2=alt.Y2("end:Q"),
        color=colour.legend(None),
        opacity=alt.Opacity(
            "prompts:O", sort=None, scale=alt.Scale(domain=["harmful", "harmless"], range=[1, 0.4]), legend=None
        ),
        tooltip=[
            alt.Tooltip("comparison"),
            alt.Tooltip("prompts"),
            alt.Tooltip("position"),
            *interval_tips("nats", ".3~r"),
            alt.Tooltip("responses"),
        ],
    )
    rule = base.mark_rule(strokeWidth=1, opacity=0.55).encode(
        x=alt.X("position:Q", title="position in the answer"),
        y=alt.Y("low:Q", axis=scaled, scale=scale),
        y2=alt.Y2("high:Q"),
    )
    return alt.layer(bars, rule, *_strip_labels(base, colour, scaled, scale)).properties(height=_PANEL * panels)


def _strip_labels(base: Chart, colour: alt.Color, axis: alt.Axis, scale: alt.Scale) -> list[Chart]:
    """The comparison's name at the right end of its strip, and what each direction means."""
    first = base.transform_filter("datum.prompts == 'harmful' && datum.position == 0")
    y = alt.Y("top:Q", axis=axis, scale=scale)
    name = first.mark_text(align="right", fontWeight=600, limit=260).encode(
        x=alt.value("width"), y=y, text=alt.Text("comparison:N"), color=colour.legend(None)
    )
    ways = first.mark_text(align="right", opacity=0.75, fontSize=11, dy=15)
    return [name, ways.encode(x=alt.value("width"), y=y, text=alt.value("harmful ↑ harmless ↓"))]


@figure(
    lambda table: each(table, "{comparison}, {prompts} prompts: {share:.1%} in the first five positions.", positions=5)
)
def kl_depth(table: pa.Table, colour: alt.Color) -> Chart:
    """Curves of what the first n positions hold; the line at 90 % is where the depth is read."""
    base = alt.Chart(table).encode(
        x=alt.X(
            "positions:Q",
            title="first n positions (log scale)",
            scale=alt.Scale(type="log", nice=False),
            axis=alt.Axis(values=[1, 2, 5, 10, 20, 50, 100, 200, 500, 1000], format="d"),
        ),
        color=colour,
    )
    y = alt.Y("low_share:Q", title="share of all KL(aligned‖base)", axis=SHARE, scale=alt.Scale(domain=[0, 1]))
    band = base.transform_filter("datum.prompts == 'harmful'").mark_area().encode(y=y, y2=alt.Y2("high_share:Q"))
    line = base.mark_line(interpolate="monotone").encode(
        y=alt.Y("share:Q", title="share of all KL(aligned‖base)"),
        strokeDash=_KINDS,
        tooltip=[
            alt.Tooltip("comparison"),
            alt.Tooltip("prompts"),
            alt.Tooltip("positions"),
            *interval_tips("share", ".1%"),
        ],
    )
    mark = alt.Chart(table.slice(0, 1))
    ninety = mark.mark_rule(strokeWidth=1, opacity=0.7).encode(y=alt.YDatum(0.9))
    label = mark.mark_text(align="left", dy=-7, fontSize=11, opacity=0.8).encode(
        x=alt.value(2), y=alt.YDatum(0.9), text=alt.value("90 %")
    )
    return alt.layer(band, ninety, label, line).properties(height=HEIGHT)


@figure(lambda table: _falls(table))
def prefill_refusals(table: pa.Table, colour: alt.Color) -> Chart:
    return by_k(table, colour, "share", "answers that refuse")


@figure(lambda table: _openings(table))
def prefill_opening(table: pa.Table, colour: alt.Color) -> Chart:
    return by_k(table, colour, "probability", "probability of the refusal's opening", _MODELS)


def by_k(
    table: pa.Table,
    colour: alt.Color,
    value: str,
    title: str,
    dash: alt.StrokeDash | None = None,
    of: str = "the base's answer",
    kind_name: str = "model",
) -> Chart:
    """A line over k with a rule for each interval, and a dashed rule at one half.

    Where k goes far, its small values, at which most happens, have room.
    """
    depths = sorted(set(table["k"].to_pylist()))
    far = len(depths) > 1 and depths[-1] > 2 * len(depths)
    scale = alt.Scale(type="symlog", nice=False) if far else alt.Undefined
    ticks = alt.Axis(values=depths) if far else alt.Axis(tickMinStep=1)
    x = alt.X("k:Q", title=f"prefilled tokens of {of} (k)", axis=ticks, scale=scale)
    base = alt.Chart(table).encode(x=x, color=colour)
    y = alt.Y(f"low_{value}:Q", title=title, axis=SHARE, scale=alt.Scale(domain=[0, 1]))
    kind = [alt.Tooltip(kind_name)] if dash is not None else []
    line = base.mark_line(point=alt.OverlayMarkDef(size=55, filled=True)).encode(
        y=alt.Y(f"{value}:Q", title=title),
        **({} if dash is None else {"strokeDash": dash}),
        tooltip=[
            alt.Tooltip("comparison"),
            *kind,
            alt.Tooltip("k"),
            *interval_tips(value, ".3~p"),
            alt.Tooltip("prompts"),
        ],
    )
    spread = base.mark_rule(strokeWidth=2, opacity=0.4).encode(y=y, y2=alt.Y2(f"high_{value}:Q"))
    half = (
        alt.Chart(table.slice(0, 1)).mark_rule(strokeWidth=1, strokeDash=[2, 3], opacity=0.7).encode(y=alt.YDatum(0.5))
    )
    return alt.layer(half, spread, line).properties(height=HEIGHT)


def _peaks(table: pa.Table) -> str:
    """The tallest bar of each comparison and kind of prompt."""
    return " ".join(
        f"{name} prompts: of the positions {extreme('highest', bars, 'position', 'nats')}, "
        f"{shown(max(row['nats'] for row in bars))} nats."
        for name, bars in grouped(table, "comparison", "prompts").items()
    )


def _falls(table: pa.Table) -> str:
    return _first_last(table, "share", "refuse")


def _openings(table: pa.Table) -> str:
    sentences = []
    for model in ("aligned", "base"):
        rows = table.filter(pc.equal(table["model"], model))
        sentences.append(_first_last(rows, "probability", f"is the opening's probability under the {model} model"))
    return " ".join(filter(None, sentences))


def _first_last(table: pa.Table, value: str, what: str) -> str:
    return " ".join(
        f"{name}: {c[0][value]:.1%} {what} after {c[0]['k']} tokens, {c[-1][value]:.1%} after {c[-1]['k']}."
        for name, c in grouped(table).items()
    )
