"""Log-probabilities from a file: the same rows as those of the model that they were taken from, or one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tds_atlas.domain import InputError
from tds_atlas.pipeline.plan import read_plan
from tests.measure.test_served import SFT, measured

Row = dict[str, Any]


def recording(project: Path) -> tuple[list[Row], list[Row], list[Row]]:
    """Answers of a file scored by both models here; what sft said of each, as rows of a recording."""
    text = (project / "report.yml").read_text(encoding="utf-8")
    text = text[: text.index("probes:")] + text[text.index("generate:") :]
    answers = [
        {"id": str(row["id"]), "prompt": row["prompt"], "answer": "The sky is blue, of course."}
        for row in map(json.loads, (project / "prompts.jsonl").read_text(encoding="utf-8").splitlines())
    ]
    (project / "answers.json").write_text(json.dumps(answers), encoding="utf-8")
    text = text.replace(
        "aligned: {model: sft, context: chat}}", "aligned: {model: sft, context: chat}, responses: theirs}"
    )
    text = text.replace("name: tiny", "name: tiny\nresponses: {theirs: {path: answers.json}}")
    (project / "report.yml").write_text(text, encoding="utf-8")
    responses, scores, divergences = measured(read_plan(project / "report.yml"))
    rows = []
    for response in responses:
        own = [s for s in scores if s["response_id"] == response.response_id and s["condition_id"] == "sft·chat"]
        ranks = [None if s["rank"] <= 30 else s["rank"] for s in own]
        lists = {name: [s[name] for s in own] for name in ("top_ids", "top_logprobs")}
        mine = {"prompt_id": response.prompt_id, "token_ids": list(response.token_ids), "ranks": ranks} | lists
        rows.append(mine | {"logprobs": [s["logprob"] for s in own]})
    return rows, scores, divergences


def report_on(project: Path, name: str) -> Path:
    text = (project / "report.yml").read_text(encoding="utf-8")
    engine = f"sft: {{path: sft, engine: {{kind: recorded, path: {name}}}}}"
    path = project / "recorded.yml"
    text = text.replace(SFT, engine).replace("name: tiny", "name: tiny\noutput: {shards: recorded}")
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["said.jsonl", "said.parquet"])
def test_a_recording_gives_the_ranks_and_lists_that_were_recorded(project: Path, name: str) -> None:
    rows, scores, divergences = recording(project)
    if name.endswith(".parquet"):
        pq.write_table(pa.Table.from_pylist(rows), project / name)
    else:
        (project / name).write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    _, again, bounds = measured(read_plan(report_on(project, name)))
    assert len(again) == len(scores) > 50 and any(s["rank"] > 30 for s in scores)
    for ours, theirs in zip(scores, again, strict=True):
        assert [ours[n] for n in ("response_id", "pos", "rank")] == [theirs[n] for n in ("response_id", "pos", "rank")]
        np.testing.assert_allclose(theirs["logprob"], ours["logprob"], atol=1e-6)
        assert theirs["entropy_lower"] <= ours["entropy"] + 1e-6 and ours["entropy"] <= theirs["entropy_upper"] + 1e-6
    for ours, theirs in zip(divergences, bounds, strict=True):
        assert (
            theirs["js"] is None and theirs["js_lower"] <= ours["js"] + 1e-6 and ours["js"] <= theirs["js_upper"] + 1e-6
        )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda row: row.pop("logprobs"), r"said.jsonl: line 1: logprobs: no list; the answer has \d+ tokens"),
        (lambda row: row["logprobs"].pop(), r"line 1: logprobs: \d+ positions; the answer has"),
        (lambda row: row.pop("prompt_id"), r"line 1: prompt_id: missing; give the id of the prompt"),
        (lambda row: row.update(prompt_id="3"), r"line 3: prompt_id: '3' stands in line 1, too"),
        (lambda row: row.update(prompt_id="other"), r"said.jsonl: no row with the prompt_id 'sky'"),
        (
            lambda row: row["token_ids"].__setitem__(2, 0),
            r"line 1: token_ids: position 2 has 0, the answer as it is read",
        ),
        (lambda row: row.pop("ranks"), r"line 1: ranks: position \d+ has none, and its token is not in its list"),
        (lambda row: row["top_ids"][1].pop(), r"line 1: top_logprobs: position 1 has not as many as top_ids"),
        (lambda row: row["top_logprobs"][1].__setitem__(0, "x"), r"line 1: "),
        (lambda row: row["logprobs"].__setitem__(0, 5.0), r"line 1: "),
        (lambda row: [x.pop() for x in (row["top_ids"][0], row["top_logprobs"][0])], r"or lower score.top_k"),
    ],
)
def test_a_mistake_is_one_line_with_file_and_row(project: Path, change: Callable[[Row], Any], message: str) -> None:
    rows, *_ = recording(project)
    rows = sorted(rows, key=lambda row: row["prompt_id"] != "sky")
    order = ["sky", *sorted(row["prompt_id"] for row in rows if row["prompt_id"] not in ("sky", "3")), "3"]
    rows = sorted(rows, key=lambda row: order.index(row["prompt_id"]))
    message = message.replace("line 3: prompt_id", r"line \d: prompt_id")
    change(rows[0])
    (project / "said.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    with pytest.raises(InputError, match=message) as caught:
        measured(read_plan(report_on(project, "said.jsonl")))
    assert "\n" not in str(caught.value)


def test_a_recording_writes_no_answers_and_belongs_to_one_context(project: Path) -> None:
    (project / "said.jsonl").write_text("{}", encoding="utf-8")
    recording(project)
    path = report_on(project, "said.jsonl")
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(", responses: theirs}", "}"), encoding="utf-8")
    with pytest.raises(InputError, match=r"comparisons: sft·chat is recorded and writes no answers"):
        read_plan(path)
    further = "name: tiny\nconditions: [{model: sft, context: plain}]"
    path.write_text(text.replace("name: tiny", further), encoding="utf-8")
    with pytest.raises(InputError, match=r"models.sft.engine: recorded in one context, used in chat, plain"):
        read_plan(path)


def test_another_recording_has_shards_of_its_own(project: Path) -> None:
    rows, *_ = recording(project)
    keys = set()
    for first in (0.0, -0.5):
        rows[0]["logprobs"][0] = rows[0]["logprobs"][0] + first
        (project / "said.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
        keys.add(read_plan(report_on(project, "said.jsonl")).cards().key)
    assert len(keys) == 2
