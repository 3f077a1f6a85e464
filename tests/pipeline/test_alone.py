"""One model alone: stored answers scored without another side, against a loop; what needs two sides says so."""

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
from tds_atlas.inputs.report_file import read_report
from tests.command import tds

ROWS = [{"id": i, "prompt": f"What is {i}?", "answer": f"The sky is {i}.<|end|>"} for i in range(3)]
CARD = "<|begin|># Question:\nWhat is {}?\n\n# Answer:\n"


def alone(project: Path, **changes: Any) -> Path:
    settings = yaml.safe_load((project / "report.yml").read_text(encoding="utf-8"))
    for key in ("comparisons", "probes", "prompts"):
        del settings[key]
    settings |= {
        "responses": {"theirs": {"path": "answers.json"}},
        "conditions": [{"model": "sft", "context": "plain"}],
    }
    (project / "answers.json").write_text(json.dumps(ROWS), encoding="utf-8")
    settings = {key: value for key, value in (settings | changes).items() if value is not None}
    (project / "alone.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    return project / "alone.yml"


def test_a_models_scores_of_stored_answers_need_no_other_side(project: Path) -> None:
    report = alone(project)
    assert "condition sft·plain: begin tokens: 1" in tds("check", report.name).stdout
    assert tds("score", "-r", report.name).returncode == 0 and tds("store", "-r", report.name).returncode == 0
    sql = """SELECT prompt_id, list(token_id ORDER BY pos), list(rank ORDER BY pos), list(logprob ORDER BY pos),
             list(entropy ORDER BY pos), list(top_ids[1:5] ORDER BY pos)
             FROM response JOIN "position" USING (response_id) JOIN score USING (response_id, pos) GROUP BY ALL"""
    with duckdb.connect("data/tds.duckdb", read_only=True) as con:
        rows = con.execute(sql).fetchall()
        counts = (
            "SELECT (SELECT count(*) FROM comparison), (SELECT count(*) FROM divergence), (SELECT count(*) FROM tds)"
        )
        assert con.execute(counts).fetchall() == [(0, 0, 0)]
        assert con.execute("SELECT DISTINCT condition_id FROM score").fetchall() == [("sft·plain",)]
    words, model = PreTrainedTokenizerFast.from_pretrained("sft"), AutoModelForCausalLM.from_pretrained("sft")
    assert len(rows) == len(ROWS)
    for name, ids, *said in rows:
        head = words(CARD.format(name), add_special_tokens=False)["input_ids"]
        assert words.decode(ids) == f"The sky is {name}.<|end|>"
        with torch.inference_mode():
            logp = model(torch.tensor([[*head, *ids]])).logits[0, len(head) - 1 : -1].log_softmax(-1)
        own = logp[range(len(ids)), ids]
        expected = [1 + (logp > own[:, None]).sum(-1), own, -(logp.exp() * logp).sum(-1), logp.topk(5).indices]
        for found, values in zip(said, expected, strict=True):
            torch.testing.assert_close(torch.tensor(found).to(values.dtype), values, atol=1e-4, rtol=1e-4)


def test_what_needs_two_sides_is_one_line(project: Path) -> None:
    report = alone(project)
    done = tds("show", "Hi", "-r", report.name)
    assert (done.returncode, done.stderr) == (
        2,
        "tds: alone.yml: no comparison to score an answer by; give comparisons\n",
    )
    noise = [{"model": "sft", "context": "plain", "arithmetic": "rebatched"}]
    for changes, message in (
        ({"conditions": None}, "comparisons: missing; without them give conditions and the responses that they score"),
        ({"responses": None}, "comparisons: missing; without them give conditions and the responses that they score"),
        ({"noise": noise}, "noise: checks the answers of a comparison, and there is none"),
    ):
        with pytest.raises(InputError, match=f"alone.yml: {message}"):
            read_report(alone(project, **changes))
