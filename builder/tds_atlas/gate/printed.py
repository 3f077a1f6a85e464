"""The outcome of a gate as text for the terminal, JSON, and JUnit XML."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

import pyarrow as pa

from tds_atlas.gate.plan import Need
from tds_atlas.gate.reports import Match
from tds_atlas.gate.rules import MEASURES, Measure
from tds_atlas.gate.verdicts import Verdict
from tds_atlas.report.table_formats import format_table

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


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
    return format_table(pa.Table.from_pylist([verdict_row(verdict) for verdict in verdicts]), "table", width)


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


def as_json(verdicts: Sequence[Verdict], matches: Sequence[Match], code: int, alpha: float) -> dict[str, Any]:
    """Everything, for tools."""
    a, b = matches[0].a, matches[0].b
    return {
        "exit_code": code,
        "alpha": alpha,
        **{
            name: {"database": str(r.path), "title": r.title, "content_key": r.content_key}
            for name, r in (("a", a), ("b", b))
        },
        "comparisons": [
            {"comparison": m.name, "mode": m.mode, "shared": len(m.shared), "only_a": m.only[0], "only_b": m.only[1]}
            for m in matches
        ],
        "rules": [
            {
                "comparison": v.match.name,
                "rule": v.rule.text,
                "verdict": v.outcome,
                "note": v.note,
                "unit": "share" if v.rule.measure.unit == "pt" else v.rule.measure.unit,
                "a": v.sums.a if v.sums.prompts else None,
                "b": v.sums.b if v.sums.prompts else None,
                "prompts": v.sums.prompts,
                "holm_p": v.holm_p,
                "detectable": v.detectable,
                **(asdict(v.tested) if v.tested else {}),
                "drivers": [asdict(driver) for driver in v.drivers],
            }
            for v in verdicts
        ],
    }


def junit(verdicts: Sequence[Verdict]) -> str:
    """A test suite a comparison, a test case a rule."""
    root = ET.Element("testsuites")
    for name, group in groupby(verdicts, lambda v: v.match.name):
        of_one = list(group)
        counts = {kind: sum(v.outcome == outcome for v in of_one) for kind, outcome in _KINDS.items()}
        numbers = {"tests": str(len(of_one))} | {f"{kind}": str(n) for kind, n in counts.items()}
        suite = ET.SubElement(root, "testsuite", {"name": _xml(name)} | numbers)
        for v in of_one:
            case = ET.SubElement(suite, "testcase", name=v.rule.accepted, classname=_xml(f"tds.{name}"))
            if v.outcome != "pass":
                ET.SubElement(case, _TAGS[v.outcome], message=_xml(message(v)))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False)


_KINDS = {"failures": "fail", "skipped": "undecided", "errors": "refused"}
_TAGS = {"fail": "failure", "undecided": "skipped", "refused": "error"}


def message(v: Verdict) -> str:
    """A verdict in one line: +4.1 pt, 95 % +2.9 pt to +5.3 pt; tolerated +2pt."""
    if v.tested is None:
        return v.note
    m, t = v.rule.measure, v.tested
    numbers = f"{value(m, t.difference, True)}, 95 % {value(m, t.low, True)} to {value(m, t.high, True)}"
    return f"{numbers}; tolerated {v.rule.tolerated}{f'; {v.note}' if v.note else ''}"


def _xml(text: str) -> str:
    """Characters that XML cannot hold are replaced."""
    return _NOT_XML.sub("\ufffd", text)
