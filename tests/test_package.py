"""One package: it imports and runs alike from a clone, an editable install and a wheel, and a wheel holds nothing else."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import tds_atlas
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    code = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", code, str(folder)], cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return path


def test_a_wheel_installs_tds_atlas_alone(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {"tds_atlas", f"tds_atlas-{tds_atlas.__version__}.dist-info"}
    for name in (
        "floors.toml",
        "inputs/roles.yml",
        "record/schema.sql",
        "record/comments.yml",
        "cli/project_template/pages.yml",
    ):
        assert f"tds_atlas/{name}" in names


@pytest.mark.parametrize("place", ["clone", "wheel"])
def test_the_module_runs_alike_from_a_clone_and_a_wheel(wheel: Path, tmp_path: Path, place: str) -> None:
    path = ROOT / "builder" if place == "clone" else tmp_path
    if place == "wheel":
        zipfile.ZipFile(wheel).extractall(tmp_path)
    code = "import tds_atlas; print(tds_atlas.__file__, tds_atlas.__version__, tds_atlas.InputError.__name__)"
    env = {"PYTHONPATH": str(path), "PATH": "/usr/bin:/bin"}
    said = subprocess.run(
        [sys.executable, "-c", code], env=env, cwd="/", check=True, capture_output=True, text=True
    ).stdout
    assert said.split() == [str(path / "tds_atlas" / "__init__.py"), tds_atlas.__version__, "InputError"]
    run = [sys.executable, "-m", "tds_atlas", "--version"]
    said = subprocess.run(run, env=env, cwd="/", check=True, capture_output=True, text=True).stdout
    assert said == f"tds {tds_atlas.__version__}\n"


def test_the_command_is_that_of_the_package() -> None:
    run = [str(Path(sys.executable).with_name("tds")), "--version"]
    assert subprocess.run(run, check=True, capture_output=True, text=True).stdout == f"tds {tds_atlas.__version__}\n"
