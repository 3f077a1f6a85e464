"""The outcome of a gate for tools: JSON and JUnit XML."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from tds_atlas.gate.printed import value
from tds_atlas.gate.reports import Match
from tds_atlas.gate.verdicts import Verdict

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_json(
    verdicts: Sequence[Verdict], matches: Sequence[Match], code: int, alpha: float, public: bool = False
) -> dict[str, Any]:
    """Everything, for tools; without the folders of the databases where it is public."""
    a, b = matches[0].a, matches[0].b
    return {
        "exit_code": code,
        "alpha": alpha,
        **{
            name: {"database": r.path.name if public else str(r.path), "title": r.title, "content_key": r.content_key}
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
