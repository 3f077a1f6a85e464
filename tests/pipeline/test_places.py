"""What a run would replace is looked at before it measures: nothing of the user's is lost, and no hours either."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tds_atlas.domain import InputError
from tds_atlas.pipeline import steps
from tds_atlas.pipeline.check import check
from tds_atlas.pipeline.plan import read_plan
from tds_atlas.report.own_folders import begin_site, check_site, finish_site

THESIS = "my thesis"


def write(path: Path, text: str = THESIS) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


PLACES = {
    "site/thesis.txt": "site: holds thesis.txt, not written by tds; move it away, or name another folder in output.site",
    "site/a/b.txt": "site: holds a/b.txt, not written by tds",
    "site/index.html": "site: holds index.html, not written by tds",
    "site": "site: not a folder; move it away, or name another folder in output.site",
    "data/tds.duckdb": "data/tds.duckdb: not a database of tds, or in use .* name another in output.database",
    "data/shards": "data/shards: not a folder; name another in output.shards",
    "build/docs/mine.md": "build/docs: holds files that tds did not write",
    "build/nav.yml": "build/nav.yml: not written by tds, which would replace it; move it away",
    "build/views.duckdb": "build/views.duckdb: not written by tds",
}


@pytest.mark.parametrize(("name", "message"), PLACES.items(), ids=PLACES)
@pytest.mark.parametrize(
    "run", [lambda plan: list(check(plan)), steps.generate, steps.measure], ids=["check", "generate", "measure"]
)
def test_what_tds_did_not_write_is_left_alone_and_nothing_is_measured(
    project: Path, monkeypatch: pytest.MonkeyPatch, run: Callable, name: str, message: str
) -> None:
    write(project / name)
    monkeypatch.setattr("tds_atlas.pipeline.steps.lazy_models", lambda *_: pytest.fail("measured"))
    monkeypatch.setattr("tds_atlas.pipeline.check.lazy_models", lambda *_: pytest.fail("measured"))
    with pytest.raises(InputError, match=f"^{message}"):
        run(read_plan(Path("report.yml")))
    assert (project / name).read_text(encoding="utf-8") == THESIS


def test_a_pipe_for_the_database_is_not_waited_for(project: Path) -> None:
    (project / "data").mkdir(exist_ok=True)
    os.mkfifo(project / "data/tds.duckdb")
    with pytest.raises(
        InputError, match=r"^data/tds.duckdb: not a file; move it away, or name another in output.database$"
    ):
        steps.measure(read_plan(Path("report.yml")))


def built(site: Path) -> None:
    begin_site(site)
    write(site / "index.html", "<title>x</title>")
    write(site / "assets/js/search-list.js", "window.tdsSearchList=[];\n")
    finish_site(site)


def test_a_site_of_tds_may_be_emptied_while_it_holds_nothing_else(tmp_path: Path) -> None:
    site = tmp_path / "site"
    for make in (lambda: None, site.mkdir, lambda: built(site), lambda: write(site / ".git/config")):
        make()
        check_site(site)
    write(site / "CNAME", "me.org")
    with pytest.raises(InputError, match="site: holds CNAME, not written by tds"):
        check_site(site)


def test_a_build_that_was_killed_is_done_again(tmp_path: Path) -> None:
    site = tmp_path / "site"
    built(site)
    begin_site(site)
    write(site / "half.html", "<title>")
    check_site(site)


def test_a_site_of_an_earlier_version_is_recognised(tmp_path: Path) -> None:
    site = tmp_path / "site"
    built(site)
    (site / ".tds-site").unlink()
    check_site(site)
    write(site / "assets/js/search-list.js", "mine()")
    with pytest.raises(InputError, match="not written by tds"):
        check_site(site)


def test_a_site_through_a_link_is_judged_by_what_is_there(tmp_path: Path) -> None:
    write(tmp_path / "mine/thesis.txt")
    (tmp_path / "site").symlink_to(tmp_path / "mine")
    with pytest.raises(InputError, match=r"site: holds thesis.txt"):
        check_site(tmp_path / "site")
    for name in ("gone", "loop"):
        (tmp_path / "loop").unlink(missing_ok=True)
        (tmp_path / "loop").symlink_to(name)
        with pytest.raises(InputError, match=r"loop: not a folder"):
            check_site(tmp_path / "loop")


def test_a_database_in_a_folder_that_is_emptied_is_refused(project: Path) -> None:
    write(project / "site/data/mine.duckdb")
    with pytest.raises(
        InputError, match=r"^site/data/mine.duckdb: is in site, which is emptied; name a copy elsewhere"
    ):
        steps.site(Path("site/data/mine.duckdb"), Path("site"))
    write(project / "build/docs/data/tds.duckdb")
    with pytest.raises(InputError, match=r"^build/docs/data/tds.duckdb: is in build/docs, which is emptied"):
        steps.report(Path("build/docs/data/tds.duckdb"))
    shutil.rmtree(project / "build")


def test_a_site_without_its_settings_is_refused_before_a_page_is_written(project: Path) -> None:
    with pytest.raises(InputError, match=r"^mkdocs.yml: no such file; run in the project folder"):
        steps.site(Path("data/tds.duckdb"), Path("site"))
    assert not (project / "build").exists()
