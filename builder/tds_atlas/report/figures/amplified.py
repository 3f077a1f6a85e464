"""Figures of the page on amplified decoding: shares over α."""

from __future__ import annotations

import altair as alt
import pyarrow as pa

from tds_atlas.report.figures.marks import HEIGHT, SHARE, Chart, each, interval_tips
from tds_atlas.report.figures.registry import figure

_LEGEND = alt.Legend(  # below, where it has room on a narrow page, too
    symbolType="stroke", symbolStrokeColor="#8b959d", symbolStrokeWidth=2, symbolSize=350, title=None, orient="bottom"
)


@figure(lambda table: each(table, "{comparison}, {planted}, α = {alpha:g}: it shows in {showing} of {answers}."))
def amplified_planted(table: pa.Table, colour: alt.Color) -> Chart:
    """Dashed where nothing was planted."""
    return _over_alpha(table, colour, "answers that show what was planted", "line", ["planted", "not planted"])


@figure(lambda table: each(table, "{comparison}, α = {alpha:g}: {share:.1%} of {tokens:,} tokens are shifted."))
def amplified_shift(table: pa.Table, colour: alt.Color) -> Chart:
    return _over_alpha(table, colour, "shifted tokens")


@figure(lambda table: each(table, "{comparison}, α = {alpha:g}: {share:.1%} of the answers: {line}."))
def amplified_texts(table: pa.Table, colour: alt.Color) -> Chart:
    """Solid for refusals, dashed for texts that repeat themselves."""
    return _over_alpha(table, colour, "answers", "line", ["refuses", "goes round"])


def _over_alpha(
    table: pa.Table, colour: alt.Color, title: str, kind: str | None = None, kinds: list[str] | None = None
) -> Chart:
    """A line over α with a rule for each interval; of several kinds of line the others are dashed."""
    ticks = alt.Axis(values=sorted(set(table["alpha"].to_pylist())), format="~g")
    x = alt.X("alpha:Q", title="α: how much louder", axis=ticks, scale=alt.Scale(nice=False, padding=12))
    base = alt.Chart(table).encode(x=x, color=colour)
    dash = {}
    if kind and kinds:
        scale = alt.Scale(domain=kinds, range=[[1, 0], [4, 4]][: len(kinds)])
        dash = {"strokeDash": alt.StrokeDash(f"{kind}:N", sort=None, scale=scale, legend=_LEGEND)}
    detail = {"detail": alt.Detail("planted:N")} if "planted" in table.column_names else {}
    names = [name for name in ("comparison", "planted", kind or "", "alpha") if name in table.column_names]
    y = alt.Y("low_share:Q", title=title, axis=SHARE, scale=alt.Scale(domainMin=0))
    spread = base.mark_rule(strokeWidth=2, opacity=0.4).encode(y=y, y2=alt.Y2("high_share:Q"))
    line = base.mark_line(point=alt.OverlayMarkDef(size=55, filled=True)).encode(
        y=alt.Y("share:Q", title=title),
        tooltip=[*(alt.Tooltip(name) for name in names), *interval_tips("share", ".1%"), alt.Tooltip("prompts")],
        **dash,
        **detail,
    )
    return alt.layer(spread, line).properties(height=HEIGHT)
