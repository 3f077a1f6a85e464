"""The Makefile and the workflows: what a user or a workflow's input writes is never run by a shell."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
WORKFLOWS = [ROOT / ".github/workflows/pages.yml", ROOT / "builder/tds_atlas/cli/project_template/pages.yml"]


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize("from_environment", [False, True])
@pytest.mark.parametrize(
    "report",
    ["$(touch owned)", "`touch owned`", "$(shell touch owned)", "x; touch owned", "a'b\"c d", "--help", "$HOME", "${PATH}"],
)
def test_the_name_of_a_report_reaches_tds_as_it_is(tmp_path: Path, report: str, from_environment: bool) -> None:
    (tmp_path / "bin").mkdir()
    tds = tmp_path / "bin" / "tds"
    tds.write_text("#!/bin/sh\nfor word; do printf '<%s>' \"$word\"; done\n")
    tds.chmod(0o755)
    (tmp_path / ".site").touch()  # newer than what it is made of
    words = ["make", "--no-print-directory", "-C", str(ROOT), f"VENV={tmp_path}", "check"]
    env = os.environ | ({"REPORT": report} if from_environment else {})
    done = subprocess.run(
        words if from_environment else [*words, f"REPORT={report}"], capture_output=True, text=True, env=env
    )
    assert done.stdout == f"<check><--report={report}>" and done.stderr == ""
    assert not (ROOT / "owned").exists()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.parent.name)
def test_workflows_run_no_input_and_name_actions_by_commit(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for line in re.findall(r"uses:.*", text):
        assert re.fullmatch(r"uses: [\w-]+/[\w-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+", line), line
    workflow: dict[str, Any] = yaml.safe_load(text)
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        steps = job["steps"]
        assert not any("${{" in step.get("run", "") for step in steps)
        if "write" in job["permissions"].values():
            assert name == "deploy" and not any("run" in step or "checkout" in step.get("uses", "") for step in steps)
