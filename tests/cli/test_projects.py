"""A report begins and leaves the house: `tds init`, the wheel that serves it, `tds publish` to a zip, a branch, a Space."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from tds_atlas.domain import InputError
from tds_atlas.report import publish
from tds_atlas.report.csp import add_policy, policy
from tests.conftest import ROOT
from tests.report import synthetic

PAGE = (
    "<html><head><title>A &amp; B</title></head><body><script>one()</script><script src='x.js'></script></body></html>"
)


def tds(*args: str, cwd: Path, path: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    """The command in a folder, the package from `path` if one is given."""
    where = {"PYTHONPATH": str(path)} if path else {}
    command = [sys.executable, "-m", "tds_atlas", *args]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=os.environ | where | env)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    (folder / "sub").mkdir(parents=True)
    (folder / "index.html").write_text(PAGE, encoding="utf-8")
    (folder / "sub" / "x.js").write_text("1", encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package from a wheel of its own, in a folder that has nothing else of the clone."""
    made, target = tmp_path_factory.mktemp("wheel"), tmp_path_factory.mktemp("installed")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(made)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    zipfile.ZipFile(next(made.glob("*.whl"))).extractall(target)
    return target


def test_a_report_of_ones_own_is_built_by_the_installed_package(installed: Path, tmp_path: Path) -> None:
    """Without the clone: init, and a site from a database alone."""
    done = tds("init", "mine", cwd=tmp_path, path=installed)
    assert done.returncode == 0 and "mine/report.yml" in done.stdout, done.stderr
    mine = tmp_path / "mine"
    synthetic.write(mine / "data.duckdb", prompts=4)
    built = tds("site", "--db", "data.duckdb", cwd=mine, path=installed)
    assert built.returncode == 0 and (mine / "site" / "index.html").is_file(), built.stderr
    assert "no folder /path/to/the/base" in tds("check", "report.yml", cwd=mine, path=installed).stderr
    again = tds("init", "mine", cwd=tmp_path, path=installed)
    assert again.returncode == 2 and again.stderr.startswith("tds: mine: not empty")


def test_the_files_of_a_new_report_fit_a_pair(project: Path) -> None:
    assert tds("init", "mine", cwd=project).returncode == 0
    text = (project / "mine/report.yml").read_text(encoding="utf-8")
    text = text.replace("/path/to/the/base", "../base").replace("/path/to/the/tuned", "../sft")
    text = text.replace("  - {model: base, context: few-shot}\n", "")  # longer than the tiny models can read
    (project / "mine/report.yml").write_text(text, encoding="utf-8")
    done = tds("check", "report.yml", cwd=project / "mine")
    assert done.returncode == 0 and "comparison base-tuned" in done.stdout, done.stderr
    workflow = yaml.safe_load((project / "mine/.github/workflows/pages.yml").read_text(encoding="utf-8"))
    assert "${{ steps.pages.outputs.base_url }}" in str(workflow)


def test_a_zip_has_everything_and_is_the_same_each_time(site: Path, tmp_path: Path) -> None:
    for name in ("a.zip", "b.zip"):
        done = tds("publish", "--zip", name, cwd=tmp_path)
        assert done.returncode == 0 and "This will write" in done.stdout, done.stderr
    names = zipfile.ZipFile(tmp_path / "a.zip").namelist()
    assert names == ["a/index.html", "a/sub/x.js"]
    assert PAGE.encode() == zipfile.ZipFile(tmp_path / "a.zip").read("a/index.html")
    assert tds("publish", "--zip", "none/c.zip", cwd=tmp_path).stderr.startswith("tds: none/c.zip: cannot be written")


def test_a_branch_is_replaced_by_the_site_under_its_policy(site: Path, tmp_path: Path) -> None:
    def git(*args: str, cwd: Path = tmp_path) -> str:
        return subprocess.run(["git", *args], cwd=cwd, check=True, capture_output=True, text=True).stdout

    git("init", "-q", "--bare", "remote.git")
    git("init", "-q", ".")
    git("config", "user.email", "a@example.org")
    git("config", "user.name", "A")
    for way in ("--yes", "--dry-run"):
        assert "git remote 'origin'" in tds("publish", way, cwd=tmp_path).stderr
    git("remote", "add", "origin", "remote.git")
    said = tds("publish", "--dry-run", cwd=tmp_path).stdout
    assert re.search(r"This will replace the branch gh-pages of the git remote origin by site \(2 files", said)
    assert git("ls-remote", "origin") == ""
    done = tds("publish", "--yes", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert set(git("ls-tree", "-r", "--name-only", "gh-pages").split()) == {".nojekyll", "index.html", "sub/x.js"}
    assert "Content-Security-Policy" in git("show", "gh-pages:index.html")
    assert (site / "index.html").read_text(encoding="utf-8") == PAGE  # the folder itself still opens from file://
    first = git("rev-parse", "gh-pages")
    (site / "new.html").write_text(PAGE, encoding="utf-8")
    assert tds("publish", "--yes", cwd=tmp_path).returncode == 0
    assert git("rev-parse", "gh-pages") != first and len(git("log", "--oneline", "gh-pages").splitlines()) == 1


def test_a_space_says_what_it_will_do(site: Path, tmp_path: Path) -> None:
    done = tds("publish", "--hf", "me/report", "--dry-run", cwd=tmp_path)
    assert done.returncode == 0 and "upload site (2 files" in done.stdout and "Space me/report" in done.stdout
    card = yaml.safe_load(publish.space_card(publish.built(site).title).split("---")[1])
    assert card["sdk"] == "static" and card["title"] == "A & B"
    assert tds("publish", "--hf", "me/report", "--zip", "a.zip", cwd=tmp_path).returncode == 2


def test_what_github_would_refuse_is_refused_before(site: Path, tmp_path: Path) -> None:
    with (site / "large.bin").open("wb") as file:
        file.truncate(100_000_001)
    with pytest.raises(InputError, match=r"large.bin: 100 MB; git hosts refuse"):
        publish.check_for_git(publish.built(site), "origin")
    shutil.rmtree(site)
    assert "no site here yet" in tds("publish", cwd=tmp_path).stderr


def test_the_policy_names_each_inline_script_by_its_hash(site: Path) -> None:
    assert add_policy(site) == 1 and add_policy(site) == 0
    text = (site / "index.html").read_text(encoding="utf-8")
    assert text.index("Content-Security-Policy") < text.index("<title>")
    # printf 'one()' | openssl dgst -sha256 -binary | base64
    assert "'sha256-HR7iaask9daLMRRskMI++QeJtjWDOjyPA6lGzYGzKW4='" in text
    assert "unsafe-eval'" not in policy(PAGE).replace("wasm-unsafe-eval'", "")
    other = policy(PAGE.replace("one()", "two()"))
    assert policy(PAGE) != other and policy(PAGE) == policy(PAGE.replace("x.js", "y.js"))
