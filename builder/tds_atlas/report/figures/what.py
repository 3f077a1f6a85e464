"""Figures of the page on what is shifted: words by count and by ratio, and the roles of the tokens."""

from __future__ import annotations

import altair as alt
import pyarrow as pa

from tds_atlas.report.figures.marks import (
    SHARE,
    Chart,
    Row,
    count_tip,
    grouped,
    hollow_dots,
    interval_tips,
    most,
    overall_rule,
    rows,
)
from tds_atlas.report.figures.registry import figure
from tds_atlas.report.markup import visible
from tds_atlas.report.numbers import counted, plural

_NAMED = 5  # words that a description names for each comparison


def _standing_out(table: pa.Table) -> str:
    return " ".join(
        f"{name}: of {counted(words[0]['tests'], 'word')} tested, {words[0]['above']:,} "
        f"{plural(words[0]['above'], 'stands', 'stand')} out above the overall ratio of "
        f"{words[0]['overall_share']:.1%} and {words[0]['below']:,} below it{_highest(words)}."
        for name, words in grouped(table).items()
    )


def _highest(tested: list[Row]) -> str:
    words = [row for row in tested if row["stands_out"] and row["share"] > row["overall_share"]]
    words.sort(key=lambda row: (-row["share"], -row["places"]))
    return "; highest " + ", ".join(f"{visible(r['word'])} {r['share']:.0%}" for r in words[:_NAMED]) if words else ""


def _roles(table: pa.Table) -> str:
    by_comparison: dict[str, dict[str, dict[str, float]]] = {}
    for row in table.to_pylist():
        by_comparison.setdefault(row["comparison"], {}).setdefault(row["role"], {})[row["counted_as"]] = row["share"]
    return " ".join(
        f"{name}: " + ", ".join(f"{role} {_both(shares)}" for role, shares in roles.items()) + "."
        for name, roles in by_comparison.items()
    )


def _both(shares: dict[str, float]) -> str:
    adjusted = f" ({shares['adjusted']:.1%} adjusted)" if "adjusted" in shares else ""
    return f"{shares['as counted']:.1%}{adjusted}"


@figure(lambda table: most(table, "word", "places", "shifted places"))
def shifted_words(table: pa.Table, colour: alt.Color) -> Chart:
    table = _visible_words(table)
    base = alt.Chart(table).encode(
        y=_word(), yOffset=alt.YOffset("comparison:N", sort=None, scale=alt.Scale(paddingOuter=0.8)), color=colour
    )
    x = alt.X("places:Q", title="shifted places", axis=alt.Axis(tickMinStep=1, tickCount=6))
    stems = (
        base.transform_calculate(none="0")
        .mark_rule(strokeWidth=1.5, opacity=0.35)
        .encode(x=alt.X("none:Q"), x2=alt.X2("places:Q"))
    )
    dots = base.mark_circle(size=64, opacity=1).encode(
        x=x,
        tooltip=[
            alt.Tooltip("word"),
            alt.Tooltip("comparison"),
            count_tip("places", "shifted places"),
            count_tip("occurrences", "of occurrences"),
            count_tip("prompts", "in prompts"),
        ],
    )
    return alt.layer(stems, dots).properties(height=rows(table, "word", _step(table, 6)))


@figure(_standing_out)
def shift_ratio_words(table: pa.Table, colour: alt.Color) -> Chart:
    table = _visible_words(table)
    base = alt.Chart(table).encode(color=colour)
    row = base.encode(y=_word(), yOffset=alt.YOffset("comparison:N", sort=None))
    x = alt.X("low_share:Q", title="shifted places / places of the word", axis=SHARE, scale=alt.Scale(domain=[0, 1]))
    tips: list[alt.Tooltip] = [
        alt.Tooltip("word"),
        alt.Tooltip("comparison"),
        *interval_tips("share", ".1%", "shift ratio"),
        alt.Tooltip("overall_share:Q", format=".1%", title="overall"),
        count_tip("places"),
        count_tip("prompts"),
    ]
    return alt.layer(
        overall_rule(base),
        *hollow_dots(row, x, tips, (46, 62), "datum.stands_out"),
    ).properties(height=rows(table, "word", _step(table, 10)))


@figure(_roles, by_part=True)
def shift_by_role(table: pa.Table, colour: alt.Color) -> Chart:
    order = [f"{name} {way}" for name in dict.fromkeys(table["comparison"].to_pylist()) for way in _WAYS]
    row = (
        alt.Chart(table)
        .transform_calculate(slot="datum.comparison + ' ' + datum.counted_as")
        .encode(
            y=alt.Y("role:N", sort=None, title=None, axis=alt.Axis(labelFontSize=13)),
            yOffset=alt.YOffset("slot:N", sort=order, scale=alt.Scale(paddingOuter=0.9)),
            color=colour,
        )
    )
    x = alt.X("low_share:Q", title="shifted tokens", axis=SHARE)
    tips: list[alt.Tooltip] = [
        alt.Tooltip("role"),
        alt.Tooltip("comparison"),
        alt.Tooltip("counted_as:N", title="share"),
        *interval_tips("share", ".1%", "shifted"),
        count_tip("positions"),
        count_tip("prompts"),
    ]
    dots = hollow_dots(row, x, tips, (44, 62), "datum.counted_as == 'adjusted'")
    return alt.layer(*dots).properties(height=rows(table, "role", _step(table, 22)))


_WAYS = ("as counted", "adjusted")


def _word() -> alt.Y:
    return alt.Y("word:N", sort=None, title=None, axis=alt.Axis(labelFontSize=13, labelLimit=130))


def _step(table: pa.Table, each: int) -> int:
    """Height of a row with a line for each comparison in it."""
    return each * len(set(table["comparison"].to_pylist())) + 14


def _visible_words(table: pa.Table) -> pa.Table:
    shown = pa.array([visible(text) for text in table["word"].to_pylist()], pa.string())
    return table.set_column(table.column_names.index("word"), "word", shown)
