"""Thinking before an answer: told apart in the database, never doubled, whether a file's answers carry it or not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from tds_atlas.pipeline.check import check
from tds_atlas.pipeline.plan import read_plan
from tds_atlas.pipeline.steps import measure

LOOP = "{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>{{ m.content }}\n{% endfor %}"
OPENS = LOOP + "{% if add_generation_prompt %}<|assistant|><think>\n{% endif %}"
CLOSED = LOOP + "{% if add_generation_prompt %}<|assistant|>{% endif %}"
THOUGHT, SAID = "Let me see.\n</think>\n\n", "The sky is blue."


def told(project: Path, answer: str, **context: Any) -> tuple[str, list[tuple[str, int, str]]]:
    """What stands before the answer, and the segments with their first positions and their texts."""
    settings = yaml.safe_load((project / "report.yml").read_text(encoding="utf-8"))
    (project / "rows.jsonl").write_text(json.dumps({"id": "a", "prompt": "Why?", "answer": answer}), encoding="utf-8")
    settings |= {
        "responses": {"rows": {"path": "rows.jsonl"}},
        "contexts": settings["contexts"] | {"chat": {"kind": "chat"} | context},
    }
    settings["comparisons"] = [settings["comparisons"][0] | {"responses": "rows"}]
    settings.pop("prompts")
    (project / "think.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    measure(read_plan(project / "think.yml"))
    sql = """
        SELECT segment, min(pos), string_agg(substring(text, char_start + 1, char_end - char_start), '' ORDER BY pos)
        FROM tds JOIN "position" USING (response_id, pos, segment) JOIN response USING (response_id)
        WHERE pos - segment_start = segment_pos
        GROUP BY segment, segment_start ORDER BY 2"""
    with duckdb.connect(str(project / "data/tds.duckdb"), read_only=True) as con:
        ((card,),) = con.execute("SELECT prompt_card FROM condition WHERE context_id = 'chat'").fetchall()
        return card, con.execute(sql).fetchall()


@pytest.mark.parametrize("opened", [True, False])
def test_thinking_that_an_answer_carries_stands_once(project: Path, opened: bool) -> None:
    card, parts = told(project, f"<think>\n{THOUGHT}{SAID}", template=OPENS if opened else CLOSED)
    written = "" if opened else "<think>\n"
    assert [(name, text) for name, _, text in parts] == [("thinking", written + THOUGHT), ("answer", SAID)]
    assert (card + "".join(text for *_, text in parts)).count("<think>") == 1


def test_an_answer_without_thinking_stands_behind_none(project: Path) -> None:
    card, parts = told(project, SAID, template=OPENS, continue_final=True)
    assert card.endswith("<|assistant|>") and [(name, text) for name, _, text in parts] == [("answer", SAID)]


def test_thinking_that_was_cut_off(project: Path) -> None:
    _, parts = told(project, "Let me see", template=OPENS)
    assert [(name, text) for name, _, text in parts] == [("thinking", "Let me see")]


THINKS = (
    "{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>"
    "{% if m.reasoning_content %}<think>\n{{ m.reasoning_content }}\n</think>\n\n{% endif %}{{ m.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{{ opened }}{% endif %}"
)


def kept_apart(
    project: Path, answer: dict[str, str], opened: str = "", template: str = THINKS
) -> list[tuple[str, str]]:
    """The prompt's last words and the segments of an answer whose thinking is a field of its turn."""
    settings = yaml.safe_load((project / "report.yml").read_text(encoding="utf-8"))
    row = {"id": "a", "messages": [{"role": "user", "content": "Why?"}, {"role": "assistant"} | answer]}
    (project / "rows.jsonl").write_text(json.dumps(row), encoding="utf-8")
    chat = {"kind": "chat", "template": template, "template_kwargs": {"opened": opened}}
    settings |= {"responses": {"rows": {"path": "rows.jsonl"}}, "contexts": settings["contexts"] | {"chat": chat}}
    settings["comparisons"] = [settings["comparisons"][0] | {"responses": "rows"}]
    settings.pop("prompts")
    (project / "think.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    measure(read_plan(project / "think.yml"))
    with duckdb.connect(str(project / "data/tds.duckdb"), read_only=True) as con:
        ((card,),) = con.execute("SELECT prompt_card FROM condition WHERE context_id = 'chat'").fetchall()
        sql = """
            SELECT segment, string_agg(substring(text, char_start + 1, char_end - char_start), '' ORDER BY pos)
            FROM "position" JOIN response USING (response_id) GROUP BY segment ORDER BY min(pos)"""
        return [("before", card.rpartition("<|assistant|>")[2]), *con.execute(sql).fetchall()]


@pytest.mark.parametrize("opened", ["", "<think>\n"])
@pytest.mark.parametrize("carried", [False, True])
def test_thinking_that_a_file_keeps_apart_is_written_once(project: Path, opened: str, carried: bool) -> None:
    """As the template writes it, from where it has begun; an answer that carries its thinking too has it once."""
    whole = f"<think>\nLet me see.\n</think>\n\n{SAID}"
    answer = {"content": whole if carried else SAID, "reasoning_content": "Let me see."}
    before, thinking, said = kept_apart(project, answer, opened)
    assert before == ("before", opened) and said == ("answer", SAID)
    assert thinking[0] == "thinking" and opened + thinking[1] + said[1] == whole


def test_thinking_alone_and_thinking_that_no_template_writes(project: Path) -> None:
    cut = {"content": "", "reasoning_content": "Let me"}
    assert kept_apart(project, cut)[1:] == [("thinking", "<think>\nLet me")]
    whole = {"content": SAID, "reasoning_content": "Let me see."}
    assert kept_apart(project, whole, "<think>\n\n</think>\n\n")[1:] == [("answer", SAID)]  # closed already
    assert kept_apart(project, whole, template=CLOSED)[1:] == [("answer", SAID)]
    (said,) = (line for line in check(read_plan(project / "think.yml")) if "thinking apart" in line)
    assert said.strip() == "1 of 1 answers hold thinking apart, which the context writes nowhere: it is not measured"
