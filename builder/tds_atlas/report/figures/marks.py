"""Marks, axes and encodings that several figures share. Knows no figure's name."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import altair as alt
import pyarrow as pa

from tds_atlas.report import theme
from tds_atlas.report.markup import visible

HEIGHT = 300
_LINE = 16  # pixels between two names
_LETTER = 7  # pixels of a letter of a name
SHARE = alt.Axis(format=".0%", tickCount=6)
Chart = Any  # an alt.Chart or alt.LayerChart; Altair's methods promise less than they give
Row = dict[str, Any]


def by_position(
    table: pa.Table, colour: alt.Color, value: str, title: str, style: str, log: bool = False, low: bool = False
) -> Chart:
    """A line with its band per comparison, over the position of the token in the answer.

    low: annotate the lowest point instead of the highest.
    """
    colour, names = end_names(table, colour, "position", value, log)
    scale = alt.Scale(type="log", domainMin=1, nice=False) if log else alt.Scale(zero=True)
    base = alt.Chart(table).encode(
        x=alt.X("position:Q", title="position in the answer", axis=alt.Axis(tickMinStep=1)), color=colour
    )
    band = base.mark_area().encode(
        y=alt.Y(f"low_{value}:Q", scale=scale, title=title, axis=alt.Axis(format=style, tickCount=5)),
        y2=alt.Y2(f"high_{value}:Q"),
    )
    line = base.mark_line().encode(
        y=alt.Y(f"{value}:Q", scale=scale, title=title),
        tooltip=[
            alt.Tooltip("comparison"),
            alt.Tooltip("position"),
            *interval_tips(value, ".3~r"),
            alt.Tooltip("responses"),
        ],
    )
    label = f"{{{value}:{'.0f' if log else style}}} at {{position}}"
    return alt.layer(band, line, *names, *note(table, colour, "position", value, label, low)).properties(height=HEIGHT)


def end_names(
    table: pa.Table, colour: alt.Color, x: str, y: str, log: bool = False
) -> tuple[alt.Color, list[alt.Chart]]:
    """The colour without a legend, and each comparison's name at the end of its curve; long names keep the legend.

    The y axis starts at 0 (1 if log). Names that would overlap are moved apart.
    """
    place = (lambda value: math.log10(max(value, 1))) if log else float
    curves = {row["comparison"]: row for row in table.to_pylist() if row[y] is not None}  # the last row of each
    tops = [row[name] for row in table.to_pylist() for name in (y, f"high_{y}") if row.get(name) is not None]
    if not curves or max(map(len, curves)) > 24 or len(curves) > 8:  # as many as there are colours
        return colour, []
    gap = _LINE / HEIGHT * place(max(tops))
    ends = sorted(curves.values(), key=lambda row: float(row[y]))
    places: list[float] = []
    for row in ends:  # upwards from the lowest, then down again from the top of the figure
        places.append(max([place(row[y]), *(below + gap for below in places[-1:])]))
    room = place(max(tops))
    for i in reversed(range(len(places))):
        places[i] = min(places[i], room)
        room = places[i] - gap
    rows = [
        {"comparison": row["comparison"], "x": row[x], "y": 10**at if log else at}
        for row, at in zip(ends, places, strict=True)
    ]
    end = alt.X("x:Q")
    if x == "position":  # room for the names behind it
        kept = 1 - _LETTER * (2 + max(map(len, curves))) / theme.IMAGE_WIDTH
        end = end.scale(domainMax=round(max(row["x"] for row in rows) / kept, 1))
    names = (
        alt.Chart(alt.InlineData(rows), name="names")  # charts.js takes it off where the page is narrow
        .mark_text(align="left", dx=7, fontWeight=500)
        .encode(x=end, y=alt.Y("y:Q"), text=alt.Text("comparison:N"), color=colour.legend(None))
    )
    return colour.legend(None), [names]


def note(table: pa.Table, colour: alt.Color, x: str, y: str, label: str, lowest: bool = False) -> list[alt.Chart]:
    """An annotation of the extreme point, the highest y (or the lowest): a ring with its numbers beside it.

    label: a format of the row's columns, e.g. "{share:.0%} at {position}".
    """
    points = [row for row in table.to_pylist() if row[y] is not None]
    if not points:
        return []
    row = (min if lowest else max)(points, key=lambda row: float(row[y]))
    edge, along = row.get(f"{'low' if lowest else 'high'}_{y}"), row[x] / (max(row[x] for row in points) or 1)
    data = {"comparison": row["comparison"], "x": row[x], "y": row[y], "note": label.format(**row)}
    base = alt.Chart(alt.InlineData([data | {"edge": row[y] if edge is None else edge}])).encode(x=alt.X("x:Q"))
    align: Any = "left" if along < 0.15 else "right" if along > 0.85 else "center"
    ring = base.mark_point(size=80, filled=False, opacity=1, strokeWidth=1.4)
    text = base.mark_text(align=align, dy=14 if lowest else -10, fontStyle="italic")
    return [
        ring.encode(y=alt.Y("y:Q"), color=colour.legend(None)),
        text.encode(y=alt.Y("edge:Q"), text=alt.Text("note:N")),
    ]


def with_intervals(table: pa.Table, colour: alt.Color, y: alt.Y, key: str, title: str) -> Chart:
    """A dot with its interval per comparison, side by side within each row."""
    base = alt.Chart(table).encode(y=y, yOffset=alt.YOffset("comparison:N", sort=None), color=colour)
    tips = [alt.Tooltip(key), alt.Tooltip("comparison"), *interval_tips("share", ".1%")]
    x = alt.X("low_share:Q", title=title, axis=SHARE)
    return alt.layer(
        base.mark_rule(strokeWidth=2, opacity=0.55).encode(x=x, x2=alt.X2("high_share:Q")),
        base.mark_circle(size=70, opacity=1).encode(x=alt.X("share:Q", title=title), tooltip=tips),
    ).properties(height=rows(table, key, 16 * max(1, len(set(table["comparison"].to_pylist()))) + 8))


def interval_tips(value: str, style: str, title: Any = alt.Undefined) -> list[alt.Tooltip]:
    """A value and both ends of its interval, for a tooltip."""
    titles = {value: title, f"low_{value}": "low (95 %)", f"high_{value}": "high (95 %)"}
    return [alt.Tooltip(f"{name}:Q", format=style, title=title) for name, title in titles.items()]


def count_tip(name: str, title: Any = alt.Undefined) -> alt.Tooltip:
    return alt.Tooltip(f"{name}:Q", format=",", title=title)


def overall_rule(base: Chart) -> Chart:
    """A dashed line at each comparison's overall share."""
    rule = base.mark_rule(strokeDash=[3, 4], strokeWidth=1.3, opacity=0.8).encode(x=alt.X("overall:Q"))
    return rule.transform_aggregate(overall="max(overall_share)", groupby=["comparison"])


