"""Prompt and answer files: what is read from each format, and the one line each bad row gets."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from tds_atlas.domain import InputError, Prompt
from tds_atlas.inputs.prompts import read_answers, read_prompts
from tds_atlas.inputs.settings import PromptSettings, ResponseSettings

GOOD = '{"id": 1, "prompt": "Hi", "tasks": ["a"], "topics": [], "harmful": true, "truths": ["x"], "source": "kept out"}'
ROWS = [
    {"id": "a", "prompt": "One?", "answer": "Yes, \u201cone\u201d.\n\n- 1"},
    {"id": "b", "prompt": "Two, 2?", "answer": " No"},
]
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str, name: str = "set.jsonl") -> Path:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return write


def prompts(path: Path, **settings: Any) -> tuple[Prompt, ...]:
    return read_prompts(PromptSettings(path=path, **settings))


def answers(path: Path, known: tuple[Prompt, ...] = (), **settings: Any) -> list[tuple[str, str, str]]:
    """Id, prompt and text of each answer."""
    read = read_answers(ResponseSettings(path=path, **settings), known)
    return [(a.prompt.prompt_id, a.prompt.text, a.text) for a in read]


def test_the_category_of_just_eval_says_what_is_harmful(write: Write) -> None:
    rows = [{"category": "safety"}, {"category": "regular"}, {"category": ["x"]}, {}]
    rows += [{"category": "safety", "harmful": False}]
    text = json.dumps([{"id": i, "prompt": "Hi"} | row for i, row in enumerate(rows)])
    assert [p.harmful for p in prompts(write(text, "set.json"))] == [True, False, None, None, False]


def test_rows_become_prompts(write: Write) -> None:
    lines = GOOD + "\n\n" + '{"id": "b", "prompt": "Line\\u2028separator"}' + "\n"
    first, second = Prompt("1", "Hi", "set", ("a",), (), True, ("x",)), Prompt("b", "Line\u2028separator", "set")
    assert prompts(write(lines)) == (first, second)
    assert prompts(write(lines), limit=1) == (first,)
    assert prompts(write(lines), leave_out=("1",)) == prompts(write(lines), leave_out=(1,)) == (second,)
    assert prompts(write(f"\ufeff[{GOOD}]", "set.json")) == (first,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD + "\n{oops", r"set.jsonl: line 2: not valid JSON: .*; write one row per line, or an array of rows"),
        ('{\n "id": 1}', r"set.jsonl: line 1: not valid JSON: .*; write one row per line, or an array of rows"),
        (GOOD + "\n[1]", r"set.jsonl: line 2: Input should be a valid dictionary.*; a row has id, prompt, tasks"),
        (GOOD + '\n{"id": 2}', r"set.jsonl: line 2: prompt: Field required; a row has id, prompt"),
        (GOOD + '\n{"id": 2, "prompt": ""}', r"line 2: prompt: String should have at least 1 character"),
        (GOOD + '\n{"id": 2, "prompt": 7}', r"line 2: prompt: Input should be a valid string"),
        (GOOD + '\n{"id": null, "prompt": "x"}', r"line 2: id: Input should be a valid"),
        (GOOD + '\n{"id": 2, "prompt": "x", "tasks": "a"}', r"line 2: tasks: Input should be a valid list"),
        (GOOD + '\n{"id": 2, "prompt": "x", "harmful": "no"}', r"line 2: harmful: Input should be a valid boolean"),
        (GOOD + "\n" + GOOD, r"set.jsonl: two rows have the id '1'"),
        ("\n\n", r"set.jsonl: holds no rows"),
        ("[\n{]", r"set.jsonl: line 2: not valid JSON"),
        ("[1] 2", r"set.jsonl: line 1: not valid JSON: Extra data"),
        ("[" * 100_000, r"set.jsonl: line 1: not valid JSON: numbers too long or brackets too deep"),
        (GOOD + '\n{"id": 9' + "9" * 5000 + "}", r"set.jsonl: line 2: not valid JSON: numbers too long"),
        (GOOD + '\n{"id": true, "prompt": "x"}', r"line 2: id: Input should be a valid"),
        (GOOD + '\n{"id": 2, "prompt": null}', r"line 2: prompt: Input should be a valid string"),
        (GOOD + '\n{"id": 2, "prompt": "\\ud83d"}', r"line 2: prompt: Input should be a valid string, unable to parse"),
    ],
)
def test_a_bad_row_is_one_line_that_names_it(write: Write, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        prompts(write(text))
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read(tmp_path: Path, write: Write) -> None:
    for name in ("none.jsonl", "none.csv", "none.parquet"):
        with pytest.raises(InputError, match=f"{name}: .*(cannot be read|No such file)"):
            answers(tmp_path / name)
    (tmp_path / "latin").write_bytes(b"\xff\xfe\xe9")
    with pytest.raises(InputError, match="latin: cannot be read: not UTF-8 text"):
        prompts(tmp_path / "latin")
    (tmp_path / "latin.csv").write_bytes(b"prompt,answer\nna\xefve,b\n")
    with pytest.raises(InputError, match=r"latin.csv: cannot be read: not UTF-8 text"):
        answers(tmp_path / "latin.csv")
    with pytest.raises(InputError, match="cannot be read: a folder"):
        answers(tmp_path)
    with pytest.raises(InputError, match=r"leave_out names 'zzz', but no row has this id"):
        prompts(write(GOOD), leave_out=("zzz",))
    with pytest.raises(InputError, match="leave_out leaves no row"):
        prompts(write(GOOD), leave_out=("1",))


@pytest.mark.parametrize("kind", ["json", "jsonl", "csv", "tsv", "parquet"])
def test_every_format_gives_the_same_answers(write: Write, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"set.{kind}"
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), path)
    elif kind in ("csv", "tsv"):
        sign = "," if kind == "csv" else "\t"
        quoted = [sign.join('"' + v.replace('"', '""') + '"' for v in row.values()) for row in ROWS]
        write("\r\n".join([sign.join(ROWS[0]), *quoted]), path.name)
    else:
        write(json.dumps(ROWS) if kind == "json" else "\n".join(map(json.dumps, ROWS)), path.name)
    assert answers(path) == [(r["id"], r["prompt"], r["answer"]) for r in ROWS]


@pytest.mark.parametrize(
    "row",
    [
        {"id": 0, "pure_input": "Q", "input": "<s>[INST] Q [/INST]", "output": ["A</s>"], "reference": ""},  # AlignTDS
        {"id": 0, "instruction": "Q", "output": "A</s>", "generator": "m", "dataset": "d"},  # just-eval, AlpacaEval
        {"instruction": "Q", "source_id": "x", "output": ["<s>A</s>", "B"], "id": 0},  # URIAL, more than one sample
    ],
)
def test_rows_as_the_fields_tools_write_them(write: Write, row: dict[str, Any]) -> None:
    assert answers(write(json.dumps([row]), "a.json")) == [("0", "Q", row["output"] if isinstance(row["output"], str) else row["output"][0])]


def test_columns_of_other_names_and_rows_without_an_id(write: Write) -> None:
    path = write("question_text,reply\nQ,A\nR,B\n", "a.csv")
    found = answers(path, columns={"prompt": "question_text", "answer": "reply"})
    assert found == [("1", "Q", "A"), ("2", "R", "B")]
    with pytest.raises(
        InputError, match=r"a.csv: row 1: no column prompt or pure_input .* for the prompt \(columns: que"
    ):
        answers(path)
    with pytest.raises(InputError, match=r"no column nix for the answer .*; name it with columns: {answer: ...}"):
        answers(path, columns={"prompt": "question_text", "answer": "nix"})


def test_answers_take_over_the_tags_of_a_prompt_of_the_same_words(write: Write) -> None:
    known = (Prompt("tagged", "Hi", "other", ("a",)),)
    rows = '[{"id": 0, "pure_input": "Hi", "output": ["Yes."]}, {"id": 1, "pure_input": "Ho", "output": ["No"]}]'
    first, second = read_answers(ResponseSettings(path=write(rows, "a.json")), known)
    assert first.prompt == known[0] and second.prompt == Prompt("1", "Ho", "a")


def test_prompts_of_the_same_words_are_taken_in_turn(write: Write) -> None:
    known = tuple(Prompt(name, "Hi", "other") for name in ("a", "b"))
    rows = "\n".join(json.dumps({"id": i, "prompt": "Hi", "answer": f"{i}"}) for i in range(3))
    assert [found[0] for found in answers(write(rows), known)] == ["a", "b", "2"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.json", '[{"id": 0, "pure_input": "Hi"}]', r"a.json: row 1: no column answer or output .* for the answer"),
        (
            "a.json",
            '[{"prompt": "Hi", "answer": ""}]',
            r"row 1: the answer is empty; skip it with leave_out: \[\"1\"\]",
        ),
        ("a.json", '[{"prompt": "Hi", "answer": [1]}]', r"row 1: answer: Input should be a valid string"),
        ("a.json", '[{"prompt": "Hi", "answer": 5}]', r"row 1: answer: Input should be a valid string"),
        ("a.json", '[{"prompt": "Hi", "answer": []}]', r"row 1: the answer is empty"),
        ("a.json", '[{"prompt": "Hi", "answer": null}]', r"row 1: answer: Input should be a valid string"),
        ("a.json", '[{"prompt": null, "answer": "A"}]', r"row 1: prompt: Input should be a valid string"),
        ("a.json", '[{"prompt": "", "answer": "A"}]', r"row 1: prompt: String should have at least 1 character"),
        ("a.json", '[{"prompt": "Hi", "answer": "\\ud83d"}]', r"row 1: answer: .*surrogates not allowed"),
        ("a.json", '{"rows": []}', r"a.json: line 1: no column prompt .* for the prompt \(columns: rows\)"),
        ("a.json", "", r"a.json: holds no rows"),
        ("a.json", "[]", r"a.json: holds no rows"),
        ("a.json", '["Hi"]', r"row 1: Input should be a valid dictionary"),
        ("a.csv", "prompt,answer\nHi\n", r"a.csv: row 1: does not have 2 fields, like the first line"),
        ("a.csv", "prompt,answer\nHi,a,b\n", r"a.csv: row 1: does not have 2 fields, like the first line"),
        ("a.csv", 'prompt,answer\n"Hi,a\n', r"a.csv: line \d: not valid CSV"),
        ("a.csv", "prompt,answer,prompt\na,b,c\n", r"a.csv: line 1: two columns are called 'prompt'"),
        ("a.csv", "", r"a.csv: holds no rows"),
        ("a.csv", "prompt,answer\n", r"a.csv: holds no rows"),
        ("a.parquet", "PAR1 and so on", r"a.parquet: not a readable Parquet file"),
    ],
)
def test_bad_answers_are_one_line(write: Write, name: str, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        answers(write(text, name))
    assert "\n" not in str(caught.value)


def test_an_empty_answer_can_be_passed_over_as_the_complaint_says(write: Write) -> None:
    path = write('[{"prompt": "Hi", "answer": ""}, {"prompt": "Ho", "answer": "A"}]', "a.json")
    with pytest.raises(InputError) as caught:
        answers(path)
    advice = yaml.safe_load(str(caught.value).split("skip it with ")[1])
    assert answers(path, **advice) == [("2", "Ho", "A")]


def test_null_and_repeated_values_in_a_table(write: Write, tmp_path: Path) -> None:
    pq.write_table(pa.table({"prompt": ["a", None], "answer": ["x", "y"]}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"a.parquet: row 2: prompt: Input should be a valid string"):
        answers(tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"a.csv: two rows have the id 'x'; ids must differ"):
        answers(write("id,prompt,answer\nx,a,b\nx,c,d\n", "a.csv"))
    twice = write("id,prompt,answer\nx,a,b\ny,c,d\nz,e,f\n", "b.csv")
    assert [row[0] for row in answers(twice, leave_out=("x",), limit=1)] == ["y"]


def test_a_dataset_through_the_datasets_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A local folder stands for a dataset on the hub: the library reads both alike."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "mine").mkdir()
    pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "mine" / "train.parquet")
    settings = ResponseSettings(hub=str(tmp_path / "mine"), revision="main")
    assert [(a.prompt.text, a.text) for a in read_answers(settings)] == [(r["prompt"], r["answer"]) for r in ROWS]
    with pytest.raises(InputError, match=r"responses: .*mine at main: .*test") as caught:
        read_answers(ResponseSettings(hub=str(tmp_path / "mine"), revision="main", split="test"))
    assert "\n" not in str(caught.value)
