"""Figures of the page on where in the answer."""

from __future__ import annotations

import altair as alt
import pyarrow as pa

from builder.report.figures.marks import (
    Chart,
    by_position,
    ends,
)
from builder.report.figures.registry import figure


@figure(lambda table: ends(table, "share", "share of shifted tokens"))
def shift_by_position(table: pa.Table, colour: alt.Color) -> Chart:
    return by_position(table, colour, "share", "shifted tokens", ".0%")


@figure(lambda table: ends(table, "nats", "mean KL in nats"))
def kl_by_position(table: pa.Table, colour: alt.Color) -> Chart:
    return by_position(table, colour, "nats", "mean KL(aligned‖base), nats", ".1f")


@figure(lambda table: ends(table, "rank", "mean base rank"))
def base_rank_by_position(table: pa.Table, colour: alt.Color) -> Chart:
    return by_position(table, colour, "rank", "base rank, geometric mean (log scale)", "~s", log=True)


@figure(lambda table: ends(table, "probability", "mean base probability"))
def base_probability_by_position(table: pa.Table, colour: alt.Color) -> Chart:
    return by_position(table, colour, "probability", "mean base probability of the token", ".0%")
