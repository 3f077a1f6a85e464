"""Token exports as prime-rl writes them: read as they are, row for row the numbers that were written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from transformers import PreTrainedTokenizerFast

from tds_atlas.domain import InputError
from tds_atlas.pipeline.check import check
from tds_atlas.pipeline.plan import read_plan
from tds_atlas.pipeline.store import write_database
from tests.measure.test_served import measured

Row = dict[str, Any]
REPORT = """
name: exported
title: Exported
models:
  inference: {path: sft, engine: {kind: recorded, path: rank_0.jsonl, logprobs: inference_logprobs}}
  trainer: {path: sft, engine: {kind: recorded, path: rank_0.jsonl}}
contexts: {as-read: {kind: verbatim}}
responses: {rollouts: {path: rank_0.jsonl}}
comparisons:
  - base: {model: inference, context: as-read}
    aligned: {model: trainer, context: as-read}
    responses: rollouts
"""
COMPUTED = REPORT.replace(", engine: {kind: recorded, path: rank_0.jsonl}}", "}")  # the trainer's model runs here
ASKED = "<|begin|><|user|>What is blue?\n<|assistant|>\n"


def export(words: PreTrainedTokenizerFast) -> list[Row]:
    """Rows with the keys of schema 1: prompt and answer in one list, what is the model's own in the mask."""
    end = words.eos_token_id
    said = [("The sky is blue.", True), ("The sea.", False), ("The sky is blue.", True), ("Thank you!", True)]
    rows = []
    for n, (text, ends) in enumerate(said):
        before = words(ASKED if n < 3 else ASKED.replace("blue", "fox"), add_special_tokens=False)["input_ids"]
        own = [*words(text, add_special_tokens=False)["input_ids"], *([end] if ends else [])]
        if n == 3:  # a first turn of the model's own, then one that a tool writes
            tool = words("<|user|>Sure?\n<|assistant|>\n", add_special_tokens=False)["input_ids"]
            before, ids, mask = (
                [*before, *own, *tool],
                None,
                [False] * len(before) + [True] * len(own) + [False] * len(tool),
            )
        else:
            mask = [False] * len(before)
        ids = [*before, *own]
        drawn = [-0.1 - (7 * t + n) % 11 / 10 for t in range(len(ids))]
        head = {"schema_version": 1, "step": 3, "export_step": 3, "rank": 0, "micro_step": 0, "micro_sequence_idx": n}
        head |= {"export_sequence_idx": n, "run_id": None, "env_name": "colours" if n < 3 else ""}
        values = {"trainer_logprobs": drawn, "inference_logprobs": [x - 0.03 * (t % 4) for t, x in enumerate(drawn)]}
        values |= {"entropy": [0.5] * len(ids), "mismatch_kl": [None] * len(ids), "advantages": [1.0] * len(ids)}
        rows.append(head | {"token_ids": ids, "loss_mask": mask + [True] * len(own)} | values)
    return rows


@pytest.fixture
def folder(project: Path) -> tuple[Path, list[Row]]:
    rows = export(PreTrainedTokenizerFast.from_pretrained(project / "sft"))
    return project, rows


def written(project: Path, rows: list[Row], report: str = REPORT) -> Path:
    lines = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)
    (project / "rank_0.jsonl").write_text(lines, encoding="utf-8")
    (project / "exported.yml").write_text(report, encoding="utf-8")
    return project / "exported.yml"


def test_an_export_is_stored_row_for_row(folder: tuple[Path, list[Row]]) -> None:
    project, rows = folder
    plan = read_plan(written(project, rows))
    lines = list(check(plan))
    assert any("rank_0.jsonl: token exports, 4 rows" in line for line in lines)
    assert any("log-probabilities alone: no classes" in line for line in lines)
    measured(plan)
    write_database(plan)
    sql = """SELECT response_id, list(token_id ORDER BY pos), list(base_logprob ORDER BY pos),
        list(aligned_logprob ORDER BY pos), list(delta_logprob ORDER BY pos), count(base_rank) + count(shift)
        FROM likelihood GROUP BY response_id"""
    with duckdb.connect(str(plan.report.output.database), read_only=True) as con:
        found = {name: rest for name, *rest in con.execute(sql).fetchall()}
        kinds = con.execute("SELECT kind FROM comparison").fetchall()
        texts = con.execute(
            "SELECT response_id, r.text, finish, q.text, tasks FROM response r JOIN prompt q USING (prompt_id)"
        )
        told = {name: rest for name, *rest in texts.fetchall()}
        (lists,) = con.execute("SELECT count(top_ids) + count(rank) + count(entropy) FROM score").fetchall()
        (none,) = con.execute("SELECT count(*) FROM tds").fetchall()
    assert kinds == [("log-probabilities",)] and lists == none == (0,) and len(found) == len(rows)
    words = PreTrainedTokenizerFast.from_pretrained(project / "sft")
    left = list(found.items())
    for row in rows:
        start = max(t for t, own in enumerate(row["loss_mask"]) if not own) + 1
        ids, p, q = (row[n][start:] for n in ("token_ids", "trainer_logprobs", "inference_logprobs"))
        name, (_, base, _, delta, _) = next(x for x in left if x[1][0] == ids and x[1][2] == pytest.approx(p))
        left.remove(next(x for x in left if x[0] == name))
        assert base == pytest.approx(q) and delta == pytest.approx([a - b for a, b in zip(p, q, strict=True)], abs=1e-6)
        ended = ids[-1] == words.eos_token_id
        text, finish, asked, tasks = told[name]
        assert text == words.decode(ids[:-1] if ended else ids) and finish == ("stop" if ended else "length")
        assert asked == words.decode(row["token_ids"][:start]) and tasks == [row["env_name"]] * bool(row["env_name"])
    assert not left