def hollow_dots(row: Chart, x: alt.X, tips: list[alt.Tooltip], sizes: tuple[int, int], filled: str) -> list[Chart]:
    """A dot with its interval in each row: hollow, and filled where the Vega expression holds."""
    dots = row.encode(x=alt.X("share:Q"), tooltip=tips)
    return [
        row.mark_rule(strokeWidth=2, opacity=0.5).encode(x=x, x2=alt.X2("high_share:Q")),
        dots.mark_point(size=sizes[0], filled=False, strokeWidth=1.6, opacity=1),
        dots.mark_circle(size=sizes[1], opacity=1).transform_filter(filled),
    ]


def token() -> alt.Y:
    return alt.Y(
        "token:N", sort=None, title=None, axis=alt.Axis(labelFont="JetBrains Mono, monospace", labelFontSize=13)
    )


def rows(table: pa.Table, key: str, step: int = 24) -> int:
    return max(80, step * len(set(table[key].to_pylist())))


def visible_tokens(table: pa.Table) -> pa.Table:
    shown = pa.array([visible(text) for text in table["token"].to_pylist()], pa.string())
    return table.set_column(table.column_names.index("token"), "token", shown)


def grouped(table: pa.Table, *keys: str) -> dict[str, list[Row]]:
    """The rows of each comparison, or of each value of other columns, in their order."""
    groups: dict[str, list[Row]] = {}
    for row in table.to_pylist():
        groups.setdefault(", ".join(row[key] for key in keys or ("comparison",)), []).append(row)
    return groups


def ends(table: pa.Table, value: str, unit: str) -> str:
    """A curve over positions in words: its first and last value, per comparison."""
    return " ".join(
        f"{name}: {unit} {shown(c[0][value])} at position {c[0]['position']}, "
        f"{shown(c[-1][value])} at {c[-1]['position']}."
        for name, c in grouped(table).items()
    )


def each(table: pa.Table, pattern: str, **only: Any) -> str:
    """A sentence for each row, a format of its columns; of rows with these values only."""
    rows = (row for row in table.to_pylist() if only.items() <= row.items())
    return " ".join(pattern.format(**row) for row in rows)


def most(table: pa.Table, key: str, value: str, unit: str) -> str:
    """A ranking in words: its highest row, per comparison."""
    groups = {name: [row for row in ranked if row[value] is not None] for name, ranked in grouped(table).items()}
    return " ".join(
        f"{name}: {extreme('highest', ranked, key, value)}, {unit} {shown(max(row[value] for row in ranked))}."
        for name, ranked in groups.items()
        if ranked
    )


def extreme(which: str, ranked: list[Row], key: str, value: str, write: Callable[[Any], str] | None = None) -> str:
    """The row with the highest or lowest value by its key, or how many have it, as written."""
    text = write or shown
    end = text((max if which == "highest" else min)(row[value] for row in ranked))
    alike = [str(row[key]) for row in ranked if text(row[value]) == end]
    if len(alike) == 1:
        return f"{which} {alike[0]}"
    return f"all {len(alike)} alike" if len(alike) == len(ranked) else f"{which} {len(alike)} of {len(ranked)}"


def percent(share: float) -> str:
    return f"{share:.1%}"


def shown(value: float | int | None) -> str:
    """A number as text for a sentence."""
    return "unknown" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:.3g}"
