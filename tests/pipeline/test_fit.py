"""Rows that are too long for a model: with `on_error: skip` passed over and told, else one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tds_atlas.domain import Answer, InputError, Prompt
from tds_atlas.inputs.checkpoints import context_length
from tds_atlas.pipeline.check import check
from tds_atlas.pipeline.plan import read_plan
from tds_atlas.pipeline.sides import answer_reader, lazy_models, side_of
from tds_atlas.pipeline.steps import measure
from tests.conftest import PROMPTS
from tests.record.test_store import rows

LONG = "Why is the sky so blue? " * 400


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def write(project: Path, answers: list[dict[str, str]]) -> None:
    (project / "a.jsonl").write_text("\n".join(map(json.dumps, answers)), encoding="utf-8")


def told(project: Path) -> list[str]:
    """What a finished run says of the rows that it passed over; `tds check` says the same before."""
    plan = read_plan(project / "report.yml")
    lines = list(check(plan))
    assert not (project / "data").exists()  # a check writes nothing
    measure(plan)
    ((value,),) = rows(project / "data/tds.duckdb", "SELECT value FROM run WHERE key = 'rows_passed_over'")
    said = value.splitlines()
    place = lines.index(f"  rows passed over: {len(said)}")
    assert lines[place + 1 : place + 1 + len(said)] == [f"    {line}" for line in said]
    return said


def test_a_prompt_too_long_for_a_model_is_passed_over(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (project / "prompts.jsonl").open("a", encoding="utf-8") as file:
        file.write("\n{broken\n" + json.dumps({"id": "long", "prompt": LONG}))
    with pytest.raises(InputError, match=r"prompts.jsonl: line 5: not valid JSON"):
        read_plan(project / "report.yml")
    edit(project / "prompts.jsonl", "{broken\n", "")
    for refusing in (lambda plan: list(check(plan)), measure):
        with pytest.raises(
            InputError, match=r"prompt 'long': \d+ tokens .* exceed the 1024 positions of model"
        ) as caught:
            refusing(read_plan(project / "report.yml"))
        assert "\n" not in str(caught.value)
    (project / "data").rename(project / "refused")
    edit(project / "prompts.jsonl", '\n{"id": "long"', '\n{broken\n{"id": "long"')
    edit(project / "report.yml", "{path: prompts.jsonl", "{path: prompts.jsonl, on_error: skip")
    broken, long = told(project)
    assert broken.startswith("prompts.jsonl: line 5: not valid JSON: ")
    assert long.startswith("prompts.jsonl: line 6: ") and "exceed the 1024 positions of model" in long
    stored = rows(project / "data/tds.duckdb", "SELECT prompt_id FROM prompt ORDER BY ordinal")
    assert [name for (name,) in stored] == [str(prompt["id"]) for prompt in PROMPTS]
    monkeypatch.setattr("tds_atlas.pipeline.steps.lazy_models", lambda *_: pytest.fail)
    measure(read_plan(project / "report.yml"))  # nothing left to measure: no tokenizer is loaded


def test_answers_are_passed_over_from_the_first_token_too_many(project: Path) -> None:
    edit(project / "report.yml", "context: chat}}", "context: chat}, responses: theirs}")
    edit(
        project / "report.yml",
        "comparisons:\n",
        "responses:\n  theirs: {path: a.jsonl, on_error: skip}\ncomparisons:\n",
    )
    edit(project / "report.yml", "prompts: {path: prompts.jsonl}\n", "")
    report = (project / "report.yml").read_text(encoding="utf-8")
    (project / "report.yml").write_text(report[: report.index("probes:")], encoding="utf-8")
    write(project, [{"id": "fine", "prompt": "Hi", "answer": "Yes."}])
    plan = read_plan(project / "report.yml")
    models = lazy_models(plan, "cpu")()
    limit = context_length(plan.checkpoints["sft"])
    before = max(len(side_of(plan, models, c).frame.prompt_ids("Hi")) for c in plan.report.conditions_used())
    reader = answer_reader(plan, models, "theirs")

    def answer(read: int) -> str:
        """An answer of which a model reads so many tokens: all but its last."""
        return next(text for n in range(1, 9 * read) if length(text := "z" * n) == read + 1)

    def length(text: str) -> int:
        return len(reader.read("theirs", Answer(Prompt("p", "Hi", "s"), text)).token_ids)

    assert limit is not None
    made = [{"id": f"{total}", "prompt": "Hi", "answer": answer(total - before)} for total in (limit, limit + 1)]
    long = {"id": "long", "prompt": LONG, "answer": "Yes."}
    write(project, [made[1], {"id": "fine", "prompt": "Hi", "answer": "Yes."}, long, made[0]])
    first, second = told(project)
    assert first.startswith("a.jsonl: line 1: ") and f" for the answer exceed the {limit} positions of model " in first
    assert second.startswith("a.jsonl: line 3: ")
    stored = rows(project / "data/tds.duckdb", "SELECT prompt_id FROM response ORDER BY 1")
    assert stored == [(str(limit),), ("fine",)]

    write(project, [long])
    with pytest.raises(InputError, match=r"no row can be used; the first: a.jsonl: line 1: \d+ tokens"):
        list(check(read_plan(project / "report.yml")))
    edit(project / "report.yml", ", on_error: skip", "")
    write(project, [made[1]])
    with pytest.raises(InputError, match=rf"response 'theirs/{limit + 1}': {limit + 1} tokens with its prompt exceed"):
        measure(read_plan(project / "report.yml"))
