"""Figures of the page on token swaps: curves per method, a panel a comparison, all in one layered chart."""

from __future__ import annotations

from functools import partial

import altair as alt
import pyarrow as pa

from tds_atlas.report.figures.marks import Chart
from tds_atlas.report.figures.registry import FIGURES, Figure

METHODS = ["divergence", "entropy", "random", "reverse"]
_LINES = alt.Legend(symbolType="stroke", symbolStrokeWidth=2.2, symbolSize=350, symbolOpacity=1)
_DASHES: list[list[float]] = [[1, 0], [7, 4], [1.5, 5], [9, 3, 2, 3]]
_STEP = 1.3  # from one panel's zero to the next panel's, in units of the outcome


def _curves(table: pa.Table, colour: alt.Color, outcome: str) -> Chart:
    """The outcome over the share swapped. Panels share their scales, so the width can follow the page."""
    names = list(dict.fromkeys(table["comparison"].to_pylist()))
    tops = [-_STEP * i for i in range(len(names))]
    table = table.append_column("lift", pa.array([tops[names.index(n)] for n in table["comparison"].to_pylist()]))
    methods = [method for method in METHODS if method != "reverse" or method in table["method"].to_pylist()]
    ticks = [top + value for top in tops for value in (0, 0.5, 1)]
    axis = alt.Axis(
        values=ticks, labelExpr=f"(round(100 * datum.value) + {round(10000 * _STEP)}) % {round(100 * _STEP)} + '%'"
    )
    scale = alt.Scale(domain=[tops[-1], 1.12], nice=False)
    base = (
        alt.Chart(table)
        .transform_calculate(
            y="datum.lift + datum.outcome_share",
            low="datum.lift + datum.low_share",
            high="datum.lift + datum.high_share",
        )
        .encode(
            x=alt.X("swapped_share:Q", title="positions swapped", axis=alt.Axis(format=".0%", tickCount=6)),
            color=alt.Color(
                "method:N", sort=METHODS, scale=alt.Scale(domain=methods, range="diverging"), legend=_LINES
            ),
            detail=alt.Detail("comparison:N"),
        )
    )
    y = alt.Y("y:Q", title=outcome, axis=axis, scale=scale)
    dash = alt.StrokeDash(
        "method:N", sort=METHODS, scale=alt.Scale(domain=methods, range=_DASHES[: len(methods)]), legend=_LINES
    )
    tips = [
        alt.Tooltip("comparison"),
        alt.Tooltip("method"),
        alt.Tooltip("swapped_share:Q", format=".1%", title="swapped"),
        alt.Tooltip("outcome_share:Q", format=".1%", title=outcome),
        alt.Tooltip("low_share:Q", format=".1%", title="low (95 %)"),
        alt.Tooltip("high_share:Q", format=".1%", title="high (95 %)"),
        alt.Tooltip("prompts"),
    ]
    names_at = alt.Chart(pa.table({"comparison": names, "at": [top + 1.1 for top in tops]})).mark_text(
        align="left", fontWeight=600, limit=300
    )
    return alt.layer(
        base.mark_area().encode(y=alt.Y("low:Q", title=outcome, axis=axis, scale=scale), y2=alt.Y2("high:Q")),
        base.mark_line().encode(y=y, strokeDash=dash, order=alt.Order("target_share:Q")),
        base.mark_circle(size=38, opacity=1).encode(y=y, tooltip=tips),
        names_at.encode(x=alt.XDatum(0), y=alt.Y("at:Q"), text=alt.Text("comparison:N")),
    ).properties(height=60 + 190 * len(names))


def _ends(table: pa.Table) -> str:
    """The two models alone, and every method at the smallest share tried."""
    sentences = []
    for name in dict.fromkeys(table["comparison"].to_pylist()):
        rows = [row for row in table.to_pylist() if row["comparison"] == name]
        ends = {row["target_share"]: row["outcome_share"] for row in rows if row["target_share"] in (0, 1)}
        parts = [f"{label} {ends[at]:.0%}" for at, label in ((0, "base alone"), (1, "aligned alone")) if at in ends]
        inner = [row for row in rows if 0 < row["target_share"] < 1]
        first = min((row["target_share"] for row in inner), default=None)
        parts += [
            f"{row['method']} {row['outcome_share']:.0%} at {row['swapped_share']:.1%} swapped"
            for row in inner
            if row["target_share"] == first
        ]
        sentences.append(f"{name}: {', '.join(parts)}.")
    return " ".join(sentences)


_OUTCOMES = {
    "swap_refusal": "harmful prompts refused",
    "swap_style": "text in style phrases",
    "swap_agreement": "same text as the aligned model",
    "swap_right": "fact stated",
    "swap_ended": "ended on its own",
}
for _name, _outcome in _OUTCOMES.items():
    FIGURES[_name] = Figure(partial(_curves, outcome=_outcome), _ends)
