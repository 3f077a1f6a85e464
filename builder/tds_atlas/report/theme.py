"""How every figure looks: meaningful colours, one typeface, quiet axes, in a light and a dark variant."""

from __future__ import annotations

from typing import Any

# What tds.css says for pages; a test compares the two, and their contrast.
SHIFT_COLOURS = {"unshifted": "#7e929c", "marginal": "#d99a2b", "shifted": "#c8452f"}
COMPARISON_COLOURS = ["#1f6f8b", "#b4501f", "#6a4fa3", "#3c7d3a", "#8a6d1d", "#a33b6b", "#3a4046", "#2438a8"]
DARK_COMPARISONS = ["#5cb3d1", "#e8925f", "#a990e6", "#7cc07a", "#d0b04f", "#e283b0", "#d6dbe0", "#6f8cff"]
DARK_SHIFT_COLOURS = {"unshifted": "#8496a0", "marginal": "#e3ad4c", "shifted": "#ec6a52"}
# Token swap: divergence, entropy, random, reverse; no comparison has these.
METHOD_COLOURS = ["#22262b", "#8a6d00", "#8a939b", "#9a3324"]
_DARK_METHODS = ["#f2f4f6", "#dcc25a", "#8d97a1", "#f0907f"]
IMAGE_WIDTH = 720  # of a figure that is not drawn on a page
FONT = "Inter, system-ui, sans-serif"


def _config(
    ink: str, quiet: str, grid: str, comparisons: list[str], shifts: list[str], methods: list[str]
) -> dict[str, Any]:
    axis = {"labelColor": quiet, "titleColor": quiet, "gridColor": grid, "domainColor": grid, "tickColor": grid}
    return {
        "background": "transparent",
        "font": FONT,
        "view": {"stroke": None},
        "axis": axis
        | {
            "labelFontSize": 12,
            "titleFontSize": 12,
            "titleFontWeight": 500,
            "labelPadding": 6,
            "titlePadding": 10,
            "domain": False,
            "ticks": False,
            "labelLimit": 220,
        },
        "axisX": {"grid": False, "domain": True},
        "axisY": {"grid": True},
        "legend": {
            "labelColor": ink,
            "titleColor": quiet,
            "orient": "top",
            "title": None,
            "labelFontSize": 13,
            "labelLimit": 360,
            "symbolSize": 90,
            "offset": 4,
            "padding": 0,
        },
        "text": {"color": ink, "font": FONT, "fontSize": 12},
        "rule": {"color": quiet},
        "range": {"category": comparisons, "ordinal": shifts, "diverging": methods},
        "mark": {"aria": False},  # the figure's description says what the marks show
        "line": {"strokeWidth": 2.2, "strokeCap": "round"},
        "area": {"opacity": 0.16},
    }


LIGHT = _config("#22262b", "#5d6770", "#e3e7ea", COMPARISON_COLOURS, list(SHIFT_COLOURS.values()), METHOD_COLOURS)
DARK = _config("#e8eaed", "#a3adb8", "#343b45", DARK_COMPARISONS, list(DARK_SHIFT_COLOURS.values()), _DARK_METHODS)


def for_comparisons(count: int, config: dict[str, Any] = LIGHT) -> dict[str, Any]:
    """How a figure of so many comparisons looks: bands over one another stay pale."""
    return config | {"area": {"opacity": min(config["area"]["opacity"], 0.64 / max(count, 1))}}
