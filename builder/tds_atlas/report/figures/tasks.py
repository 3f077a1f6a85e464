"""Figures of the page on tasks and topics: each tag against the comparison's overall share, and tasks by topics."""

from __future__ import annotations

import altair as alt
import pyarrow as pa

from tds_atlas.report.figures.marks import (
    SHARE,
    Chart,
    Row,
    count_tip,
    extreme,
    grouped,
    hollow_dots,
    interval_tips,
    overall_rule,
    percent,
    rows,
)
from tds_atlas.report.figures.registry import Says, figure
from tds_atlas.report.numbers import plural

_ABOVE, _BELOW, _QUIET = "#b8741a", "#0f8a8a", "#8b959e"  # not the colours of the classes
_AGAINST = ["above", "below", "no clear difference"]
_CELL = 27  # height of a row of the heat map
_EXTREMES = ("highest", "lowest")


def _by_tag(key: str) -> Says:
    """The highest and the lowest tag, and how many stand out, per comparison."""

    def says(table: pa.Table) -> str:
        return " ".join(_ends(name, tags, key) for name, tags in grouped(table).items())

    return says


def _ends(name: str, tags: list[Row], key: str) -> str:
    shares = sorted(row["share"] for row in tags)
    high, low = (extreme(which, tags, key, "share", percent) for which in _EXTREMES)
    span = f"{high} {shares[-1]:.1%}, {low} {shares[0]:.1%}" if shares[0] < shares[-1] else f"{high} {shares[0]:.1%}"
    out = sum(row["stands_out"] for row in tags)
    standing = f"{out} of {len(tags)} {plural(out, 'stands', 'stand')} out"
    return f"{name}: {span}, overall {tags[0]['overall_share']:.1%}; {standing}."


def _cells(table: pa.Table) -> str:
    return " ".join(
        f"{name}: {sum(r['against'] == 'above' for r in cells)} of {len(cells)} cells above the overall "
        f"{cells[0]['overall_share']:.1%}, {sum(r['against'] == 'below' for r in cells)} below."
        for name, cells in grouped(table).items()
    )


@figure(_by_tag("task"))
def shift_by_task(table: pa.Table, colour: alt.Color) -> Chart:
    return _tags(table, colour, "task")


@figure(_by_tag("topic"))
def shift_by_topic(table: pa.Table, colour: alt.Color) -> Chart:
    return _tags(table, colour, "topic")


@figure(_by_tag("set"))
def shift_by_set(table: pa.Table, colour: alt.Color) -> Chart:
    return _tags(table, colour, "set")


def _tags(table: pa.Table, colour: alt.Color, key: str) -> Chart:
    """A dot with its interval per tag and comparison, and the comparison's overall share as a dashed line behind."""
    base = alt.Chart(table).encode(color=colour)
    row = base.encode(
        y=alt.Y(f"{key}:N", sort=None, title=None, axis=alt.Axis(labelFontSize=13, labelLimit=130)),
        yOffset=alt.YOffset("comparison:N", sort=None, scale=alt.Scale(paddingOuter=0.7)),
    )
    tips: list[alt.Tooltip] = [
        alt.Tooltip(key),
        alt.Tooltip("comparison"),
        *interval_tips("share", ".1%", "shifted"),
        alt.Tooltip("overall_share:Q", format=".1%", title="overall"),
        count_tip("prompts"),
        alt.Tooltip("tokens_per_prompt:Q", format=".0f", title="tokens per prompt"),
    ]
    x = alt.X("low_share:Q", title="shifted tokens", axis=SHARE, scale=alt.Scale(zero=True))
    return alt.layer(
        overall_rule(base),
        *hollow_dots(row, x, tips, (50, 66), "datum.stands_out"),
    ).properties(height=rows(table, key, 13 * len(set(table["comparison"].to_pylist())) + 10))


@figure(_cells)
def shift_by_task_and_topic(table: pa.Table, colour: alt.Color) -> Chart:
    """One heat map per comparison, stacked in a single view, so that it takes the width of the page."""
    grid, heads, order = _lines(table)
    topics = list(dict.fromkeys(row["topic"] for row in _by_topic_size(table)))
    y = alt.Y(
        "line:N",
        sort=order,
        title=None,
        scale=alt.Scale(domain=order, paddingInner=0),
        axis=alt.Axis(labelExpr="split(datum.value, '\\n')[1]", labelFontSize=13, labelLimit=120, grid=False),
    )
    x = alt.X(
        "topic:N",
        sort=topics,
        title=None,
        scale=alt.Scale(paddingInner=0.04, paddingOuter=0),
        axis=alt.Axis(orient="top", labelAngle=-35, labelAlign="left", labelLimit=90, labelFontSize=13, domain=False),
    )
    depth = "min(0.8, 0.22 + 0.9 * abs(datum.share - datum.overall_share) / max(datum.overall_share, 0.001))"
    base = alt.Chart(pa.Table.from_pylist(grid)).encode(y=y, x=x)
    cells = (
        base.transform_calculate(depth=f"datum.against == '{_AGAINST[2]}' ? 0.16 : {depth}")
        .mark_rect(cornerRadius=2, stroke=None, height=_CELL - 3)
        .encode(
            color=alt.Color("against:N", sort=None, scale=alt.Scale(domain=_AGAINST, range=[_ABOVE, _BELOW, _QUIET])),
            opacity=alt.Opacity("depth:Q", scale=None, legend=None),
            tooltip=[
                alt.Tooltip("comparison:N"),
                alt.Tooltip("task:N"),
                alt.Tooltip("topic:N"),
                *interval_tips("share", ".1%", "shifted"),
                count_tip("prompts"),
            ],
        )
    )
    numbers = base.mark_text(fontSize=12).encode(text=alt.Text("shown:N"))
    names = (
        alt.Chart(pa.Table.from_pylist(heads))
        .mark_text(align="left", fontWeight=600, fontSize=13, dy=3)
        .encode(y=y, x=alt.value(0), text=alt.Text("head:N"))
    )
    return alt.layer(cells, numbers, names).properties(height=_CELL * len(order))


def _lines(table: pa.Table) -> tuple[list[Row], list[Row], list[str]]:
    """The cells with their lines, a heading for each comparison, and the lines in order."""
    grid: list[Row] = []
    heads: list[Row] = []
    order: list[str] = []
    for place, (name, cells) in enumerate(grouped(table).items()):
        head = f"{place}\n"
        heads.append({"line": head, "head": f"{name} · {cells[0]['overall_share']:.1%} overall"})
        grid += [row | {"line": f"{place}\n{row['task']}", "shown": _whole(row["share"])} for row in cells]
        order += [head, *dict.fromkeys(f"{place}\n{row['task']}" for row in cells)]
    return grid, heads, order


def _by_topic_size(table: pa.Table) -> list[Row]:
    """Rows with the most common topic first."""
    prompts: dict[str, int] = {}
    cells = table.to_pylist()
    for row in cells:
        prompts[row["topic"]] = prompts.get(row["topic"], 0) + row["prompts"]
    return sorted(cells, key=lambda row: (-prompts[row["topic"]], row["topic"]))


def _whole(share: float) -> str:
    """Per cent without the sign, with a decimal where it is small."""
    return f"{100 * share:.0f}" if share >= 0.0995 or share == 0 else f"{100 * share:.1f}"
