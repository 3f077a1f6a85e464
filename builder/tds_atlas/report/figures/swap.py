"""Figures of the page on token swaps: curves per method, a panel for each comparison and writer, in one chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import altair as alt
import pyarrow as pa

from tds_atlas.report.figures.marks import Chart
from tds_atlas.report.figures.registry import FIGURES, Figure

METHODS = ["divergence", "entropy", "random", "delta"]
_DELTA = "Δ log p"
_CALLED = f"datum.label == 'delta' ? '{_DELTA}' : datum.label"
_LINES = alt.Legend(symbolType="stroke", symbolStrokeWidth=2.2, symbolSize=350, symbolOpacity=1, labelExpr=_CALLED)
_DASHES: list[list[float]] = [[1, 0], [7, 4], [1.5, 5], [9, 3, 2, 3]]
_STEP = 1.3  # from one panel's zero to the next panel's, in units of the outcome


@dataclass(frozen=True)
class _Panel:
    """A panel of the chart: where its zero line is, and which numbers its axis runs between."""

    name: str
    comparison: str
    lift: float
    low: float
    high: float
    is_share: bool

    @classmethod
    def of(cls, row: Mapping[str, Any], lift: float, alike: Sequence[Mapping[str, Any]]) -> Self:
        """From 0 to 1 for shares, else from the least to the largest number of all rows of the same outcome."""
        name, comparison, is_share = (row[key] for key in ("panel", "comparison", "is_share"))
        found = [one[key] for one in alike for key in ("outcome_share", "low_share", "high_share")]
        low, high = (0, 1) if is_share else (f(x for x in found if x is not None) for f in (min, max))
        return cls(name, comparison, lift, low, high if high > low else low + 1, is_share)

    @property
    def ticks(self) -> dict[float, str]:
        """The axis's numbers, by where they stand in the chart."""
        values = (self.low, (self.low + self.high) / 2, self.high)
        texts = (f"{x:.0%}" if self.is_share else f"{x:.3g}" for x in values)
        return {self.lift + at: text for at, text in zip((0, 0.5, 1), texts, strict=True)}


def _curves(table: pa.Table, colour: alt.Color, outcome: str) -> Chart:
    """The outcome over the share swapped. Panels share their scales, so the width can follow the page."""
    panels, table = _panels(table)
    methods = [method for method in METHODS if method != "delta" or method in table["method"].to_pylist()]
    ticks = {at: text for panel in panels for at, text in panel.ticks.items()}
    named = " : ".join(f"abs(datum.value - {at}) < 0.01 ? '{text}'" for at, text in ticks.items())
    axis = alt.Axis(values=list(ticks), labelExpr=f"{named} : ''")
    scale = alt.Scale(domain=[panels[-1].lift, 1.12], nice=False)
    base = (
        alt.Chart(table)
        .transform_calculate(
            y="datum.lift + (datum.outcome_share - datum.least) / datum.size",
            low="datum.lift + (datum.low_share - datum.least) / datum.size",
            high="datum.lift + (datum.high_share - datum.least) / datum.size",
        )
        .encode(
            x=alt.X("swapped_share:Q", title="positions swapped", axis=alt.Axis(format=".0%", tickCount=6)),
            color=alt.Color(
                "method:N", sort=METHODS, scale=alt.Scale(domain=methods, range="diverging"), legend=_LINES
            ),
            detail=alt.Detail("panel:N"),
        )
    )
    y = alt.Y("y:Q", title=outcome, axis=axis, scale=scale)
    dash = alt.StrokeDash(
        "method:N", sort=METHODS, scale=alt.Scale(domain=methods, range=_DASHES[: len(methods)]), legend=_LINES
    )
    bands = base.mark_area(opacity=0.12) if len(methods) > 3 else base.mark_area()  # over one another
    tips = _tips(outcome, ".1%" if all(panel.is_share for panel in panels) else ".3g")
    names = {"comparison": [p.comparison for p in panels], "panel": [p.name for p in panels]}
    names_at = alt.Chart(pa.table(names | {"at": [panel.lift + 1.1 for panel in panels]})).mark_text(
        align="left", fontWeight=600, limit=420
    )
    return alt.layer(
        bands.encode(y=alt.Y("low:Q", title=outcome, axis=axis, scale=scale), y2=alt.Y2("high:Q")),
        base.mark_line().encode(y=y, strokeDash=dash, order=alt.Order("swapped_share:Q")),
        base.mark_circle(size=38, opacity=1).encode(y=y, tooltip=tips),
        names_at.encode(x=alt.XDatum(0), y=alt.Y("at:Q"), text=alt.Text("panel:N")),
    ).properties(height=60 + 190 * len(panels))


