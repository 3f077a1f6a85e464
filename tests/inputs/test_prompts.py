"""Prompt and answer files: what is read from each format, and the one line each bad row gets."""

from __future__ import annotations

import gzip
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
from tests.inputs.cases import cases

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


@pytest.mark.parametrize("case", cases("bad_prompts"), ids=lambda case: case["says"])
def test_a_bad_row_is_one_line_that_names_it(write: Write, case: dict[str, str]) -> None:
    rows = case["rows"] if "rows" in case else f"{GOOD}\n{case['after_a_good_row']}"
    with pytest.raises(InputError, match=case["says"]) as caught:
        prompts(write(rows))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (GOOD, r"set.jsonl: two rows have the id '1'"),
        ("[" * 100_000, r"set.jsonl: line 2: not valid JSON: numbers too long or brackets too deep"),
        ('{"id": 9' + "9" * 5000 + "}", r"set.jsonl: line 2: not valid JSON: numbers too long"),
        ('{"id": "' + "x" * 5000 + '", "prompt": "x"}', r"line 2: id: 5,000 characters; an id has 1 to 200"),
        ('{"id": 2, "prompt": "x", "topics": ["' + "x" * 201 + '"]}', r"line 2: topics: String should have at"),
    ],
    ids=["twice", "brackets", "digits", "id", "topic"],
)
def test_a_second_row_twice_or_too_long_is_one_line(write: Write, row: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        prompts(write(f"{GOOD}\n{row}"))
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
        {"instruction": "Q", "source_id": "x", "output": ["<s>A</s>"], "id": 0},  # URIAL
    ],
)
def test_rows_as_the_fields_tools_write_them(write: Write, row: dict[str, Any]) -> None:
    assert answers(write(json.dumps([row]), "a.json")) == [
        ("0", "Q", row["output"] if isinstance(row["output"], str) else row["output"][0])
    ]


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


@pytest.mark.parametrize("case", cases("bad_answers"), ids=lambda case: case["says"])
def test_bad_answers_are_one_line(write: Write, case: dict[str, str]) -> None:
    with pytest.raises(InputError, match=case["says"]) as caught:
        answers(write(case["text"], case["file"]))
    assert "\n" not in str(caught.value)


def test_an_empty_answer_can_be_passed_over_as_the_complaint_says(write: Write) -> None:
    path = write('[{"prompt": "Hi", "answer": ""}, {"prompt": "Ho", "answer": "A"}]', "a.json")
    with pytest.raises(InputError) as caught:
        answers(path)
    advice = yaml.safe_load(str(caught.value).split("skip it with ")[1])
    assert answers(path, **advice) == [("2", "Ho", "A")]


def test_several_answers_are_never_dropped_in_silence(write: Write) -> None:
    path = write('[{"prompt": "Hi", "output": ["A", "B"]}]', "a.json")
    with pytest.raises(InputError, match=r"row 1: 2 answers; measure each with answers: all, or the first: first"):
        answers(path, answers="only")
    assert answers(path, answers="first") == [("1", "Hi", "A")]
    assert answers(path) == [("1", "Hi", "A"), ("1", "Hi", "B")]


def test_what_an_instruction_is_about_belongs_to_the_prompt(write: Write) -> None:
    rows = [
        {"instruction": "Put this into French.", "input": "Bread.", "output": "Pain."},
        {"instruction": "Name a bird.", "input": "", "output": "A stork."},
        {"instruction": "Sum up.", "context": "It rains.", "response": "Rain."},  # Dolly
        {"instruction": "Why?", "input": "<s>[INST] Why? [/INST]", "output": "So."},  # the prompt as a model saw it
    ]
    found = [row[1] for row in answers(write(json.dumps(rows), "a.json"))]
    assert found == ["Put this into French.\n\nBread.", "Name a bird.", "Sum up.\n\nIt rains.", "Why?"]


