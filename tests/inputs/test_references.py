"""Graders that a package gives, and reference answers: found without running anything, and compared in three ways."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tds_atlas.inputs import matches
from tds_atlas.inputs.graders import GraderSettings, read_grader
from tds_atlas.inputs.prompts import read_answers
from tds_atlas.inputs.settings import ResponseSettings
from tds_atlas.pipeline.grading import grades


def test_reference_answers() -> None:
    def row(text: str, *references: str) -> dict[str, Any]:
        return {"text": text, "references": list(references)}

    for match in (matches.contains, matches.equals, matches.regex):
        assert match(row("anything")) is None
    assert matches.contains(row("It is Paris, they say.", "Rome", "paris"))
    assert not matches.contains(row("It is Parisian.", "Paris"))
    assert matches.equals(row(" New\n YORK ", "New York")) and not matches.equals(row("New York!", "New York"))
    assert matches.regex(row("on 14 July", r"\b1[34] July")) and not matches.regex(row("on 4 July", r"\b1[34] July"))


def test_a_grader_that_a_package_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "judge.py").write_text("def size(row): return len(row['text'])", encoding="utf-8")
    (tmp_path / "judge-1.0.dist-info").mkdir()
    (tmp_path / "judge-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: judge\nVersion: 1.0\n")
    (tmp_path / "judge-1.0.dist-info" / "entry_points.txt").write_text("[tds_atlas.graders]\nsize = judge:size\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    report = tmp_path / "elsewhere" / "report.yml"
    found = read_grader(report, "own", GraderSettings(entry_point="size"), (), (), report)
    assert (found.call, found.folder) == ("judge:size", None)
    assert list(grades(found, [{"text": "abc"}])) == [{"value": 3, "is_yes_or_no": False}]


def test_reference_answers_of_a_file_of_answers(tmp_path: Path) -> None:
    """Of two rows with one prompt, what either says; numbers as text."""
    file = tmp_path / "given.jsonl"
    rows = [("a", "Why?", "x"), ("a", "Why?", 7), ("b", "How?", ["y", "x"]), ("c", "Who?", None)]
    lines = [{"id": i, "prompt": p, "answer": f"{n}", "sample": n, "gold": g} for n, (i, p, g) in enumerate(rows, 1)]
    file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    answers = read_answers(ResponseSettings(path=file))
    settings = GraderSettings(column="gold", responses="given")
    found = read_grader(tmp_path / "report.yml", "own", settings, (), answers, file)
    by_text = {a.prompt.prompt_id: a.prompt.text for a in answers}
    assert {by_text[name]: texts for name, texts in found.references.items()} == {
        "Why?": ("x", "7"),
        "How?": ("y", "x"),
    }
