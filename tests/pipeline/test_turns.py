"""Conversations from a file to the database: what is stored, under which names, in which clusters."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
import torch
import yaml
from transformers import AutoModelForCausalLM, AutoTokenizer

from tds_atlas.domain import Answer, InputError, Prompt, Turn
from tds_atlas.inputs.settings import ContextSettings
from tds_atlas.pipeline.check import check
from tds_atlas.pipeline.identity import of_answer, of_context, of_prompt
from tds_atlas.pipeline.plan import read_plan
from tds_atlas.pipeline.steps import measure

TALK = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "What is blue?"},
    {"role": "assistant", "content": "The sky is blue."},
    {"role": "user", "content": "And the sea?"},
    {"role": "assistant", "content": "So is the sea."},
]
ROWS = [{"id": "talk", "messages": TALK}]
PAIRS = [{"id": "pair", "prompt": TALK[:4], "chosen": TALK[4:], "rejected": [{"role": "assistant", "content": "No."}]}]


def test_the_names_of_shards_of_plain_prompts_stay() -> None:
    """What decides a shard's name is what it was before there were turns."""
    plain = Prompt("a", "Hi", "s", later=("more",), conversation="x")
    assert of_prompt(plain) == ("a", "Hi") and of_answer(Answer(plain, "Yes.")) == ("a", "Hi", "Yes.")
    assert of_answer(Answer(plain, "Yes.", sample="2")) == ("a", "Hi", "Yes.", "2")
    turns = (Turn("system", "Be kind."), Turn("user", "Hi"))
    assert of_prompt(Prompt("a", "Hi", "s", turns=turns)) == (
        "a",
        "Hi",
        [("system", "Be kind.", ""), ("user", "Hi", "")],
    )
    settings = ContextSettings(kind="chat").model_dump()
    assert of_context(ContextSettings(kind="chat")) == settings and "continue_final" not in settings
    assert of_context(ContextSettings(kind="chat", continue_final=True)) == settings | {"continue_final": True}


def report(project: Path, rows: list[dict[str, Any]], **file: Any) -> Path:
    """The tiny report over a file of answers."""
    settings = yaml.safe_load((project / "report.yml").read_text(encoding="utf-8"))
    (project / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    settings |= {"responses": {"rows": {"path": "rows.jsonl"} | file}}
    settings["comparisons"] = [settings["comparisons"][0] | {"responses": "rows"}]
    settings.pop("prompts")
    (project / "talk.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    return project / "talk.yml"


def query(project: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(project / "data/tds.duckdb"), read_only=True) as con:
        return con.execute(sql).fetchall()


def slow(folder: Path, messages: list[dict[str, str]], answer: str) -> list[float]:
    """What the aligned model says about each token of an answer behind the library's own rendering."""
    words = AutoTokenizer.from_pretrained(folder)
    before = words.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    head, ids = (words(text, add_special_tokens=False)["input_ids"] for text in (before, answer))
    with torch.inference_mode():
        logits = AutoModelForCausalLM.from_pretrained(folder)(torch.tensor([[*head, *ids]])).logits[0]
    return [float(row.log_softmax(-1)[i]) for row, i in zip(logits[len(head) - 1 :], ids, strict=False)]


@pytest.mark.parametrize(("turns", "names"), [("last", ["talk"]), ("all", ["talk@1", "talk@2"])])
def test_every_answer_is_scored_behind_the_turns_before_it(project: Path, turns: str, names: list[str]) -> None:
    plan = read_plan(report(project, ROWS, turns=turns))
    kinds = [line.strip() for line in check(plan) if "rows.jsonl" in line]
    more = ", 2 prompts with several turns, 2 with a system message" if turns == "all" else ""
    assert kinds == [
        f"rows.jsonl: OpenAI messages, 1 rows{more or ', 1 prompts with several turns, 1 with a system message'}"
    ]
    measure(plan)
    sql = """SELECT prompt_id, list(logprob ORDER BY pos) FROM score JOIN response USING (response_id)
             WHERE score.condition_id LIKE 'sft%' GROUP BY prompt_id"""
    said = dict(query(project, sql))
    assert sorted(said) == names
    for name in names:
        end = 2 if name == "talk@1" else 4
        assert said[name] == pytest.approx(slow(project / "sft", TALK[:end], TALK[end]["content"]), abs=2e-4)
    told = query(
        project, "SELECT number, speaker, text FROM turn WHERE prompt_id = $$" + names[-1] + "$$ ORDER BY number"
    )
    assert told == [(i, turn["role"], turn["content"]) for i, turn in enumerate(TALK[:4], 1)]
    assert query(project, "SELECT DISTINCT cluster_id FROM prompt_cluster") == [(names[0],)]
    assert query(project, f"SELECT text FROM prompt WHERE prompt_id = '{names[-1]}'") == [("And the sea?",)]


def test_answers_to_one_prompt_are_one_cluster(project: Path) -> None:
    again = {"id": "again", "prompt": TALK[:4], "chosen": TALK[4:], "rejected": TALK[4:]}
    measure(read_plan(report(project, [*PAIRS, again])))
    sql = "SELECT response_id, prompt_id, sample, number, answers, page FROM response JOIN response_page USING (response_id)"
    assert query(project, sql + " ORDER BY page") == [
        ("rows/pair#chosen", "pair", "chosen", 1, 2, "1"),
        ("rows/pair#rejected", "pair", "rejected", 2, 2, "1-2"),
        ("rows/again#chosen", "again", "chosen", 1, 2, "2"),
        ("rows/again#rejected", "again", "rejected", 2, 2, "2-2"),
    ]
    assert query(project, "SELECT prompt_id, cluster_id FROM prompt_cluster ORDER BY ALL") == [
        ("again", "pair"),
        ("pair", "pair"),
    ]
    assert query(project, "SELECT DISTINCT cluster_id FROM tds") == [("pair",)]
    (lines,) = query(project, "SELECT count(*) FROM reading")[0]
    assert lines == 2 * 2  # once for each prompt and condition, however many answers it has


def test_one_id_for_two_conversations_is_one_line(project: Path) -> None:
    path = report(project, ROWS)
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    other = {"id": "talk", "messages": [*TALK[:3], {"role": "user", "content": "Why?"}, TALK[4]]}
    (project / "other.jsonl").write_text(json.dumps(other), encoding="utf-8")
    settings["responses"]["other"] = {"path": "other.jsonl"}
    settings["comparisons"].append(settings["comparisons"][0] | {"id": "other", "responses": "other"})
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    with pytest.raises(
        InputError, match=r"talk.yml: two prompts have the id 'talk', one from rows, another from other"
    ):
        measure(read_plan(path))