USER, REPLY = {"role": "user", "content": "Who bakes?"}, {"role": "assistant", "content": "The baker."}
PARTS = {"role": "user", "content": [{"type": "text", "text": "Who "}, {"type": "text", "text": "bakes?"}]}


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ({"messages": [USER, REPLY]}, None),
        ({"messages": [{"role": "system", "content": " "}, PARTS, REPLY]}, None),
        ({"conversations": [{"from": "human", "value": "Who bakes?"}, {"from": "gpt", "value": "The baker."}]}, None),
        ({"prompt": [USER], "chosen": [REPLY], "rejected": [REPLY]}, "chosen"),
        ({"prompt": "Who bakes?", "chosen": [USER, REPLY]}, "chosen"),
        ({"prompt": "Who bakes?", "messages": [USER, REPLY]}, None),
    ],
)
@pytest.mark.parametrize("kind", ["json", "parquet"])
def test_conversations_of_one_turn(write: Write, row: dict[str, Any], column: str | None, kind: str) -> None:
    path = write(json.dumps([row]), "a.json")
    if kind == "parquet" and PARTS not in row.get("messages", []):  # Arrow has no column of both text and parts
        path = path.with_suffix(".parquet")
        pq.write_table(pa.Table.from_pylist([row]), path)
    assert answers(path, columns={"answer": column}) == [("1", "Who bakes?", "The baker.")]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"messages": [USER]}, r"row 1: a conversation of 1 turns \(user\) holds no answer"),
        (
            {"messages": [REPLY, USER]},
            r"of 2 turns \(assistant, user\) holds no answer: no turn of the assistant behind",
        ),
        ({"messages": [{"role": 1, "content": "x"}]}, r"a turn of a conversation has role and content"),
        ({"prompt": "Who sleeps?", "messages": [USER, REPLY]}, r"asks something other than the prompt"),
        ({"messages": "text"}, r"prompt|answer"),
    ],
)
def test_other_conversations_are_one_line(write: Write, row: dict[str, Any], message: str) -> None:
    if row["messages"] == "text":
        assert answers(write(json.dumps([row]), "a.json"))[0][1] == "text"
        return
    with pytest.raises(InputError, match=message) as caught:
        answers(write(json.dumps([row]), "a.json"))
    assert "\n" not in str(caught.value)


def test_a_file_of_answers_brings_its_own_tags(write: Write) -> None:
    rows = [
        {"instruction": "A", "output": "x", "category": "regular", "task": "advice", "topic": ["food", "law"]},
        {"instruction": "B", "output": "x", "category": "safety", "tags": ["a", "b", "a", 3]},
        {"instruction": "C", "output": "x", "category": "writing", "harmful": False, "truths": ["blue"]},
        {"instruction": "D", "output": "x"},
    ]
    found = [a.prompt for a in read_answers(ResponseSettings(path=write(json.dumps(rows), "a.json")))]
    assert [(p.tasks, p.topics, p.harmful, p.truths) for p in found] == [
        (("advice",), ("food", "law"), False, ()),
        (("a", "b"), (), True, ()),
        (("writing",), (), False, ("blue",)),
        ((), (), None, ()),
    ]


