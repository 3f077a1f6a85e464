"""Revisions that move: what they are now is said, and can be written into the report file."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from tds_atlas.pipeline.check import check, pin
from tds_atlas.pipeline.plan import read_plan
from tests.conftest import PROMPTS

COMMIT, LATER = "0123456789abcdef0123456789abcdef01234567", "1" * 40
REPORT = f"""# A comment stays.
name: pins
title: Pins
models:
  base:
    hub: me/base   # no revision
    dtype: float32
  sft: {{hub: "me/sft", revision: main, dtype: float32}}  # a branch
  fixed: {{hub: me/base, revision: {COMMIT}}}
contexts:
  plain: {{kind: plain, template: "{{prompt}}\\n"}}
  chat: {{kind: chat}}
prompts: {{path: prompts.jsonl}}
comparisons:
  - {{base: {{model: base, context: plain}}, aligned: {{model: sft, context: chat}}}}
  - {{base: {{model: fixed, context: plain}}, aligned: {{model: sft, context: chat}}}}
"""


@pytest.fixture
def report(family: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A report on models in the hub's cache, as its library lays it out."""
    for name, commit in (("base", COMMIT), ("sft", LATER)):
        home = tmp_path / f"hub/models--me--{name}"
        shutil.copytree(family / name, home / "snapshots" / commit)
        (home / "refs").mkdir()
        (home / "refs/main").write_text(commit, encoding="utf-8")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    (tmp_path / "prompts.jsonl").write_text("\n".join(map(json.dumps, PROMPTS)), encoding="utf-8")
    (tmp_path / "report.yml").write_text(REPORT, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "report.yml"


def test_a_branch_is_the_commit_that_it_is_now(report: Path) -> None:
    plan = read_plan(report)
    assert {name: c.revision for name, c in plan.checkpoints.items()} == {"base": COMMIT, "sft": LATER, "fixed": COMMIT}
    said = [line for line in check(plan) if "--pin" in line]
    assert said == [
        f"  models.base: me/base is commit {COMMIT} now; tds check --pin writes it into the report file",
        f"  models.sft: me/sft, revision main, is commit {LATER} now; tds check --pin writes it into the report file",
    ]


def test_pins_change_the_revisions_and_nothing_else(report: Path) -> None:
    plan = read_plan(report)
    assert len(list(pin(plan))) == 2
    text = report.read_text(encoding="utf-8")
    expected = REPORT.replace("hub: me/base   # no", f'hub: me/base\n    revision: "{COMMIT}"   # no')
    assert text == expected.replace("revision: main", f'revision: "{LATER}"')
    assert yaml.safe_load(text)["models"]["base"] == {"hub": "me/base", "revision": COMMIT, "dtype": "float32"}
    again = read_plan(report)
    assert list(pin(again)) == [] and report.read_text(encoding="utf-8") == text
    assert [shard.key for *_, shard in again.generations()] == [shard.key for *_, shard in plan.generations()]
