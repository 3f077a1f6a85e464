"""Reports that read each row's own input: every number against a loop over the text as it stands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
import torch
import yaml
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

from tds_atlas.domain import InputError
from tds_atlas.pipeline.check import check
from tds_atlas.pipeline.plan import read_plan
from tds_atlas.pipeline.steps import measure

SHOTS = "<|begin|><|system|>Be kind.\n<|user|>Hi\n<|assistant|>\nHello<|end|>"
ROWS = [
    {"id": name, "prompt": f"What is {name}?", "input": f"{SHOTS}<|user|>What is {name}?\n<|assistant|>\n"}
    for name in ("blue", "fox", "</script>")
]


def report(project: Path, rows: list[dict[str, Any]], **changes: Any) -> Path:
    """The tiny report whose aligned side reads the input of each row of a file of prompts."""
    settings = yaml.safe_load((project / "report.yml").read_text(encoding="utf-8"))
    settings["contexts"]["own"] = {"kind": "verbatim"}
    settings["comparisons"][0]["aligned"]["context"] = "own"
    settings["probes"].pop("recovery", None)
    settings["prompts"] = {"path": "own.json", "columns": {"input": "input"}}
    (project / "own.json").write_text(json.dumps(rows), encoding="utf-8")
    (project / "report.yml").write_text(yaml.safe_dump(settings | changes), encoding="utf-8")
    return project / "report.yml"


def logprobs(folder: Path, before: str, ids: list[int]) -> list[float]:
    """A whole pass per answer over the text before it, whose begin token is a token as it stands."""
    words = PreTrainedTokenizerFast.from_pretrained(folder)
    head = words(before, add_special_tokens=False)["input_ids"]
    with torch.inference_mode():
        logits = AutoModelForCausalLM.from_pretrained(folder)(torch.tensor([[*head, *ids]])).logits[0]
    logp = logits[len(head) - 1 : -1].log_softmax(-1)
    return [float(row[i]) for row, i in zip(logp, ids, strict=True)]


def stored(project: Path) -> dict[str, tuple[list[int], list[float]]]:
    """Of each prompt the ids of its answer, and what the aligned side says about them."""
    sql = """SELECT prompt_id, list(token_id ORDER BY pos), list(logprob ORDER BY pos)
             FROM response JOIN "position" USING (response_id) JOIN score USING (response_id, pos)
             WHERE score.condition_id = 'sft·own' GROUP BY ALL"""
    with duckdb.connect(str(project / "data/tds.duckdb"), read_only=True) as con:
        return {name: (ids, said) for name, ids, said in con.execute(sql).fetchall()}


def test_generated_answers_follow_the_input_of_each_row(project: Path) -> None:
    plan = read_plan(report(project, ROWS))
    assert any("begin tokens: 1" in line for line in check(plan) if "condition sft·own" in line)
    measure(plan)
    answers, first = stored(project), stored(project)["blue"][0]
    for row in ROWS:
        ids, said = answers[row["id"]]
        assert said == pytest.approx(logprobs(project / "sft", row["input"], ids), abs=1e-4)
        assert said[0] != pytest.approx(logprobs(project / "sft", row["prompt"], ids)[0], abs=1e-4)
    with duckdb.connect("data/tds.duckdb", read_only=True) as con:
        cards = dict(con.execute("SELECT condition_id, prompt_card FROM condition").fetchall())
    assert cards["sft·own"] == ROWS[0]["input"] and cards["base·plain"].startswith("<|begin|># Question:\nWhat is blue?")
    other = [ROWS[0] | {"input": ROWS[0]["input"].replace("kind", "brief")}, *ROWS[1:]]  # another input, other shards
    measure(read_plan(report(project, other)))
    ids, said = stored(project)["blue"]
    assert said == pytest.approx(logprobs(project / "sft", other[0]["input"], ids), abs=1e-4)
    assert (ids, said) != (first, answers["blue"][1])


def test_answers_of_a_file_follow_the_input_of_each_row(project: Path) -> None:
    rows = [row | {"output": [f"The sky is {row['id']}.<|end|>"]} for row in ROWS]
    path = report(project, rows, probes={}, responses={"theirs": {"path": "own.json", "columns": {"input": "input"}}})
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    settings["comparisons"][0]["responses"] = "theirs"
    path.write_text(yaml.safe_dump(settings | {"prompts": None}), encoding="utf-8")
    measure(read_plan(path))
    for row in rows:
        ids, said = stored(project)[row["id"]]
        assert said == pytest.approx(logprobs(project / "sft", row["input"], ids), abs=1e-4)


def test_two_inputs_of_one_prompt_are_one_line(project: Path) -> None:
    rows = [row | {"output": "Yes"} for row in ROWS]
    (project / "other.json").write_text(json.dumps([row | {"input": "other"} for row in rows]), encoding="utf-8")
    path = report(project, rows, prompts=None, probes={})
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    files = {name: {"path": f"{name}.json", "columns": {"input": "input"}} for name in ("own", "other")}
    pair = settings["comparisons"][0]
    settings["comparisons"] = [pair | {"id": name, "responses": name} for name in files]
    path.write_text(yaml.safe_dump(settings | {"responses": files}), encoding="utf-8")
    with pytest.raises(InputError, match=r"the prompt 'blue' has two inputs; score files of rows with different inputs"):
        _ = read_plan(path).prompts


def test_what_both_sides_read_is_stored_for_every_prompt(project: Path) -> None:
    measure(read_plan(report(project, ROWS, probes={})))
    sql = """SELECT condition_id, prompt_id, opening || text || closing, special, len(text)
             FROM reading JOIN condition USING (condition_id)"""
    with duckdb.connect("data/tds.duckdb", read_only=True) as con:
        read = {(condition, prompt): rest for condition, prompt, *rest in con.execute(sql).fetchall()}
    for row in ROWS:
        whole, special, own = read["sft·own", row["id"]]
        assert whole == row["input"] and own < len(SHOTS)
        marks = [whole[start:end] for start, end in zip(special[::2], special[1::2], strict=True)]
        turns = ["<|user|>", "<|assistant|>"]
        assert marks == ["<|begin|>", "<|system|>", *turns, "<|end|>", *turns]
        plain = f"<|begin|># Question:\nWhat is {row['id']}?\n\n# Answer:\n"
        assert read["base·plain", row["id"]][:2] == [plain, [0, 9]]


def test_harmful_answers_have_no_input_to_read(project: Path) -> None:
    probes = yaml.safe_load((project / "report.yml").read_text(encoding="utf-8"))["probes"]
    problem = r"probes.recovery.comparisons: base-sft reads contexts.own, which is verbatim; harmful answers have no input"
    with pytest.raises(InputError, match=problem):
        read_plan(report(project, ROWS, probes={"recovery": probes["recovery"]}))
