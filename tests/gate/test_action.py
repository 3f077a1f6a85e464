"""The GitHub Action: its step run as a runner runs it, on two databases; and what it may not do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.gate.test_compare import changed
from tests.report import synthetic
from tests.test_automation import ROOT

ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
SAME = "shifted>+2pt, js>+10%"


def step(folder: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """The step `Compare` in a folder; inputs that are not given have their defaults."""
    (compare,) = (step for step in ACTION["runs"]["steps"] if step.get("id") == "gate")
    named = {name: str(given.get("default", "")) for name, given in ACTION["inputs"].items()}
    named |= {name.replace("_", "-"): value for name, value in inputs.items()}
    read = {key: named[value.removeprefix("${{ inputs.").removesuffix(" }}")] for key, value in compare["env"].items()}
    (folder / "tds/bin").mkdir(parents=True, exist_ok=True)
    command = folder / "tds/bin/tds"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tds_atlas "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    runner = {"RUNNER_TEMP": str(folder), "GITHUB_ACTION_PATH": str(ROOT), "PYTHONPATH": os.pathsep.join(sys.path)}
    runner |= {name: str(folder / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    words = ["bash", "-e", "-o", "pipefail", "-c", compare["run"]]
    return subprocess.run(words, cwd=folder, env=os.environ | runner | read, capture_output=True, text=True)


@pytest.fixture
def accepted(tmp_path: Path) -> Path:
    return synthetic.write(tmp_path / "a.duckdb", prompts=60)


def test_an_equal_report_passes_and_the_summary_shows_the_table(tmp_path: Path, accepted: Path) -> None:
    done = step(tmp_path, accepted="a.duckdb", candidate="a.duckdb", fail_on=SAME, map="c-1=c-1\n")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "GITHUB_OUTPUT").read_text(encoding="utf-8") == "verdict=pass\n"
    head, _, *lines = (tmp_path / "GITHUB_STEP_SUMMARY").read_text(encoding="utf-8").splitlines()
    assert head == "### TDS Atlas gate: pass" and all(line.startswith("    ") for line in lines)
    said = (*done.stdout.splitlines(), *done.stderr.splitlines())
    assert [line[4:] for line in lines] == list(said) and any("shifted" in line for line in said)
    assert json.loads((tmp_path / "tds-gate/gate.json").read_text(encoding="utf-8"))["rules"]
    assert (tmp_path / "tds-gate/gate.xml").is_file()


def test_a_rule_that_fails_fails_the_step(tmp_path: Path, accepted: Path) -> None:
    changed(accepted, "UPDATE score SET rank = 9 WHERE condition_id LIKE 'base%'")
    done = step(tmp_path, accepted="a.duckdb", candidate="b.duckdb", fail_on=SAME, map="c-1=c-1")
    assert done.returncode == 1 and (tmp_path / "GITHUB_OUTPUT").read_text(encoding="utf-8") == "verdict=fail\n"


def test_the_site_is_asked_for_where_it_has_a_name(tmp_path: Path, accepted: Path) -> None:
    """A folder of the user's own is refused, which shows that the name came through."""
    (tmp_path / "my site").mkdir()
    (tmp_path / "my site" / "thesis.md").write_text("mine")
    done = step(tmp_path, accepted="a.duckdb", candidate="a.duckdb", fail_on=SAME, site="my site")
    assert done.returncode == 2 and "my site: holds thesis.md, not written by tds" in done.stderr


@pytest.mark.parametrize("rules", ["$(touch owned)", "`touch owned`", "; touch owned", "--help"])
def test_what_an_input_holds_is_no_command(tmp_path: Path, accepted: Path, rules: str) -> None:
    done = step(tmp_path, accepted="a.duckdb", candidate="--help", fail_on=rules, map="--help")
    assert done.returncode == 2 and done.stderr.startswith("tds: ") and len(done.stderr.splitlines()) == 1
    assert (tmp_path / "GITHUB_OUTPUT").read_text(encoding="utf-8") == "verdict=none\n"
    assert not (tmp_path / "owned").exists()


def test_no_shell_reads_an_input_and_actions_are_named_by_commit() -> None:
    steps = ACTION["runs"]["steps"]
    assert not any("${{" in step.get("run", "") for step in steps)
    assert [step["uses"].partition("@")[2] for step in steps if "uses" in step] == ["ece7cb06caefa5fff74198d8649806c4678c61a1"]
    assert "--require-hashes" in steps[1]["run"]
