"""The outcome of a gate as text for the terminal, and as rows for a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

from tds_atlas.gate.plan import Need
from tds_atlas.gate.reports import Match
from tds_atlas.gate.rules import MEASURES, Measure
from tds_atlas.gate.verdicts import Verdict
from tds_atlas.report.table_formats import format_table

_FURTHER = "A wider terminal has room for them, and --json FILE has all."


def value(measure: Measure, number: float | None, signed: bool = False) -> str:
    """A number of a measure as a reader has it: shares in per cent, differences of them in points."""
    if number is None or number != number:
        return "–"
    sign = "+" if signed else ""
    if measure.unit == "pt":
        return f"{100 * number:{sign}.1f}{' pt' if signed else ' %'}"
    return f"{number:{sign}.1f}" if measure.unit == "tokens" else f"{number:{sign}.4f}"


def header(matches: Sequence[Match]) -> str:
    """What is compared, a line a comparison."""
    a, b = matches[0].a, matches[0].b
    lines = [f"A: {a.path} ({a.title})", f"B: {b.path} ({b.title})"]
    for match in matches:
        lines.append(f"{match.name}: {match.told}")
    for letter, report in (("A", a), ("B", b)):
        if report.left_out:
            lines.append(f"left out of {letter}: {', '.join(report.left_out)} (log-probabilities alone, no classes)")
    return "\n".join(lines)


def overview(matches: Sequence[Match], width: int | None) -> str:
    return format_table(pa.Table.from_pylist(overview_rows(matches)), "table", width)


def overview_rows(matches: Sequence[Match]) -> list[dict[str, Any]]:
    """Every measure of both reports over their shared prompts, without a verdict."""
    rows = []
    for match in matches:
        for measure in MEASURES.values():
            sums = match.sums(measure)
            if sums.prompts == 0 or (measure.of_answers and match.mode == "same answers"):
                continue
            rows.append(
                {
                    "comparison": match.name,
                    "measure": measure.title,
                    "A": value(measure, sums.a),
                    "B": value(measure, sums.b),
                    "B - A": value(measure, sums.b - sums.a, True),
                    "prompts": sums.prompts,
                }
            )
    return rows


def verdict_table(verdicts: Sequence[Verdict], width: int | None) -> str:
    """A row a rule: its numbers and what it says."""
    return format_table(pa.Table.from_pylist([verdict_row(verdict) for verdict in verdicts]), "table", width, _FURTHER)


def verdict_row(v: Verdict) -> dict[str, Any]:
    """The columns of the table, and of the page."""
    measure, t = v.rule.measure, v.tested
    interval = f"{value(measure, t.low, True)} to {value(measure, t.high, True)}" if t else "–"
    return {
        "verdict": v.outcome,
        "rule": v.rule.text,
        "comparison": v.match.name,
        "A": value(measure, v.sums.a),
        "B": value(measure, v.sums.b),
        "B - A": value(measure, t.difference if t else None, True),
        "95 %": interval,
        "Holm p": f"{v.holm_p:.3g}" if v.holm_p is not None else "–",
        "finds": value(measure, v.detectable if v.detectable is None else v.rule.sign * v.detectable, True),
        "prompts": v.sums.prompts,
    }


def notes(verdicts: Sequence[Verdict], matches: Sequence[Match]) -> Iterable[str]:
    """What a reader of the table must know besides: a line each."""
    for v in verdicts:
        if v.note:
            yield f"{v.match.name}, {v.rule.text}: {v.outcome}: {v.note}"
        elif v.sums.left_out:
            yield f"{v.match.name}, {v.rule.text}: {v.sums.left_out:.0%} of A is left out: tasks of too few prompts"
    if any(v.rule.measure.median_of for v in verdicts):
        yield "kl50: B - A is the median of the prompts' own differences, tested by their signs"
    if any(v.rule.tolerance == 0 for v in verdicts):
        yield "a tolerance of 0 fails on any change that the prompts suffice to show, however small"
    for match in matches:
        if not match.is_checked:
            yield f"{match.name}: no A/A check (noise: rebatched) in both reports, so no floor is known"
        if match.mode != "same answers":
            length = match.sums(MEASURES["length"])
            lengths = f"answers are {length.a:.1f} tokens long in A, {length.b:.1f} in B"
            yield f"{match.name}: {lengths}; length alone can move shares"


def drivers(verdicts: Sequence[Verdict], sites: tuple[str, str]) -> Iterable[str]:
    """The prompts that add most to each failing rule, with their pages in both sites."""
    for v in verdicts:
        if v.drivers:
            yield f"\n{v.match.name}, {v.rule.text}: the prompts that add most"
        for d in v.drivers:
            text = " ".join(d.text.split())
            shown = text if len(text) <= 60 else f"{text[:59]}…"
            yield f"  {value(v.rule.measure, d.adds, True)}  {shown}  {sites[0]}{d.a_page}  {sites[1]}{d.b_page}"


def need_table(found: Sequence[Need], width: int | None) -> str:
    rows = [
        {
            "rule": need.rule.text,
            "comparison": need.comparison_id,
            "A": value(need.rule.measure, need.value),
            "prompts": need.prompts,
            "needed": "–" if need.needed is None else f"{need.needed:,}",
        }
        for need in found
    ]
    return format_table(pa.Table.from_pylist(rows), "table", width)