def _panels(table: pa.Table) -> tuple[list[_Panel], pa.Table]:
    """The panels from the top down, and the table with what each row's takes to be drawn."""
    rows = table.to_pylist()
    firsts = {row["panel"]: row for row in reversed(rows)}
    named = [firsts[name] for name in dict.fromkeys(row["panel"] for row in rows)]
    alike = [[other for other in rows if other["outcome"] == row["outcome"]] for row in named]
    panels = [_Panel.of(row, -_STEP * i, of) for i, (row, of) in enumerate(zip(named, alike, strict=True))]
    of_row = {panel.name: panel for panel in panels}
    for name, number in (("lift", "lift"), ("least", "low")):
        table = table.append_column(name, pa.array([float(getattr(of_row[row["panel"]], number)) for row in rows]))
    sizes = [float(of_row[row["panel"]].high - of_row[row["panel"]].low) for row in rows]
    return panels, table.append_column("size", pa.array(sizes))


def _tips(outcome: str, numbers: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("panel:N", title="comparison"),
        alt.Tooltip("method"),
        alt.Tooltip("swapped_share:Q", format=".1%", title="swapped"),
        alt.Tooltip("low_swapped_share:Q", format=".1%", title="swapped, low (95 %)"),
        alt.Tooltip("high_swapped_share:Q", format=".1%", title="swapped, high (95 %)"),
        alt.Tooltip("threshold:Q", title="Δ log p above"),
        alt.Tooltip("outcome_share:Q", format=numbers, title=outcome),
        alt.Tooltip("low_share:Q", format=numbers, title="low (95 %)"),
        alt.Tooltip("high_share:Q", format=numbers, title="high (95 %)"),
        alt.Tooltip("prompts"),
    ]


def _ends(table: pa.Table) -> str:
    """The two models alone, and every method at the smallest share swapped."""
    sentences = []
    for name in dict.fromkeys(table["panel"].to_pylist()):
        rows = [row for row in table.to_pylist() if row["panel"] == name]
        form = ".0%" if rows[0]["is_share"] else ".3g"
        ends = {row["target_share"]: row["outcome_share"] for row in rows if row["target_share"] in (0, 1)}
        parts = [f"{label} {ends[at]:{form}}" for at, label in ((0, "base alone"), (1, "aligned alone")) if at in ends]
        first: dict[str, dict[str, Any]] = {}
        for row in (row for row in rows if row["target_share"] not in (0, 1)):
            if row["swapped_share"] < first.setdefault(row["method"], row)["swapped_share"]:
                first[row["method"]] = row
        names = {method: _DELTA if method == "delta" else method for method in first}
        parts += [
            f"{names[method]} {row['outcome_share']:{form}} at {row['swapped_share']:.1%} swapped"
            for method, row in first.items()
        ]
        sentences.append(f"{name}: {', '.join(parts)}.")
    return " ".join(sentences)


_OUTCOMES = {
    "swap_refusal": "harmful prompts refused",
    "swap_style": "text in style phrases",
    "swap_agreement": "same text as the aligned model",
    "swap_right": "fact stated",
    "swap_ended": "ended on its own",
    "swap_graded": "grade",
}
for _name, _outcome in _OUTCOMES.items():
    FIGURES[_name] = Figure(partial(_curves, outcome=_outcome), _ends)
