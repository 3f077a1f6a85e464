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
from tds_atlas.measure.engines.recorded import _alone
from tds_atlas.pipeline.plan import read_plan
from tests.measure.test_served import SFT, measured

LISTS = ("top_ids", "top_logprobs")

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


@pytest.mark.parametrize("ranked", [False, True])
def test_without_lists_what_was_not_recorded_is_null_and_bounds_hold(project: Path, ranked: bool) -> None:
    rows, scores, divergences = recording(project)
    every: dict[str, list[int]] = {}
    for s in (s for s in scores if s["condition_id"] == "sft·chat"):
        every.setdefault(s["response_id"], []).append(s["rank"])
    for row in rows:
        row["ranks"] = every[f"theirs/{row['prompt_id']}"] if ranked else None
        _ = [row.pop(name) for name in LISTS]
    (project / "said.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    plan = read_plan(report_on(project, "said.jsonl"))
    assert plan.alone == {"base-sft"}
    _, again, bounds = measured(plan)
    for ours, theirs in zip(scores, again, strict=True):
        recorded = ours["condition_id"] == "sft·chat"
        assert theirs["logprob"] == pytest.approx(ours["logprob"], abs=1e-6)
        assert theirs["rank"] == (ours["rank"] if ranked or not recorded else None)
        assert [theirs[n] for n in (*LISTS, "entropy")] == [None if recorded else ours[n] for n in (*LISTS, "entropy")]
        if recorded:
            assert (
                theirs["entropy_lower"] <= ours["entropy"] + 1e-5 and ours["entropy"] - 1e-5 <= theirs["entropy_upper"]
            )
    for ours, theirs in zip(divergences, bounds, strict=True):
        assert [theirs[n] for n in ("js", "kl_aligned_base", "kl_base_aligned", "clamped")] == [None] * 4
        assert theirs["js_lower"] <= ours["js"] + 1e-6 and ours["js"] <= theirs["js_upper"] + 1e-6
        assert theirs["kl_aligned_base_lower"] <= ours["kl_aligned_base"] + 1e-6
        p, q = (np.exp(s["logprob"]) for s in _both(scores, ours))  # one token against all others
        cell = p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))
        assert theirs["kl_aligned_base_lower"] >= cell - 5e-5


def _both(scores: list[Row], at: Row) -> tuple[Row, Row]:
    aligned, base = (
        next(
            s for s in scores if (s["response_id"], s["pos"], s["condition_id"]) == (at["response_id"], at["pos"], name)
        )
        for name in ("sft·chat", "base·plain")
    )
    return aligned, base


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows[0]["logprobs"].__setitem__(1, None), r"line 1: logprobs: position 1 has None, no natural"),
        (lambda rows: rows[0]["logprobs"].__setitem__(0, 5.0), r"line 1: logprobs: position 0 has 5.0"),
        (lambda rows: rows[0].update(ranks=[1]), r"line 1: ranks: 1 positions, logprobs has \d+"),
        (lambda rows: rows[0].update(ranks=[-1] * len(rows[0]["logprobs"])), r"ranks: position 0 has -1; ranks count"),
        (lambda rows: rows[1].update(top_ids=[[1]]), r"line 2: top_ids: lists, which the first row has not"),
    ],
)
def test_a_mistake_in_a_recording_without_lists_is_one_line(
    project: Path, change: Callable[[list[Row]], Any], message: str
) -> None:
    rows, *_ = recording(project)
    for row in rows:
        _ = [row.pop(name) for name in (*LISTS, "ranks")]
    change(rows)
    (project / "said.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    with pytest.raises(InputError, match=message) as caught:
        measured(read_plan(report_on(project, "said.jsonl")))
    assert "\n" not in str(caught.value)


def test_an_aa_check_needs_ranks(project: Path) -> None:
    rows, *_ = recording(project)
    for row in rows:
        _ = [row.pop(name) for name in LISTS]
    (project / "said.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    check = "noise: [{model: sft, context: chat, engine: {kind: recorded, path: said.jsonl}}]"
    text = (project / "report.yml").read_text(encoding="utf-8")
    (project / "report.yml").write_text(f"{text}\n{check}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"noise: sft·chat, recorded: a recording without lists has no ranks to check"):
        read_plan(project / "report.yml")


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


@pytest.mark.parametrize(
    ("row", "ranks", "message"),
    [
        ({"logprobs": [-1.0, -(10**400)]}, [None, None], "logprobs: position 1 has -1000"),
        ({"logprobs": [-1.0, -1e300]}, [None, None], r"logprobs: position 1 has -1e\+300"),
        ({"logprobs": [float("nan"), -1.0]}, [None, None], "logprobs: position 0 has nan"),
        ({"logprobs": [-1.0, -1.0]}, 7, "ranks: 7; give a list"),
        ({"logprobs": [-1.0, -1.0]}, {"0": 1}, "ranks: {'0': 1}; give a list"),
        ({"logprobs": [-1.0, -1.0]}, [1, 10**400], "ranks: position 1 has 1000"),
    ],
)
def test_numbers_that_no_float_holds_are_named(row: Row, ranks: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        _alone(row | {"token_ids": [1, 2]}, ranks, 50)
