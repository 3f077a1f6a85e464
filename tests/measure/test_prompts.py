"""Prompt and answer files: what is read, and the one line each bad row gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.domain import InputError, Prompt
from builder.measure.prompts import read_answers, read_prompts

GOOD = '{"id": 1, "prompt": "Hi", "tasks": ["a"], "topics": [], "harmful": true, "truths": ["x"], "source": "kept out"}'


@pytest.fixture
def write(tmp_path: Path):
    def write(text: str, name: str = "set.jsonl") -> Path:
        (tmp_path / name).write_bytes(text.encode() if isinstance(text, str) else text)
        return tmp_path / name

    return write


def test_rows_become_prompts(write) -> None:
    lines = GOOD + "\n\n" + '{"id": "b", "prompt": "Line\\u2028separator"}' + "\n"
    assert read_prompts(write(lines), None) == (
        Prompt("1", "Hi", "set", ("a",), (), True, ("x",)),
        Prompt("b", "Line\u2028separator", "set"),
    )
    assert len(read_prompts(write(lines), 1)) == 1
    assert read_prompts(write(f"[{GOOD}]", "set.json"), None)[0].prompt_id == "1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD + "\n{oops", r"set.jsonl: line 2: not valid JSON: "),
        (GOOD + "\n[1]", r"set.jsonl: line 2: Input should be a valid dictionary.*; a row has id, prompt, tasks"),
        (GOOD + '\n{"id": 2}', r"set.jsonl: line 2: prompt: Field required; a row has id, prompt"),
        (GOOD + '\n{"id": 2, "prompt": ""}', r"line 2: prompt: String should have at least 1 character"),
        (GOOD + '\n{"id": 2, "prompt": "x", "tasks": "a"}', r"line 2: tasks: Input should be a valid list"),
        (GOOD + '\n{"id": 2, "prompt": "x", "harmful": "no"}', r"line 2: harmful: Input should be a valid boolean"),
        (GOOD + "\n" + GOOD, r"set.jsonl: two rows have the id '1'"),
        ("\n\n", r"set.jsonl: holds no rows"),
        ("[{]", r"set.jsonl:1: not valid JSON"),
    ],
)
def test_a_bad_row_is_one_line_that_names_it(write, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_prompts(write(text), None)
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read(tmp_path: Path, write) -> None:
    with pytest.raises(InputError, match=r"none.jsonl: cannot be read: No such file"):
        read_prompts(tmp_path / "none.jsonl", None)
    (tmp_path / "latin").write_bytes(b"\xff\xfe\xe9")
    with pytest.raises(InputError, match="not UTF-8"):
        read_prompts(tmp_path / "latin", None)


def test_answers_take_over_the_tags_of_a_prompt_of_the_same_words(write) -> None:
    known = (Prompt("tagged", "Hi", "other", ("a",)),)
    rows = '[{"id": 0, "pure_input": "Hi", "output": ["Yes.</s>"]}, {"id": 1, "pure_input": "Ho", "output": ["No"]}]'
    first, second = read_answers(write(rows, "a.json"), None, known)
    assert (first.prompt, first.text, first.finish) == (known[0], "Yes.", "stop")
    assert (second.prompt.prompt_id, second.text, second.finish) == ("1", "No", "length")


def test_bad_answers(write) -> None:
    with pytest.raises(InputError, match=r"a.json: row 1: output: Field required"):
        read_answers(write('[{"id": 0, "pure_input": "Hi"}]', "a.json"), None)
    with pytest.raises(InputError, match=r"a.json: row 1: output is empty"):
        read_answers(write('[{"id": 0, "pure_input": "Hi", "output": ["</s>"]}]', "a.json"), None)
