"""Figures of the page on tasks and topics."""

from __future__ import annotations

import altair as alt
import pyarrow as pa

from builder.report.figures.marks import (
    Chart,
    most,
    with_intervals,
)
from builder.report.figures.registry import figure


@figure(lambda table: most(table, "task", "share", "share shifted"))
def shift_by_task(table: pa.Table, colour: alt.Color) -> Chart:
    return with_intervals(table, colour, alt.Y("task:N", sort=None, title=None), "task", "shifted tokens")


@figure(lambda table: most(table, "topic", "share", "share shifted"))
def shift_by_topic(table: pa.Table, colour: alt.Color) -> Chart:
    return with_intervals(table, colour, alt.Y("topic:N", sort=None, title=None), "topic", "shifted tokens")
