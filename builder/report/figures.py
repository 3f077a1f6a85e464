"""The figures: one function a query, of the same name, from its table to an Altair chart. Knows no file and no page.

Each function gives the chart; `build` adds the theme and a description in words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import altair as alt
import pyarrow as pa

from builder.report import theme
from builder.report.tokens import visible

HEIGHT = 300
_SHARE = alt.Axis(format=".0%", tickCount=6)
Chart = Any  # an alt.Chart or alt.LayerChart; Altair's methods promise less than they give


def build(name: str, table: pa.Table, caption: str, comparisons: Sequence[str]) -> Chart:
    """The figure of that name, with the site's theme and a description that states what is to be seen.

    A comparison has the same colour in every figure: its place in the report's list decides.
    """
    chart = FIGURES[name](table, alt.Color("comparison:N", sort=None, scale=alt.Scale(domain=list(comparisons))))
    return chart.properties(width="container", description=f"{caption} {_finding(table)}").configure(**theme.LIGHT)


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
        x=alt.X("share:Q", title="share of positions", axis=_SHARE, stack="zero", scale=alt.Scale(domain=[0, 1])),
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
                "share:Q", title="response tokens among the base's first k", axis=_SHARE, scale=alt.Scale(zero=False)
            ),
            color=colour,
            tooltip=["comparison", "k", alt.Tooltip("share:Q", format=".2%")],
        )
        .properties(height=HEIGHT)
    )


def shift_by_position(table: pa.Table, colour: alt.Color) -> Chart:
    return _by_position(table, colour, "share", "shifted tokens", ".0%")


def kl_by_position(table: pa.Table, colour: alt.Color) -> Chart:
    return _by_position(table, colour, "nats", "mean KL(aligned‖base), nats", ".1f")


def base_probability_by_position(table: pa.Table, colour: alt.Color) -> Chart:
    return _by_position(table, colour, "probability", "mean base probability of the token", ".0%")


def base_rank_by_position(table: pa.Table, colour: alt.Color) -> Chart:
    return _by_position(table, colour, "rank", "base rank, geometric mean (log scale)", "~s", log=True)


def shifted_tokens(table: pa.Table, colour: alt.Color) -> Chart:
    table = _visible(table)
    base = alt.Chart(table).encode(y=_token())
    furthest = (
        base.mark_rule(strokeWidth=1, opacity=0.35)
        .encode(x="none:Q", x2="most:Q")
        .transform_aggregate(most="max(positions)", groupby=["token"])
        .transform_calculate(none="0")
    )
    dots = base.mark_circle(size=95, opacity=0.95).encode(
        x=alt.X("positions:Q", title="shifted positions", axis=alt.Axis(tickMinStep=1, tickCount=6)),
        color=colour,
        tooltip=["token", "comparison", alt.Tooltip("positions:Q", format=",")],
    )
    return alt.layer(furthest, dots).properties(height=_rows(table, "token"))


def shift_ratio_tokens(table: pa.Table, colour: alt.Color) -> Chart:
    return _with_intervals(_visible(table), colour, _token(), "token", "shifted positions / positions of the token")


def shift_by_task(table: pa.Table, colour: alt.Color) -> Chart:
    return _with_intervals(table, colour, alt.Y("task:N", sort=None, title=None), "task", "shifted tokens")


def shift_by_topic(table: pa.Table, colour: alt.Color) -> Chart:
    return _with_intervals(table, colour, alt.Y("topic:N", sort=None, title=None), "topic", "shifted tokens")


def _by_position(table: pa.Table, colour: alt.Color, value: str, title: str, style: str, log: bool = False) -> Chart:
    """A line with its band per comparison, over the position of the token in the answer."""
    scale = alt.Scale(type="log", domainMin=1, nice=False) if log else alt.Scale(zero=True)
    base = alt.Chart(table).encode(
        x=alt.X("position:Q", title="position in the answer", axis=alt.Axis(tickMinStep=1)), color=colour
    )
    band = base.mark_area().encode(
        y=alt.Y(f"low_{value}:Q", scale=scale, title=title, axis=alt.Axis(format=style, tickCount=5)),
        y2=f"high_{value}:Q",
    )
    line = base.mark_line().encode(
        y=alt.Y(f"{value}:Q", scale=scale, title=title),
        tooltip=[
            "comparison",
            "position",
            alt.Tooltip(f"{value}:Q", format=".3~r"),
            alt.Tooltip(f"low_{value}:Q", format=".3~r", title="low (95 %)"),
            alt.Tooltip(f"high_{value}:Q", format=".3~r", title="high (95 %)"),
            "responses",
        ],
    )
    return alt.layer(band, line).properties(height=HEIGHT)


def _with_intervals(table: pa.Table, colour: alt.Color, y: alt.Y, key: str, title: str) -> Chart:
    """A dot with its interval per comparison, side by side within each row."""
    base = alt.Chart(table).encode(y=y, yOffset=alt.YOffset("comparison:N", sort=None), color=colour)
    tips = [
        key,
        "comparison",
        alt.Tooltip("share:Q", format=".1%"),
        alt.Tooltip("low_share:Q", format=".1%", title="low (95 %)"),
        alt.Tooltip("high_share:Q", format=".1%", title="high (95 %)"),
    ]
    x = alt.X("low_share:Q", title=title, axis=_SHARE)
    return alt.layer(
        base.mark_rule(strokeWidth=2, opacity=0.55).encode(x=x, x2="high_share:Q"),
        base.mark_circle(size=70, opacity=1).encode(x=alt.X("share:Q", title=title), tooltip=tips),
    ).properties(height=_rows(table, key, 16 * max(1, len(set(table["comparison"].to_pylist()))) + 8))


def _token() -> alt.Y:
    return alt.Y(
        "token:N", sort=None, title=None, axis=alt.Axis(labelFont="JetBrains Mono, monospace", labelFontSize=13)
    )


def _rows(table: pa.Table, key: str, step: int = 24) -> int:
    return max(80, step * len(set(table[key].to_pylist())))


def _visible(table: pa.Table) -> pa.Table:
    shown = pa.array([visible(text) for text in table["token"].to_pylist()], pa.string())
    return table.set_column(table.column_names.index("token"), "token", shown)


def _finding(table: pa.Table) -> str:
    """The table's first row in words, for those who cannot see the figure."""
    if table.num_rows == 0:
        return "No data."
    first: dict[str, Any] = table.slice(0, 1).to_pylist()[0]
    parts = [
        f"{key.replace('_', ' ')} {value:.3g}" if isinstance(value, float) else f"{key.replace('_', ' ')} {value}"
        for key, value in first.items()
        if value is not None
    ]
    return f"{table.num_rows} rows; the first: {', '.join(parts)}."


FIGURES: dict[str, Callable[[pa.Table, alt.Color], Chart]] = {
    f.__name__: f
    for f in (
        shift_by_comparison,
        rank_distribution,
        shift_by_position,
        kl_by_position,
        base_rank_by_position,
        base_probability_by_position,
        shifted_tokens,
        shift_ratio_tokens,
        shift_by_task,
        shift_by_topic,
    )
}
