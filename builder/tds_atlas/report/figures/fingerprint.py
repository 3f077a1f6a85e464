"""Figures of the page on the vocabulary fingerprint."""

from __future__ import annotations

import altair as alt
import pyarrow as pa

from tds_atlas.report.figures.marks import SHARE, Chart, Row, count_tip, each, grouped, hollow_dots, interval_tips
from tds_atlas.report.figures.registry import figure
from tds_atlas.report.markup import visible

_STEP = 20  # pixels a token


@figure(lambda table: _said(table))
def fingerprint_rates(table: pa.Table, colour: alt.Color) -> Chart:
    """A row for each token, one comparison below the other; a tick at the share of the yardstick."""
    shown = [row | {"row": _row(row), "token": visible(row["token"])} for row in table.to_pylist()]
    names = alt.Y(
        "row:N",
        sort=None,
        title=None,
        axis=alt.Axis(labelFont="JetBrains Mono, monospace", labelExpr="split(datum.label, '\\u0001')[1]"),
    )
    base = alt.Chart(pa.Table.from_pylist(shown)).encode(y=names, color=colour)
    x = alt.X("low_share:Q", title="places where it is raised", axis=SHARE)
    tips = [
        alt.Tooltip("token"),
        alt.Tooltip("comparison"),
        *interval_tips("share", ".1%"),
        alt.Tooltip("against_share:Q", format=".1%", title="yardstick"),
        alt.Tooltip("stands_out"),
    ]
    ticks = base.mark_tick(thickness=2, size=12, opacity=0.9).encode(x=alt.X("against_share:Q"))
    dots = hollow_dots(base, x, tips, (60, 60), "datum.stands_out")
    return alt.layer(*dots, ticks).properties(height=max(80, _STEP * len(shown)))


@figure(lambda table: each(table, "{comparison}, K = {k}: {found} of {planted} found."))
def fingerprint_recall(table: pa.Table, colour: alt.Color) -> Chart:
    return _recall(table, colour, alt.X("k:Q", title="tokens that count at each place (K)", scale=_DOUBLING))


@figure(lambda table: each(table, "{comparison}, {texts} texts: {found} of {planted} found."))
def fingerprint_recall_texts(table: pa.Table, colour: alt.Color) -> Chart:
    return _recall(table, colour, alt.X("texts:Q", title="texts", scale=_DOUBLING))


_DOUBLING = alt.Scale(type="log", base=2, nice=False)


def _recall(table: pa.Table, colour: alt.Color, x: alt.X) -> Chart:
    axis = alt.Axis(values=sorted(set(table[x.shorthand.split(":")[0]].to_pylist())), format="d")
    tips = [alt.Tooltip("comparison"), count_tip("found"), count_tip("planted")]
    base = alt.Chart(table).encode(
        x=x.axis(axis),
        y=alt.Y("found_share:Q", title="planted words found", axis=SHARE, scale=alt.Scale(domain=[0, 1])),
        color=colour,
        tooltip=tips,
    )
    return alt.layer(base.mark_line(), base.mark_circle(size=60, opacity=1)).properties(height=220)


def _row(row: Row) -> str:
    """A name of its own, of which the axis shows what stands behind the mark."""
    return f"{row['comparison']}, {row['place']}\u0001{visible(row['token'])}"


def _said(table: pa.Table) -> str:
    """The first tokens of each comparison."""
    said = []
    for name, rows in grouped(table).items():
        tokens = (f"{visible(row['token'])} {row['share']:.1%}" for row in rows[:3])
        said.append(f"{name}: {', '.join(tokens)}.")
    return " ".join(said)
