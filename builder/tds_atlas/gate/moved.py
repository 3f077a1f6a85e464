"""Figures of two reports beside each other: the words that moved. Drawn and written as the report's own are."""

from __future__ import annotations

from pathlib import Path

import altair as alt
import pyarrow as pa

from tds_atlas.report.charts import Drawing, drawings
from tds_atlas.report.figures.marks import Chart, count_tip, hollow_dots, interval_tips, rows, token
from tds_atlas.report.figures.registry import Figure
from tds_atlas.report.markup import visible

SQL = Path(__file__).parent / "sql"
_WHERE = ("shift_by_position", "shift_by_tenth", "kl_in_first", "shift_by_role", "shift_by_task", "shift_by_topic")
_NAMED = 6  # words that a description names
_STYLES = {"shifted": ("share of all words: this one, shifted", ".1%"), "kl": ("KL at the word, nats a word", ".3f")}


def wanted(modes: set[str]) -> dict[str, Drawing]:
    """The figures of a comparison site. Over the same answers classes are those of one text under one base."""
    found = drawings(_WHERE)
    if "own answers" in modes:
        found["moved_words"] = _words("shifted")
    if "same answers" in modes:
        found["moved_words_kl"] = _words("kl")
    return found


def _words(measure: str) -> Drawing:
    figure = Figure(lambda table, colour: _drawn(table, colour, *_STYLES[measure]), _said)
    return Drawing(figure, SQL / "moved_words.sql", {"measure": measure})


def _drawn(table: pa.Table, colour: alt.Color, title: str, style: str) -> Chart:
    """For each word a dot with its interval in A and in B: filled where it moved beyond chance."""
    shown = pa.array([visible(text) for text in table["word"].to_pylist()], pa.string())
    table = table.set_column(table.column_names.index("word"), "token", shown)
    row = alt.Chart(table).encode(y=token(), yOffset=alt.YOffset("comparison:N", sort=None), color=colour)
    x = alt.X("low_share:Q", title=title, axis=alt.Axis(format=style, tickCount=6))
    tips = [
        alt.Tooltip("token", title="word"),
        alt.Tooltip("comparison"),
        *interval_tips("share", style),
        count_tip("up", "prompts where B has more"),
        count_tip("down", "prompts where B has less"),
        alt.Tooltip("adjusted_p:Q", format=".2~g"),
    ]
    height = rows(table, "token", 16 * max(1, len(set(table["comparison"].to_pylist()))) + 8)
    return alt.layer(*hollow_dots(row, x, tips, (60, 60), "datum.stands_out")).properties(height=height)


def _said(table: pa.Table) -> str:
    ends = [row for row in table.to_pylist() if row["is_b"]]
    named = [f"{visible(row['word'])} {row['share']:.1%}" for row in ends if row["stands_out"]][:_NAMED]
    tests = f"{ends[0]['tests']:,} words are tested"
    return f"{tests}; in B: {', '.join(named)}." if named else f"{tests}; none moved beyond chance."
