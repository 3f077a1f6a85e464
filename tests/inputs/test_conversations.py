"""Conversations in files of other tools: what is measured behind which turns, and the line each bad row gets.

The files are made here in the shape that each tool writes.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tds_atlas.domain import Answer, InputError, Prompt, Turn
from tds_atlas.inputs.prompts import read_answers, read_prompts
from tds_atlas.inputs.settings import PromptSettings, ResponseSettings

SAID = ["Name a bird.", "A stork.", "Where does it sleep?", "On roofs.", "Why?", "They are warm."]
SHAREGPT = [{"from": ("human", "gpt")[i % 2], "value": text} for i, text in enumerate(SAID)]
MESSAGES = [{"role": ("user", "assistant")[i % 2], "content": text} for i, text in enumerate(SAID)]
SYSTEM = {"role": "system", "content": "You know birds."}


def write(folder: Path, rows: list[Any], name: str = "a.jsonl") -> Path:
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder / name


def read(folder: Path, rows: list[Any], known: tuple[Prompt, ...] = (), **settings: Any) -> list[Answer]:
    return list(read_answers(ResponseSettings(path=write(folder, rows), **settings), known))


def shape(answers: list[Answer]) -> list[tuple[str, list[str], str]]:
    """Name, the texts before the answer, and the answer."""
    return [(a.answer_id, [turn.text for turn in a.prompt.whole], a.text) for a in answers]


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ({"messages": MESSAGES}, "OpenAI messages"),
        ({"prompt": "Name a bird.", "messages": MESSAGES}, "OpenAI messages"),  # ultrachat_200k
        ({"conversations": SHAREGPT}, "ShareGPT conversations"),
        ({"data": SAID}, "UltraChat"),
        ({"prompt": MESSAGES[:-1], "completion": "They are warm."}, "prompts"),
        ({"prompt": MESSAGES[:-1], "completion": [MESSAGES[-1]]}, "prompts"),
        ({"messages": [*MESSAGES, {"role": "user", "content": "Oh."}]}, "OpenAI messages"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_the_last_answer_is_measured_behind_all_turns_before_it(
    tmp_path: Path, row: dict[str, Any], kind: str, packed: bool
) -> None:
    path, files = write(tmp_path, [{"id": "x"} | row]), list[str]()
    if packed:
        path = path.with_suffix(".parquet")
        pq.write_table(pa.Table.from_pylist([{"id": "x"} | row]), path)
    found = list(read_answers(ResponseSettings(path=path), (), None, files))
    assert shape(found) == [("x", SAID[:-1], SAID[-1])]
    assert found[0].prompt.text == "Why?" and [turn.role for turn in found[0].prompt.turns] == [
        "user",
        "assistant",
    ] * 2 + ["user"]
    assert files == [f"{path.name}: {kind}, 1 rows, 1 prompts with several turns"]


def test_each_answer_of_a_conversation(tmp_path: Path) -> None:
    rows = [{"id": "x", "messages": [SYSTEM, *MESSAGES]}, {"id": "y", "messages": MESSAGES[:2]}]
    found = read(tmp_path, rows, turns="all")
    assert shape(found) == [(f"x@{n}", ["You know birds.", *SAID[: 2 * n - 1]], SAID[2 * n - 1]) for n in (1, 2, 3)] + [
        ("y", SAID[:1], SAID[1])
    ]
    keys = [answer.prompt.cluster_key for answer in found]
    assert keys[0] == keys[1] == keys[2] != keys[3] == "Name a bird."
    assert shape(read(tmp_path, rows, turns="all", leave_out=["x@2", "y"])) == [shape(found)[0], shape(found)[2]]
    assert shape(read(tmp_path, rows, turns="all", limit=1)) == shape(found)[:3]


def test_both_answers_of_a_pair(tmp_path: Path) -> None:
    rows = [
        {"prompt": "Name a bird.", "chosen": "A stork.", "rejected": "No."},
        {"prompt": MESSAGES[:3], "chosen": [MESSAGES[3]], "rejected": [{"role": "assistant", "content": "No."}]},
        {
            "prompt": "Name a bird.",
            "chosen": MESSAGES[:2],
            "rejected": [MESSAGES[0], {"role": "assistant", "content": "No."}],
        },
        {
            "chosen": "\n\nHuman: Name a bird.\n\nAssistant: A stork.\n\nHuman: Where does it sleep?\n\nAssistant: On roofs.",
            "rejected": "\n\nHuman: Name a bird.\n\nAssistant: A stork.\n\nHuman: Where does it sleep?\n\nAssistant: No.",
        },
    ]
    found = read(tmp_path, rows)
    assert shape(found) == [
        pair
        for i, turns, answer in ((1, 1, "A stork."), (2, 3, "On roofs."), (3, 1, "A stork."), (4, 3, "On roofs."))
        for pair in ((f"{i}#chosen", SAID[:turns], answer), (f"{i}#rejected", SAID[:turns], "No."))
    ]
    assert all(a.prompt == b.prompt for a, b in zip(found[::2], found[1::2], strict=True))
    told = read(tmp_path, [rows[0] | {"answer": "An owl."}])  # the row's own answer comes first
    assert shape(told) == [("1", ["Name a bird."], "An owl.")]
    one = read(tmp_path, rows[:1], columns={"answer": "rejected"})
    assert shape(one) == [("1", ["Name a bird."], "No.")]


def test_what_both_answers_of_a_pair_follow_is_measured_once(tmp_path: Path) -> None:
    no = {"role": "assistant", "content": "No."}
    found = read(tmp_path, [{"chosen": MESSAGES[:4], "rejected": [*MESSAGES[:3], no]}], turns="all")
    assert shape(found) == [
        ("1@1#chosen", SAID[:1], "A stork."),
        ("1@2#chosen", SAID[:3], "On roofs."),
        ("1@2#rejected", SAID[:3], "No."),
    ]
    equal = read(tmp_path, [{"prompt": "Name a bird.", "chosen": "A stork.", "rejected": "A stork."}])
    assert [answer.answer_id for answer in equal] == ["1#chosen", "1#rejected"]


def test_a_pair_that_parts_early_is_one_conversation(tmp_path: Path) -> None:
    other = [MESSAGES[0], {"role": "assistant", "content": "A rook."}, *MESSAGES[2:]]
    found = read(tmp_path, [{"chosen": MESSAGES, "rejected": other}])
    assert [answer.answer_id for answer in found] == ["1", "1#rejected"] or [answer.answer_id for answer in found] == [
        "1#chosen",
        "1#rejected",
    ]
    assert found[0].prompt.prompt_id != found[1].prompt.prompt_id
    assert found[0].prompt.cluster_key == found[1].prompt.cluster_key


def test_several_answers_are_samples_of_one_prompt(tmp_path: Path) -> None:
    rows = [
        {"id": "a", "prompt": "Name a bird.", "output": ["A stork.", "A rook.", "An owl."]},
        {"id": "a", "prompt": "Name a bird.", "output": "A gull."},
        {"id": "b", "messages": MESSAGES[:2]},
        {"id": "c", "messages": MESSAGES[:3], "output": ["On roofs.", "On roofs."]},
    ]
    found = read(tmp_path, rows)
    assert shape(found) == [
        ("a", ["Name a bird."], "A stork."),
        ("a#2", ["Name a bird."], "A rook."),
        ("a#3", ["Name a bird."], "An owl."),
        ("a#4", ["Name a bird."], "A gull."),
        ("b", ["Name a bird."], "A stork."),
        ("c", SAID[:3], "On roofs."),
        ("c#2", SAID[:3], "On roofs."),
    ]
    known = (Prompt("known", "Name a bird.", "set"),)
    assert [a.answer_id for a in read(tmp_path, rows, known)] == [
        *("known", "known#2", "known#3", "known#4", "b", "c", "c#2")
    ]
    assert len(read(tmp_path, rows, limit=1)) == 3
    with pytest.raises(InputError, match=r"a.jsonl: two rows have the id 'a'; ids must differ"):
        read(tmp_path, [rows[0], {"id": "a", "prompt": "Name a tree.", "output": "An oak."}])


def test_questions_of_mt_bench_and_their_answers(tmp_path: Path) -> None:
    questions = [{"question_id": 81, "category": "writing", "turns": [SAID[0], SAID[2]]}]
    path, files = write(tmp_path, questions, "question.jsonl"), list[str]()
    (prompt,) = read_prompts(PromptSettings(path=path), None, files)
    assert (prompt.prompt_id, prompt.text, prompt.tasks, prompt.turns) == ("81", SAID[0], ("writing",), ())
    assert files == [
        "question.jsonl: MT-bench questions, 1 rows, 1 whose further questions are asked only behind ready answers"
    ]
    choices = [{"index": 0, "turns": [SAID[1], SAID[3]]}, {"index": 1, "turns": ["A rook.", "In trees."]}]
    rows = [{"question_id": 81, "answer_id": "q", "model_id": "m", "choices": choices, "tstamp": 1.0}]
    assert shape(read(tmp_path, rows, (prompt,), turns="all")) == [
        ("81", SAID[:1], SAID[1]),
        ("81@2", SAID[:3], SAID[3]),
        ("81#2", SAID[:1], "A rook."),
        ("81#2@2", [SAID[0], "A rook.", SAID[2]], "In trees."),
    ]
    last = read(tmp_path, rows, (prompt,))
    assert [a.answer_id for a in last] == ["81@2", "81#2@2"]
    assert [a.text for a in last] == ["On roofs.", "In trees."] and all(a.prompt.tasks == ("writing",) for a in last)
    assert {a.prompt.cluster_key for a in last} == {
        a.prompt.cluster_key for a in read(tmp_path, rows, (prompt,), turns="all")
    }
    with pytest.raises(InputError, match=r"line 1: MT-bench answers name their question by its id: '81' is not in pr"):
        read(tmp_path, rows)


def test_answers_that_name_their_prompt_by_its_id(tmp_path: Path) -> None:
    known = (Prompt("a", "Name a bird.", "set", ("birds",)), Prompt("b", "Name a bird.", "set"))
    (answer,) = read(tmp_path, [{"id": "b", "answer": "A stork."}], known)
    assert answer.prompt == known[1]


@pytest.mark.parametrize("name", ["p.jsonl", "p.parquet"])
def test_prompts_as_conversations(tmp_path: Path, name: str) -> None:
    rows: list[Any] = [{"messages": [SYSTEM, *MESSAGES[:5]]}, {"messages": MESSAGES[:4]}]
    path = write(tmp_path, rows)
    if name.endswith("parquet"):
        path = tmp_path / name
        pq.write_table(pa.Table.from_pylist(rows), path)
    first, second = read_prompts(PromptSettings(path=path))
    assert first.turns[0] == Turn("system", "You know birds.") and len(first.turns) == 6 and first.text == "Why?"
    assert [turn.text for turn in second.whole] == SAID[:3] and (first.prompt_id, second.prompt_id) == ("1", "2")
    every = read_prompts(PromptSettings(path=path, turns="all"))
    assert [p.prompt_id for p in every] == ["1@1", "1@2", "1@3", "2@1", "2@2"]


def test_prompts_of_other_tools_and_columns(tmp_path: Path) -> None:
    rows = [
        {"instruction": "Sum up.", "input": "It rains.", "output": "Rain."},
        {"prompt": MESSAGES[:1], "chosen": [MESSAGES[1]], "rejected": [MESSAGES[1]]},
        {"data": SAID[:3]},
    ]
    found = read_prompts(PromptSettings(path=write(tmp_path, rows)))
    assert [(p.text, len(p.whole)) for p in found] == [("Sum up.\n\nIt rains.", 1), ("Name a bird.", 1), (SAID[2], 3)]
    path = write(tmp_path, [{"name": 7, "ask": "Who?"}])
    (named,) = read_prompts(PromptSettings(path=path, columns={"id": "name", "prompt": "ask"}))
    assert (named.prompt_id, named.text) == ("7", "Who?")


def test_tool_calls_go_along(tmp_path: Path) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Rome"}'}}
    turns = [
        {"role": "user", "content": "Is it hot?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "31"},
        {"role": "assistant", "content": "Yes."},
    ]
    tools = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
    (answer,) = read(tmp_path, [{"messages": turns, "tools": tools}])
    assert [turn.role for turn in answer.prompt.turns] == ["tools", "user", "assistant", "tool"]
    assert json.loads(answer.prompt.turns[0].text) == tools
    assert json.loads(answer.prompt.turns[2].more)["tool_calls"][0]["function"]["arguments"] == {"city": "Rome"}
    assert json.loads(answer.prompt.turns[3].more) == {"tool_call_id": "c1"} and answer.text == "Yes."
    assert [a.text for a in read(tmp_path, [{"messages": turns}], turns="all")] == ["Yes."]
    with pytest.raises(InputError, match=r"line 1: the last turn of the assistant calls a tool and says nothing"):
        read(tmp_path, [{"messages": turns[:2]}])


IMAGE = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}, {"type": "text", "text": "?"}]}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"messages": [IMAGE, MESSAGES[1]]}, r"line 1: a turn holds an image; only text is measured"),
        (
            {"messages": [{"role": "wizard", "content": "x"}]},
            r"line 1: a turn of 'wizard'; those who speak are system, d",
        ),
        ({"messages": [{"role": "user", "content": "\ud83d"}]}, r"line 1: the turn of user: holds half a character"),
        ({"prompt": MESSAGES[:1], "output": []}, r"line 1: the answer is empty"),
        ({"prompt": MESSAGES[:1], "output": [7]}, r"line 1: the answer is neither a text nor a list of turns"),
        ({"prompt": [7], "messages": MESSAGES[:2]}, r"line 1: the prompt is neither a text nor a list of turns"),
        ({"prompt": "x", "chosen": 7, "rejected": "y"}, r"line 1: the answer is neither a text nor a list of turns"),
        ({"question_id": "a\nb", "choices": []}, r"by its id: 'a\\\\nb' is not in prompts"),
        ({"messages": MESSAGES[:2], "tools": "{"}, r"line 1: tools: not a list of functions"),
        ({"prompt": MESSAGES[:2], "answer": "A rook."}, r"the prompt ends with the assistant's turn, and the answer"),
        (
            {"prompt": MESSAGES[:3], "chosen": MESSAGES[:2], "rejected": MESSAGES[:2]},
            r"asks something other than the p",
        ),
        ({"messages": [MESSAGES[0], {"role": "assistant", "content": ""}]}, r"line 1: the answer is empty; skip it wi"),
    ],
)
def test_bad_conversations_are_one_line(tmp_path: Path, row: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read(tmp_path, [row])
    assert "\n" not in str(caught.value)
    assert read(tmp_path, [row, {"messages": MESSAGES}], on_error="skip")[0].text == SAID[-1]


WORDS = [
    "Hi",
    "",
    None,
    1,
    True,
    2.5,
    "user",
    "assistant",
    "x",
    "\n\nHuman: a\n\nAssistant: b",
    "image_url",
    "[",
    "\ud83d",
]
KEYS = [
    "id",
    "prompt",
    "messages",
    "conversations",
    "data",
    "chosen",
    "rejected",
    "turns",
    "choices",
    "question_id",
    "answer",
    "output",
    "instruction",
    "input",
    "tools",
    "system",
    "role",
    "content",
    "from",
    "value",
    "tool_calls",
    "type",
    "text",
    "function",
    "arguments",
]


def _anything(draw: random.Random, depth: int) -> Any:
    kind = draw.randrange(4) if depth else 0
    if kind == 1:
        return [_anything(draw, depth - 1) for _ in range(draw.randrange(4))]
    if kind == 2:
        return {"role": draw.choice(["user", "assistant", "system", "x"]), "content": _anything(draw, depth - 1)}
    return {key: _anything(draw, depth - 1) for key in draw.sample(KEYS, 4)} if kind else draw.choice(WORDS)


def test_whatever_a_row_holds_it_is_read_or_one_line(tmp_path: Path) -> None:
    draw, read_well = random.Random(5), 0
    for _ in range(1500):
        path = write(tmp_path, [{key: _anything(draw, 3) for key in draw.sample(KEYS, draw.randrange(1, 7))}])
        for settings, load in ((PromptSettings, read_prompts), (ResponseSettings, read_answers)):
            try:
                load(settings(path=path, turns=draw.choice(["last", "all"])))
                read_well += 1
            except InputError as error:
                assert "\n" not in str(error)
    assert read_well > 5
