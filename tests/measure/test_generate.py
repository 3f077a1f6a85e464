"""Answers: batched generation against unbatched greedy decoding, and ready answers from a file."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tds_atlas.domain import InputError, Response
from tds_atlas.pipeline.cards import write_cards
from tds_atlas.pipeline.plan import read_plan
from tds_atlas.pipeline.responses import write_responses
from tds_atlas.pipeline.sides import lazy_models
from tds_atlas.pipeline.steps import measure
from tds_atlas.record.shards import read_responses


def answers(report: Path) -> dict[str, Response]:
    plan = read_plan(report)
    models = lazy_models(plan)
    write_cards(plan, models)
    write_responses(plan, models)
    return {r.response_id: r for _, shard in plan.response_shards() for r in read_responses(shard)}


def greedy(folder: Path, prompt: str, limit: int) -> list[int]:
    """One token at a time, whole prefix, batch of one."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    turns = [{"role": "user", "content": prompt}]
    head = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    ids, out = tokenizer(head, add_special_tokens=False)["input_ids"], []
    with torch.no_grad():
        while len(out) < limit and (not out or out[-1] != model.config.eos_token_id):
            out.append(model(torch.tensor([ids + out])).logits[0, -1].argmax().item())
    return out


def test_batched_generation_equals_unbatched_greedy_decoding(project: Path) -> None:
    made, plan = answers(project / "report.yml"), read_plan(project / "report.yml")
    for prompt in plan.prompt_set:
        assert list(made[f"sft·chat/{prompt.prompt_id}"].token_ids) == greedy(project / "sft", prompt.text, 24)


def test_the_text_is_the_ids_and_the_spans_tile_it(project: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(project / "sft")
    for response in answers(project / "report.yml").values():
        ids = response.token_ids[:-1] if response.has_end else response.token_ids
        assert response.text == tokenizer.decode(ids)
        ends = [0, *(end for _, end in response.spans)]
        assert [start for start, _ in response.spans] == ends[:-1] and ends[-1] == len(response.text)
        assert response.finish == ("stop" if response.has_end else "length")


FILE = """
responses: {written: {path: answers.json}}
"""


def from_file(project: Path, rows: str) -> dict[str, Response]:
    (project / "answers.json").write_text(rows, encoding="utf-8")
    text = (project / "report.yml").read_text(encoding="utf-8") + FILE
    text = text.replace("context: chat}}", "context: chat}, responses: written}")
    (project / "file.yml").write_text(text, encoding="utf-8")
    return answers(project / "file.yml")


def test_answers_from_a_file_keep_every_character(project: Path) -> None:
    text = "  A list:\\n\\n1.\\tone — “two”\\n```py\\n    x = {'a': 1}\\n```\\n| a | b |\\n天地 🙂👩‍👩‍👧 עברית </b> &amp; {{ 7*7 }} "
    made = from_file(project, f'[{{"id": 7, "pure_input": "What is blue?", "input": "", "output": ["{text}<|end|>"]}}]')
    (response,) = made.values()
    assert response.text == text.encode().decode("unicode_escape").encode("latin-1").decode()
    assert response.prompt_id == "sky"  # the known prompt of the same words, with its tags
    assert response.has_end and response.finish == "stop" and response.spans[-1] == (len(response.text),) * 2
    assert "".join(response.text[a:b] for a, b in response.spans) == response.text
    tokenizer = AutoTokenizer.from_pretrained(project / "sft")
    assert tokenizer.decode(response.token_ids[:-1]) == response.text


def test_an_answer_without_a_closing_token_was_cut_where_others_have_one(project: Path) -> None:
    rows = '{"id": 7, "pure_input": "New?", "output": ["One two"]}'
    (response,) = from_file(project, f"[{rows}]").values()
    assert response.finish == "unknown" and not response.has_end and response.prompt_id == "7"
    both = f'[{rows}, {{"id": 8, "pure_input": "Old?", "output": ["One<|end|>"]}}]'
    assert [response.has_end for response in from_file(project, both).values()] == [False, True]
    measure(read_plan(project / "file.yml"))
    with duckdb.connect(str(project / "data/tds.duckdb"), read_only=True) as con:
        assert con.execute("SELECT finish FROM response ORDER BY response_id").fetchall() == [("length",), ("stop",)]


def test_prompts_that_do_not_fit_the_model_are_refused(project: Path) -> None:
    text = (project / "report.yml").read_text(encoding="utf-8").replace("max_new_tokens: 24", "max_new_tokens: 2000")
    (project / "long.yml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"prompt 'sky': \d+ tokens and generate.max_new_tokens 2000 exceed the 1024"):
        answers(project / "long.yml")


def test_pocket_answers_equal_unbatched_greedy_decoding(pocket_report: Path) -> None:
    plan, made = read_plan(pocket_report), answers(pocket_report)
    assert len(made) == 2 * len(plan.prompt_set)
    for response in made.values():
        folder = plan.checkpoints[response.source.split("·")[0]].folder
        assert list(response.token_ids) == greedy(folder, plan.prompts[response.prompt_id].text, 256)
