"""Building the site: an interrupted build is done again, a full disk is one line, nothing of the user's goes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tds_atlas.domain import InputError
from tds_atlas.report.site import build_site

SETTINGS = (
    "site_name: x\nsite_dir: elsewhere\ndocs_dir: build/docs\nplugins: []\ntheme: {name: material, font: false}\n"
)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A few pages for MkDocs in the theme of the site."""
    (tmp_path / "build/docs").mkdir(parents=True)
    (tmp_path / "site_src/overrides").mkdir(parents=True)
    (tmp_path / "build/docs/index.md").write_text("# One\n\nA page.\n", encoding="utf-8")
    (tmp_path / "build/docs/.tds-docs").write_text("key", encoding="utf-8")
    (tmp_path / "mkdocs.yml").write_text(SETTINGS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def build(site: str = "site") -> None:
    build_site(Path("mkdocs.yml"), Path(site))


def test_a_build_that_was_killed_is_done_again(project: Path) -> None:
    code = "from pathlib import Path; from tds_atlas.report.site import build_site; build_site(Path('mkdocs.yml'), Path('site'))"
    process = subprocess.Popen([sys.executable, "-c", code])
    marker = project / "site/.tds-site"
    while not marker.exists():
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert "not finished" in marker.read_text(encoding="utf-8")
    build()
    names = marker.read_text(encoding="utf-8").splitlines()[1:]
    assert "index.html" in names and "pagefind/pagefind.js" in names
    (project / "build/docs/.tds-docs").write_text("other", encoding="utf-8")
    build()
    assert marker.read_text(encoding="utf-8").splitlines()[1:] == names


def test_what_the_user_put_into_the_site_is_named_and_stays(project: Path) -> None:
    build()
    (project / "site/CNAME").write_text("me.org", encoding="utf-8")
    (project / "site/.git").write_text("gitdir: x", encoding="utf-8")
    (project / "build/docs/.tds-docs").write_text("other", encoding="utf-8")
    with pytest.raises(
        InputError, match=r"^site: holds CNAME, not written by tds; move it away, or name another folder"
    ):
        build()
    assert (project / "site/CNAME").exists() and (project / "site/index.html").exists()
    (project / "site/CNAME").unlink()
    build()
    assert (project / "site/.git").exists()  # as MkDocs leaves what is hidden


@pytest.mark.parametrize("line", ["docs_dir: site", "docs_dir: ."])
def test_settings_that_the_user_edited_empty_nothing_of_theirs(project: Path, line: str) -> None:
    (project / "site").mkdir()
    (project / "site/notes.md").write_text("# Mine\n", encoding="utf-8")
    (project / "mkdocs.yml").write_text(SETTINGS.replace("docs_dir: build/docs", line), encoding="utf-8")
    with pytest.raises(InputError):
        build()
    assert (project / "site/notes.md").read_text(encoding="utf-8") == "# Mine\n" and not Path("elsewhere").exists()


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("mount") is None, reason="a small disk needs root")
def test_a_full_disk_is_one_line_that_names_the_place(project: Path) -> None:
    (project / "site").mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", "site"], capture_output=True).returncode:
        pytest.skip("no small disk here")
    try:
        with pytest.raises(InputError, match=r"^(site|mkdocs.yml)[^\n]*No space left on device[^\n]*$") as raised:
            build()
        assert "site" in str(raised.value)
    finally:
        subprocess.run(["umount", "site"], check=True)
