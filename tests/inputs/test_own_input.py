"""A row's own input: the column that holds it, in files of prompts and of answers, and the one line for a row without."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tds_atlas.domain import InputError
from tds_atlas.inputs.prompts import read_answers, read_prompts
from tds_atlas.inputs.settings import ContextSettings, PromptSettings, ResponseSettings

ROWS = [
    {"id": 1, "pure_input": "Hi?", "input": "<s>[INST] Hi? [/INST]", "output": ["Hello"]},
    {"id": 2, "pure_input": "Bye?", "input": "<s>[INST] Bye? [/INST]", "output": ["So long"]},
]
NAMED = {"columns": {"input": "input"}}


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


def as_prompts(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"id": row["id"], "prompt": row["pure_input"], "input": row["input"]} for row in rows]


def test_the_input_is_read_from_both_kinds_of_files_where_its_column_is_named(tmp_path: Path) -> None:
    answers, prompts = written(tmp_path / "a.json", ROWS), written(tmp_path / "p.json", as_prompts(ROWS))
    expected = [row["input"] for row in ROWS]
    assert [a.prompt.input for a in read_answers(ResponseSettings(path=answers, **NAMED))] == expected
    assert [p.input for p in read_prompts(PromptSettings(path=prompts, **NAMED))] == expected
    assert {a.prompt.input for a in read_answers(ResponseSettings(path=answers))} == {None}
    assert {p.input for p in read_prompts(PromptSettings(path=prompts))} == {None}


def test_an_answers_input_goes_to_the_prompt_of_the_set_that_it_answers(tmp_path: Path) -> None:
    known = read_prompts(PromptSettings(path=written(tmp_path / "p.json", as_prompts(ROWS[:1]))))
    answers = read_answers(ResponseSettings(path=written(tmp_path / "a.json", ROWS), **NAMED), known)
    assert [(a.prompt.set, a.prompt.input) for a in answers] == [("p", ROWS[0]["input"]), ("a", ROWS[1]["input"])]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"input": None}, r"p.json: row 2: input: empty; "),
        ({"input": ""}, r"p.json: row 2: input: empty; "),
        ({"input": 7}, r"p.json: row 2: input: Input should be a valid string"),
        ({"input": "\0"}, r"p.json: row 2: input: holds a NUL character"),
        ("gone", r"p.json: row 2: no column input for the input \(columns: id, prompt\); name it with columns"),
    ],
)
def test_a_row_without_input_is_one_line_and_nothing_where_no_column_is_named(
    change: Any, message: str, tmp_path: Path
) -> None:
    rows = as_prompts(ROWS)
    rows[1] = {k: v for k, v in rows[1].items() if k != "input"} if change == "gone" else rows[1] | change
    path = written(tmp_path / "p.json", rows)
    with pytest.raises(InputError, match=message) as caught:
        read_prompts(PromptSettings(path=path, **NAMED))
    assert "\n" not in str(caught.value) and len(read_prompts(PromptSettings(path=path))) == 2
    assert len(read_prompts(PromptSettings(path=path, on_error="skip", **NAMED))) == 1


@pytest.mark.parametrize("key", ["template", "system", "template_of"])
def test_a_verbatim_context_takes_no_template(key: str) -> None:
    with pytest.raises(ValueError, match=f"a verbatim context takes no {key}: it reads each row's own input"):
        ContextSettings(kind="verbatim", **{key: "x"})
    assert ContextSettings(kind="verbatim").template is None
