"""A report begins and leaves the house: `tds init`, the wheel that serves it, `tds publish` to a zip, a branch, a Space."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from tds_atlas.cli.new_project import start
from tds_atlas.domain import InputError
from tds_atlas.report import publish
from tds_atlas.report.csp import add_policy, policy
from tests import command
from tests.conftest import ROOT
from tests.report import synthetic

PAGE = (
    "<html><head><title>A &amp; B</title></head><body><script>one()</script><script src='x.js'></script></body></html>"
)


def tds(*args: str, cwd: Path, path: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    """The command in a folder, the package from `path` if one is given."""
    if not path and not env:
        return command.tds(*args, cwd=cwd)
    where = {"PYTHONPATH": str(path)} if path else {}
    run = [sys.executable, "-m", "tds_atlas", *args]
    return subprocess.run(run, cwd=cwd, capture_output=True, text=True, env=os.environ | where | env)


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


def test_a_new_report_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, before[1]))
    try:
        with pytest.raises(InputError, match=r": cannot be written: .*File too large"):
            start(tmp_path / "mine")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "mine").mkdir()
    assert start(tmp_path / "mine") and (tmp_path / "mine/site_src/index.md").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    with pytest.raises(InputError, match="mine: not empty"):
        start(tmp_path / "mine")


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
    assert (tmp_path / "a.zip").read_bytes() != (tmp_path / "b.zip").read_bytes()  # the folder inside has its name
    before = (tmp_path / "a.zip").read_bytes()
    assert tds("publish", "--zip", "a.zip", cwd=tmp_path).returncode == 0  # its own former zip is replaced
    assert (tmp_path / "a.zip").read_bytes() == before
    assert tds("publish", "--zip", "none/c.zip", cwd=tmp_path).stderr.startswith("tds: none/c.zip: cannot be written")


def test_a_zip_replaces_only_a_zip_of_a_site(site: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr("photos/1.jpg", "mine")
    for name in ("thesis.txt", "photos.zip", "sub"):
        before = (tmp_path / name).read_bytes() if name != "sub" else (tmp_path / name).mkdir()
        with pytest.raises(InputError, match=f"{name}: not a zip of a site; it is left alone: name another"):
            publish.write_zip(publish.built(site), tmp_path / name)
        assert name == "sub" or (tmp_path / name).read_bytes() == before
    with pytest.raises(
        InputError, match=r"site/all.zip: is in the site, which is emptied; name another file with --zip"
    ):
        publish.write_zip(publish.built(site), site / "all.zip")
    with zipfile.ZipFile(tmp_path / "old.zip", "w") as archive:  # as earlier versions wrote it
        archive.writestr("old/assets/js/search-list.js", "window.tdsSearchList=[]")
    publish.write_zip(publish.built(site), tmp_path / "old.zip")
    assert "old/index.html" in zipfile.ZipFile(tmp_path / "old.zip").namelist()
    assert not list(tmp_path.glob(".*.part"))


@pytest.mark.parametrize(
    ("names", "uploads"),
    [
        (None, ["README.md", "site"]),  # no such Space yet
        ([".gitattributes", "README.md"], ["site"]),
        ([".gitattributes", "README.md", "index.html", ".tds-site"], ["site"]),
        (["README.md", "assets/js/search-list.js"], ["site"]),
        (
            [".gitattributes", "README.md", "app.py"],
            "Space me/x: holds app.py, and no site of tds; name another with --hf",
        ),
    ],
)
def test_a_space_of_the_users_is_left_alone(
    site: Path, monkeypatch: pytest.MonkeyPatch, names: list[str] | None, uploads: list[str] | str
) -> None:
    sent: list[str] = []

    class Hub:
        def repo_exists(self, *_: str, **__: str) -> bool:
            return names is not None

        def list_repo_files(self, *_: str, **__: str) -> list[str]:
            return names or []

        def create_repo(self, *_: str, **__: str) -> None:
            assert names is None

        def upload_file(self, path_in_repo: str, **_: object) -> None:
            sent.append(path_in_repo)

        def upload_folder(self, folder_path: Path, **_: object) -> None:
            sent.append(folder_path.name)

    monkeypatch.setattr("huggingface_hub.HfApi", Hub)
    if isinstance(uploads, str):
        with pytest.raises(InputError, match=f"^{uploads}$"):
            publish.upload_space(publish.built(site), "me/x")
        assert sent == []
    else:
        assert publish.upload_space(publish.built(site), "me/x").endswith("/me/x") and sent == uploads


def test_a_space_says_what_it_will_do(site: Path, tmp_path: Path) -> None:
    done = tds("publish", "--hf", "me/report", "--dry-run", cwd=tmp_path)
    assert done.returncode == 0 and "upload site (2 files" in done.stdout and "Space me/report" in done.stdout
    card = yaml.safe_load(publish.space_card(publish.built(site).title).split("---")[1])
    assert card["sdk"] == "static" and card["title"] == "A & B"
    assert tds("publish", "--hf", "me/report", "--zip", "a.zip", cwd=tmp_path).returncode == 2


def test_the_policy_names_each_inline_script_by_its_hash(site: Path) -> None:
    assert add_policy(site) == 1 and add_policy(site) == 0
    text = (site / "index.html").read_text(encoding="utf-8")
    assert text.index("Content-Security-Policy") < text.index("<title>")
    # printf 'one()' | openssl dgst -sha256 -binary | base64
    assert "'sha256-HR7iaask9daLMRRskMI++QeJtjWDOjyPA6lGzYGzKW4='" in text
    assert "unsafe-eval'" not in policy(PAGE).replace("wasm-unsafe-eval'", "")
    other = policy(PAGE.replace("one()", "two()"))
    assert policy(PAGE) != other and policy(PAGE) == policy(PAGE.replace("x.js", "y.js"))