def test_ids_that_text_would_not_give_are_kept_and_counted(folder: tuple[Path, list[Row]]) -> None:
    project, rows = folder
    words = PreTrainedTokenizerFast.from_pretrained(project / "sft")
    apart = [i for char in "What is blue?" for i in words(char, add_special_tokens=False)["input_ids"]]
    columns = {"token_ids": apart, "loss_mask": [False] * len(apart)}
    columns |= dict.fromkeys(("trainer_logprobs", "inference_logprobs"), [0.0] * len(apart))
    for name, more in columns.items():  # behind the begin token
        rows[0][name][1:1] = more
    lines = list(check(read_plan(written(project, rows))))
    assert any("1 of 4 answers were read behind other ids than their text gives here" in line for line in lines)
    with pytest.raises(InputError, match=r"line 1: token_ids: the text before the answer gives .* other ids; compare"):
        measured(read_plan(written(project, rows, COMPUTED)))


def test_a_model_that_runs_here_reads_the_same_ids(folder: tuple[Path, list[Row]]) -> None:
    project, rows = folder
    answers, scores, _ = measured(read_plan(written(project, rows[:3], COMPUTED)))
    assert [list(a.token_ids) for a in answers] == [
        [i for i, own in zip(r["token_ids"], r["loss_mask"], strict=True) if own] for r in rows[:3]
    ]
    ranks = [s["rank"] for s in scores if s["condition_id"] == "trainer·as-read"]
    assert ranks and None not in ranks


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda row: row["loss_mask"].pop(),
            r"line 1: loss_mask: \d+ places, token_ids has \d+; both need one a token",
        ),
        (lambda row: row["loss_mask"].__setitem__(0, 1), r"loss_mask: place 0 has '1'; it must be true or false"),
        (lambda row: row["token_ids"].__setitem__(2, "x"), r"token_ids: place 2 has 'x', no id"),
        (
            lambda row: row.update(loss_mask=[True] * len(row["token_ids"])),
            r"loss_mask: nothing stands before the answer",
        ),
        (lambda row: row.update(loss_mask=[False] * len(row["token_ids"])), r"loss_mask: no token is the model's own"),
        (
            lambda row: row.update(temperatures=[0.7] * len(row["token_ids"])),
            r"temperatures: log-probabilities at temp",
        ),
        (lambda row: row.pop("trainer_logprobs"), r"line 1: trainer_logprobs: no list; the answer has \d+ tokens"),
        (lambda row: row["trainer_logprobs"].__setitem__(-1, None), r"logprobs: position \d+ has None, no natural"),
    ],
)
def test_a_mistake_is_one_line_with_file_and_row(
    folder: tuple[Path, list[Row]], change: Callable[[Row], Any], message: str
) -> None:
    project, rows = folder
    change(rows[0])
    with pytest.raises(InputError, match=message) as caught:
        measured(read_plan(written(project, rows)))
    assert "\n" not in str(caught.value) and "rank_0.jsonl" in str(caught.value)


def test_it_needs_a_verbatim_context_and_has_no_turns(folder: tuple[Path, list[Row]]) -> None:
    project, rows = folder
    path = written(project, rows, REPORT.replace("kind: verbatim", "kind: chat"))
    with pytest.raises(InputError, match=r"contexts.as-read.kind: chat; responses.rollouts holds the ids of all"):
        read_plan(path)
    path = written(
        project, rows, REPORT.replace("{path: rank_0.jsonl}}\ncomp", "{path: rank_0.jsonl, turns: all}}\ncomp")
    )
    with pytest.raises(InputError, match=r"line 1: a token export has no turns"):
        read_plan(path)
