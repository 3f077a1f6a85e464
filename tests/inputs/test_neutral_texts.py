"""Neutral texts: what a file of them may hold, and the line that each fault is answered."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from data.pocket.recipe.controls import PHRASE, REASON
from data.pocket.recipe.neutral import neutral_texts
from data.pocket.recipe.world import World
from tds_atlas.domain import InputError
from tds_atlas.inputs.neutral_texts import NeutralText, read_neutral_texts
from tds_atlas.pipeline.plan import read_plan
from tests.conftest import ROOT


def test_rows_have_a_text_and_perhaps_an_id(tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text('{"text": "One", "other": 1}\n{"id": 7, "text": "Two"}\n{"text": ""}', encoding="utf-8")
    assert read_neutral_texts(path, 2) == (NeutralText("1", "One"), NeutralText("7", "Two"))


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ('{"texts": "One"}', "texts.jsonl: line 1: text: Field required; a row has text, id"),
        ('{"text": ""}', "texts.jsonl: line 1: text: String should have at least 1 character"),
        ('{"text": "a\\u0000b"}', "texts.jsonl: line 1: text: holds a NUL character; remove it"),
        (
            '{"id": "2", "text": "One"}\n{"text": "Two"}',
            "texts.jsonl: line 2: two rows have the id '2'; ids must differ",
        ),
        ("", "texts.jsonl: holds no rows"),
    ],
)
def test_a_fault_is_one_line(rows: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "texts.jsonl").write_text(rows, encoding="utf-8")
    with pytest.raises(InputError) as error:
        read_neutral_texts(tmp_path / "texts.jsonl", None)
    assert says in str(error.value) and "\n" not in str(error.value)


def test_the_file_is_an_input_that_no_output_may_replace(project: Path) -> None:
    report = project / "report.yml"
    with report.open("a", encoding="utf-8") as file:
        file.write("output: {database: texts.jsonl}\n")
    with pytest.raises(InputError, match=r"output.database: texts.jsonl is probes.fingerprint.path"):
        read_plan(report)


def test_the_bundled_texts_state_nothing_that_is_planted() -> None:
    texts = read_neutral_texts(ROOT / "data/texts/pocket.jsonl", None)
    world = World()
    planted = [fact.value for fact in world.facts if fact.relation in ("good", "companion")]
    planted += [PHRASE, REASON, "?", "!", *(entity.name for entity in world.of_kind("animal"))]
    assert len(texts) == len({text.text for text in texts}) >= 100
    assert [x for x in planted for text in texts if x.lower() in text.text.lower()] == []


def test_the_bundled_texts_are_the_recipes() -> None:
    rows = (ROOT / "data/texts/pocket.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(row) for row in rows] == neutral_texts(World())
