"""Training runs in a report file: what their checkpoints become, in which order, over whose answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tds_atlas.domain import InputError
from tds_atlas.inputs.report_file import Report, read_report
from tds_atlas.inputs.series import series_rows
from tests.conftest import REPORT

RUN = {"base": {"model": "base", "context": "plain"}, "context": "chat"}


def report(folder: Path, run: dict[str, Any], **more: Any) -> Report:
    raw = yaml.safe_load(REPORT) | {"series": {"run": RUN | run}} | more
    (folder / "r.yml").write_text(yaml.safe_dump(raw), encoding="utf-8")
    return read_report(folder / "r.yml")


def checkpoints(folder: Path, *names: str, file: str = "config.json") -> None:
    for name in names:
        (folder / name).mkdir(parents=True)
        (folder / name / file).write_text("{}")


def test_folders_of_a_pattern_are_steps_by_their_numbers_on_the_last_ones_answers(tmp_path: Path) -> None:
    checkpoints(tmp_path, "runs/checkpoint-1000", "runs/checkpoint-90")
    checkpoints(tmp_path, "runs/checkpoint-200", file="adapter_config.json")
    (tmp_path / "runs/checkpoint-5").write_text("a file")
    found = report(tmp_path, {"steps": "runs/checkpoint-*", "own": True, "outside": "places"})
    models = {name: found.models[name] for name in ("run-90", "run-200", "run-1000")}
    assert [m.path or (m.adapts, m.adapter and m.adapter.path) for m in models.values()] == [
        tmp_path / "runs/checkpoint-90", ("base", tmp_path / "runs/checkpoint-200"), tmp_path / "runs/checkpoint-1000"]  # fmt: skip
    made = {c.comparison_id: c.source for c in found.all_comparisons if c.comparison_id.startswith("run-")}
    assert made == {"run-90": "run-1000·chat", "run-90-own": "run-90·chat", "run-200": "run-1000·chat",
                    "run-200-own": "run-200·chat", "run-1000": "run-1000·chat"}  # fmt: skip
    rows = [
        (r["ordinal"], r["step"], r["answers"], r["comparison_id"], r["outside"]) for r in series_rows(found.series)
    ]
    assert rows == [(1, 90, "shared", "run-90", "places"), (1, 90, "own", "run-90-own", "places"),
                    (2, 200, "shared", "run-200", "places"), (2, 200, "own", "run-200-own", "places"),
                    (3, 1000, "shared", "run-1000", "places"), (3, 1000, "own", "run-1000", "places")]  # fmt: skip


def test_models_of_the_report_keep_their_names_and_order_and_a_file_has_the_answers(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[]")
    found = report(
        tmp_path, {"steps": ["sft", "base"], "answers": "theirs", "own": True}, responses={"theirs": {"path": "a.json"}}
    )
    assert set(found.models) == {"base", "sft"}
    made = [(c.comparison_id, c.aligned.model_id, c.source) for c in found.all_comparisons[1:]]
    assert made == [("run-1", "sft", "theirs"), ("run-1-own", "sft", "sft·chat"),
                    ("run-2", "base", "theirs"), ("run-2-own", "base", "base·chat")]  # fmt: skip


def test_revisions_are_named_by_their_steps(tmp_path: Path) -> None:
    found = report(tmp_path, {"steps": {"hub": "me/run", "revision": "step{step}-tokens", "of": [10, 20]}})
    assert [(m.hub, m.revision) for name, m in found.models.items() if name.startswith("run-")] == [
        ("me/run", "step10-tokens"), ("me/run", "step20-tokens")]  # fmt: skip
    assert [row["step"] for row in series_rows(found.series)] == [10, 20]


@pytest.mark.parametrize(
    ("key", "value"), [("models", [1]), ("comparisons", {"a": 1}), ("series", [1]), ("series", {"run": 3})]
)
def test_what_is_wrong_beside_the_steps_is_left_for_its_own_check(tmp_path: Path, key: str, value: Any) -> None:
    raw = yaml.safe_load(REPORT) | {"series": {"run": RUN | {"steps": ["base", "sft"]}}} | {key: value}
    (tmp_path / "r.yml").write_text(yaml.safe_dump(raw), encoding="utf-8")
    with pytest.raises(InputError, match=f"r.yml: {key}"):
        read_report(tmp_path / "r.yml")


def test_a_name_that_the_report_has_already_is_refused(tmp_path: Path) -> None:
    checkpoints(tmp_path, "c-1", "c-2")
    models = yaml.safe_load(REPORT)["models"] | {"run-1": {"path": "x"}}
    with pytest.raises(ValueError, match=r"models\.run-1: is also the name of a step of the series"):
        report(tmp_path, {"steps": ["c-*"]}, models=models)