@pytest.mark.parametrize("kind", ["json", "jsonl", "csv"])
def test_files_packed_by_gzip(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = {
        "json": json.dumps(ROWS),
        "jsonl": "\n".join(map(json.dumps, ROWS)),
        "csv": "id,prompt,answer\na,One?,Yes\n",
    }
    path = tmp_path / f"set.{kind}.gz"
    path.write_bytes(gzip.compress(text[kind].encode()))
    assert answers(path)[0][:2] == ("a", "One?")
    assert read_answers(ResponseSettings(path=path))[0].prompt.set == "set"
    path.write_bytes(gzip.compress(text[kind].encode())[:-9])
    with pytest.raises(InputError, match=r"not a whole gzip file"):
        answers(path)
    path.write_bytes(text[kind].encode())
    with pytest.raises(InputError, match=r"cannot be read: Not a gzipped file"):
        answers(path)
    monkeypatch.setattr("tds_atlas.inputs.rows._UNPACKED", 2**20)
    path.write_bytes(gzip.compress(bytes(2**20 + 1)))
    with pytest.raises(InputError, match=r"unpacks to more than 1 MB; unpack it first"):
        answers(path)


def test_files_packed_by_zstandard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, text = tmp_path / "set.jsonl.zst", "\n".join(map(json.dumps, ROWS))
    with pa.CompressedOutputStream(str(path), "zstd") as file:
        file.write(text.encode())
    whole = path.read_bytes()
    assert answers(path) == [(r["id"], r["prompt"], r["answer"]) for r in ROWS]
    assert read_answers(ResponseSettings(path=path))[0].prompt.set == "set"
    for damaged in (whole[:-1], whole[: len(whole) // 2], text.encode()):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"set.jsonl.zst: not a whole Zstandard file"):
            answers(path)
    path.write_bytes(whole)
    monkeypatch.setattr("tds_atlas.inputs.rows._UNPACKED", 20)
    with pytest.raises(InputError, match=r"unpacks to more than 0 MB; unpack it first"):
        answers(path)


def test_other_compressions_are_named(write: Write) -> None:
    for name in ("a.jsonl.xz", "a.parquet.gz", "a.parquet.zst", "a.zip"):
        with pytest.raises(InputError, match=r"compressed; unpack it first"):
            answers(write("x", name))


def test_rows_that_cannot_be_used_are_passed_over_and_counted(write: Write) -> None:
    rows = [{"prompt": "A", "answer": ""}, {"prompt": "B", "answer": "b"}, {"prompt": "", "answer": "c"}, 5]
    path, lines = write(json.dumps(rows), "a.json"), []
    (answer,) = read_answers(ResponseSettings(path=path, on_error="skip"), (), lines)
    assert answer.prompt.text == "B"
    assert [line.split(": ")[1] for line in lines] == ["row 1", "row 3", "row 4"]
    good = write(GOOD + '\n{"id": 2}', "p.jsonl")
    assert len(read_prompts(PromptSettings(path=good, on_error="skip"), lines)) == 1
    assert len(lines) == 4 and "p.jsonl: line 2: prompt: Field required" in lines[-1]
    bad = write('[{"prompt": "A", "answer": ""}]', "b.json")
    with pytest.raises(InputError, match=r"b.json: no row can be used; the first: .*row 1: the answer is empty"):
        read_answers(ResponseSettings(path=bad, on_error="skip"), (), [])


@pytest.mark.parametrize(
    ("name", "text", "lines"),
    [
        ("a.jsonl", '{"prompt": "A", "answer": "a"}\n{"prompt": \n\n{"prompt": "B", "answer": "b"}\n]', ["line 2: not valid JSON: ", "line 5: not valid JSON: "]),
        ("a.jsonl", '{"prompt": "A", "answer": "a"}\n{"id": 1, "id": 2}\n{"prompt": "B", "answer": "b"}', ["line 2: not valid JSON: the key 'id' is given twice"]),
        ("a.csv", "prompt,answer\nA,a\nx\nB,b\n1,2,3\n", ["row 2: does not have 2 fields", "row 4: does not have 2 fields"]),
    ],
)  # fmt: skip
def test_rows_that_cannot_be_read_are_passed_over_and_counted(
    write: Write, name: str, text: str, lines: list[str]
) -> None:
    path, said = write(text, name), list[str]()
    read = read_answers(ResponseSettings(path=path, on_error="skip"), (), said)
    assert [(a.prompt.text, a.text) for a in read] == [("A", "a"), ("B", "b")]
    assert len(said) == len(lines) and all(s.startswith(f"{name}: {line}") for s, line in zip(said, lines, strict=True))
    with pytest.raises(InputError, match=rf"{name}: {lines[0]}"):
        read_answers(ResponseSettings(path=path), (), [])
    bad = write("{\n}}", "b.jsonl")
    with pytest.raises(InputError, match=r"b.jsonl: no row can be used; the first: b.jsonl: line 1: not valid JSON"):
        read_prompts(PromptSettings(path=bad, on_error="skip"))


def test_a_row_passed_over_takes_no_prompt_from_the_next(write: Write) -> None:
    known = (Prompt("one", "Hi", "other"),)
    rows = '[{"id": 1, "prompt": "Hi", "answer": ""}, {"id": 2, "prompt": "Hi", "answer": "x"}]'
    (answer,) = read_answers(ResponseSettings(path=write(rows, "a.json"), on_error="skip"), known)
    assert answer.prompt.prompt_id == "one"


def test_parquet_text_that_is_not_utf8(tmp_path: Path) -> None:
    texts = pa.array([b"fine", b"\xff"], pa.binary())
    column = pa.Array.from_buffers(pa.string(), 2, texts.buffers())
    pq.write_table(pa.table({"prompt": column, "answer": ["x", "y"]}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"a.parquet: row 2: cannot be read: .*utf-8") as caught:
        answers(tmp_path / "a.parquet")
    assert "\n" not in str(caught.value)


def test_a_page_of_parquet_that_was_damaged_is_refused_where_it_has_a_checksum(tmp_path: Path) -> None:
    file, table = tmp_path / "a.parquet", pa.table({"prompt": ["a", "b"], "answer": ["left", "right"]})
    options = {"compression": "none", "use_dictionary": False, "write_statistics": False}
    for checked in (False, True):
        pq.write_table(table, file, write_page_checksum=checked, **options)
        file.write_bytes(file.read_bytes().replace(b"right", b"wrong"))
        if not checked:
            assert [text for _, _, text in answers(file)] == ["left", "wrong"]
    with pytest.raises(InputError, match=r"a.parquet: not a readable Parquet file: .*checksum"):
        answers(file)


def test_null_and_repeated_values_in_a_table(write: Write, tmp_path: Path) -> None:
    pq.write_table(pa.table({"prompt": ["a", None], "answer": ["x", "y"]}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"a.parquet: row 2: prompt: Input should be a valid string"):
        answers(tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"a.csv: two rows have the id 'x'; ids must differ"):
        answers(write("id,prompt,answer\nx,a,b\nx,c,d\n", "a.csv"))
    known = (Prompt("1", "a", "set"), Prompt("2", "c", "set"))  # whose ids the rows would get
    with pytest.raises(InputError, match=r"c.csv: two rows have the id 'x'; ids must differ"):
        answers(write("id,prompt,answer\nx,a,b\nx,c,d\n", "c.csv"), known)
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
    (tmp_path / "two").mkdir()
    for name, row in zip(("one", "two"), ROWS, strict=True):
        pq.write_table(pa.Table.from_pylist([row]), tmp_path / "two" / f"{name}.parquet")
    configs = [{"config_name": name, "data_files": f"{name}.parquet"} for name in ("one", "two")]
    (tmp_path / "two" / "README.md").write_text(f"---\n{yaml.safe_dump({'configs': configs})}---\n", encoding="utf-8")
    chosen = ResponseSettings(hub=str(tmp_path / "two"), revision="main", config="two")
    assert [a.text for a in read_answers(chosen)] == [ROWS[1]["answer"]]
    with pytest.raises(ValueError, match="config is the configuration of a dataset on the hub: give hub"):
        ResponseSettings(path=tmp_path, config="two")
    with pytest.raises(InputError, match=r"responses: .*mine at main: .*test") as caught:
        read_answers(ResponseSettings(hub=str(tmp_path / "mine"), revision="main", split="test"))
    assert "\n" not in str(caught.value)
