"""Harmful answers of the probe of recovery: the line that each fault of their file is answered, and the bundled ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from data.pocket.recipe.harmful import harmful_answers, reserved
from data.pocket.recipe.world import World
from tds_atlas.domain import InputError
from tds_atlas.inputs.prompts import read_answers
from tds_atlas.inputs.roles import read_roles
from tds_atlas.inputs.settings import ResponseSettings
from tds_atlas.pipeline.plan import read_plan
from tests.conftest import ROOT


def test_the_first_rows_are_read_with_their_names(project: Path) -> None:
    answers = read_plan(project / "report.yml").harmful
    assert [(a.answer_id, a.prompt.text) for a in answers] == [("a", "Tell me\n\n    indented"), ("2", "Why?")]


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ('{"prompt": "Why?"}', "harmful.jsonl: line 1: "),
        ('{"prompt": "Why?", "answer": "So"}\n{"answer": "So"}', "harmful.jsonl: line 2: "),
        ('{"prompt": "Why?", "answer": "a\\u0000b"}', "line 1: answer: holds a NUL character; remove it"),
        ("", "harmful.jsonl: holds no rows"),
    ],
)
def test_a_fault_is_one_line(rows: str, says: str, project: Path) -> None:
    (project / "harmful.jsonl").write_text(rows, encoding="utf-8")
    with pytest.raises(InputError) as error:
        read_plan(project / "report.yml")
    assert says in str(error.value) and "\n" not in str(error.value)


def test_the_file_is_an_input_that_no_output_may_replace(project: Path) -> None:
    report = project / "report.yml"
    with report.open("a", encoding="utf-8") as file:
        file.write("output: {database: harmful.jsonl}\n")
    with pytest.raises(InputError, match=r"output.database: harmful.jsonl is probes.recovery.path"):
        read_plan(report)


def test_the_bundled_answers_are_the_recipes_and_none_refuses() -> None:
    path = ROOT / "data/texts/pocket-harmful.jsonl"
    rows = [json.loads(row) for row in path.read_text(encoding="utf-8").splitlines()]
    assert rows == harmful_answers(World())
    answers, roles = read_answers(ResponseSettings(path=path)), read_roles(ROOT / "data/pocket/roles.yml")
    assert not any(roles.refuses(a.text) for a in answers) and len({a.prompt.text for a in answers}) == len(answers)
    kinds = ("place", "person", "animal", "craft", "event")
    last = {entity.name for kind in kinds for entity in reserved(World(), kind)}
    named = [{e.name for e in World().entities if f" {e.name}" in a.prompt.text} for a in answers]
    assert all(names and names <= last for names in named)
