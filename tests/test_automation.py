"""The Makefile, the lock files and the workflows: no shell runs an input, and no file is installed unverified."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
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
    [
        "$(touch owned)",
        "`touch owned`",
        "$(shell touch owned)",
        "x; touch owned",
        "a'b\"c d",
        "--help",
        "$HOME",
        "${PATH}",
    ],
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
        assert re.fullmatch(r"uses: [\w-]+(/[\w-]+){1,2}@[0-9a-f]{40}  # v\d+\.\d+\.\d+", line), line
    workflow: dict[str, Any] = yaml.safe_load(text)
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        steps = job["steps"]
        assert not any("${{" in step.get("run", "") for step in steps)
        if "write" in job["permissions"].values():
            assert name == "deploy" and not any("run" in step or "checkout" in step.get("uses", "") for step in steps)


def test_the_job_that_tries_zensical_stands_in_no_ones_way_and_leaves_nothing_behind() -> None:
    jobs: dict[str, Any] = yaml.safe_load(WORKFLOWS[0].read_text(encoding="utf-8"))["jobs"]
    job = jobs["zensical"]
    assert job["continue-on-error"] is True and job["permissions"] == {"contents": "read"}
    assert not any("zensical" in other.get("needs", "") for other in jobs.values())
    actions = [step["uses"].split("@")[0] for step in job["steps"] if "uses" in step]
    assert actions == ["actions/checkout", "actions/setup-python", "actions/cache/restore"]
    assert job["steps"][0]["with"] == {"persist-credentials": False}


def test_the_job_that_tries_vllm_stands_in_no_ones_way_and_leaves_nothing_behind() -> None:
    jobs: dict[str, Any] = yaml.safe_load(WORKFLOWS[0].read_text(encoding="utf-8"))["jobs"]
    job = jobs["vllm"]
    assert job["continue-on-error"] is True and job["permissions"] == {"contents": "read"}
    assert not any("vllm" in other.get("needs", "") for other in jobs.values())
    assert job["steps"][0]["with"] == {"persist-credentials": False}
    assert not any("cache" in step.get("uses", "") for step in job["steps"])


def test_an_environment_of_vllm_that_is_whole_is_named_and_left_as_it_is(tmp_path: Path) -> None:
    """Without a network: the script sees its own mark, and installs nothing."""
    version = re.search(r"^version=(.*)$", (ROOT / ".ci/vllm").read_text(encoding="utf-8"), re.MULTILINE)
    assert version
    (tmp_path / ".vllm").write_text(version[1])
    done = subprocess.run([ROOT / ".ci/vllm", tmp_path], capture_output=True, text=True, env=os.environ | {"PIP_NO_INDEX": "1"})
    assert (done.returncode, done.stdout, done.stderr) == (0, f"export TDS_VLLM_PYTHON={tmp_path}/bin/python\n", "")
    nowhere = subprocess.run([ROOT / ".ci/vllm"], capture_output=True, text=True)
    assert nowhere.returncode != 0 and "give the folder" in nowhere.stderr


@pytest.mark.parametrize("built", [False, True])
def test_where_zensical_cannot_be_had_one_line_says_so_and_nothing_fails(tmp_path: Path, built: bool) -> None:
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci/zensical", tmp_path / ".ci")
    if built:
        (tmp_path / "build").mkdir()
        (tmp_path / "build/nav.yml").touch()
    env = os.environ | {"PIP_NO_INDEX": "1", "PYTHON": sys.executable}
    done = subprocess.run([tmp_path / ".ci/zensical"], capture_output=True, text=True, env=env)
    why = "the package cannot be had: ERROR: No matching distribution found for zensical" if built else "no build/docs"
    assert done.returncode == 0 and done.stderr == ""
    assert len(done.stdout.splitlines()) == 1 and done.stdout.startswith(f"zensical: {why}")


def _locked(name: str) -> dict[str, int]:
    """The packages of a lock file with the number of their hashes."""
    entries = re.split(r"^(?=[a-z])", (ROOT / name).read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    for entry in entries:
        head, *hashes = entry.rstrip().split(" \\\n")
        assert re.fullmatch(r"[a-z0-9-]+==[\w.]+( ; .+)?", head), head
        assert hashes and all(re.fullmatch(r" {4}--hash=sha256:[0-9a-f]{64}", line) for line in hashes), head
    return {entry.split("==")[0]: entry.count("--hash") for entry in entries}


def test_every_dependency_but_torch_is_locked_with_hashes_and_only_where_it_is_needed() -> None:
    def names(requirements: list[str]) -> set[str]:
        return {re.split(r"[\[<>=;]", line)[0].lower() for line in requirements} - {"tds-atlas", "torch"}

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    site, dev, bench = (set(_locked(f"requirements{of}.lock")) for of in ("", "-dev", "-bench"))
    assert names(project["project"]["dependencies"]) | names(project["build-system"]["requires"]) <= site
    assert names(extras["dev"]) | names(extras["adapters"]) | names(extras["datasets"]) <= site | dev
    assert names(extras["bench"]) <= site | dev | bench
    assert not (site & dev or (site | dev) & bench) and not site & {"pytest", "datasets", "lm-eval"}
    assert not {name for name in site | dev | bench if re.match(r"torch$|triton|cuda-|nvidia-", name)}


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_installs_by_hash_all_but_torch_and_the_project(tmp_path: Path) -> None:
    words = ["make", "--no-print-directory", "--dry-run", "-C", str(ROOT), f"VENV={tmp_path}", f"{tmp_path}/.bench"]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    lines = [line.split("--no-build-isolation ")[1] for line in said.splitlines() if "pip install" in line]
    assert lines == [
        line
        for of, extra in (("", "."), ("-dev", "'.[dev]'"), ("-bench", "'.[bench]'"))
        for line in (f"--require-hashes --no-deps -r requirements{of}.lock", f"torch==2.13.0 -e {extra}")
    ]
