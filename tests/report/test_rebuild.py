"""What a second run of the report stage does again, and what a cap on example pages leaves out."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tds_atlas.domain import InputError
from tds_atlas.report import docs as docs_module
from tds_atlas.report import query, written_pages
from tds_atlas.report.examples.pages import paged_prompts
from tds_atlas.report.pages import Page, environment, render
from tests.report import synthetic
from tests.report.undrawn import copy_pages, few_figures, undrawn

PAGES = ("index.md", "method.md", "examples.md", "words.md", "findings/index.md", "findings/where.md")


@pytest.fixture(autouse=True, scope="module")
def images() -> Iterator[None]:
    """Are not drawn: only whether they are made again matters here."""
    with undrawn(), few_figures():
        yield


def _project(folder: Path, *pages: str) -> Path:
    copy_pages(folder, *pages)
    synthetic.write(folder / "made.duckdb", prompts=6)
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return _project(tmp_path, *PAGES)


@pytest.fixture
def whole_project(tmp_path: Path) -> Path:
    """One with every page."""
    return _project(tmp_path)


@pytest.fixture(scope="module")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = _project(tmp_path_factory.mktemp("first"), *PAGES)
    _write(project)
    return project


@pytest.fixture
def built(first_run: Path, tmp_path: Path) -> Path:
    """A project of one's own after its first run."""
    return Path(shutil.copytree(first_run, tmp_path / "project"))


def _write(project: Path) -> Path:
    docs_module.write_docs(project / "made.duckdb", project / "site_src", project / "build" / "docs")
    return project / "build" / "docs"


def _times(folder: Path) -> dict[str, int]:
    return {p.relative_to(folder).as_posix(): p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()}


def test_an_edited_page_is_written_again_and_the_examples_stay(built: Path) -> None:
    before = _times(built / "build" / "docs")
    about = built / "site_src" / "method.md"
    about.write_text(about.read_text(encoding="utf-8") + "\nOne more line.\n", encoding="utf-8")
    docs = _write(built)
    after = _times(docs)
    assert before.keys() == after.keys() and "One more line." in (docs / "method.md").read_text(encoding="utf-8")
    same = {name for name in before if before[name] == after[name]}
    assert {name for name in before if name.split("/")[0] in ("figures", "examples", "words", "data")} <= same
    assert "method.md" not in same


def test_another_database_is_written_anew(built: Path) -> None:
    synthetic.write(built / "other.duckdb", prompts=4)
    (built / "other.duckdb").replace(built / "made.duckdb")
    docs = _write(built)
    assert len(list(docs.glob("examples/c-1/*.md"))) == 4


def test_a_page_that_asks_for_what_is_not_there_is_one_line(project: Path) -> None:
    page = project / "site_src" / "method.md"
    for text, message in (
        ("{{ nothing }}", "'nothing' is undefined"),
        ("{% if %}", "Expected an expression"),
        ("{{ 1 / 0 }}", "division by zero"),
    ):
        page.write_text(f"---\ntitle: Method\norder: 50\n---\n# Method\n\n{text}\n", encoding="utf-8")
        with pytest.raises(InputError, match=rf"^{page}: line 7: {message}.*; fix the page$"):
            _write(project)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        (
            "UPDATE divergence SET kl_aligned_base = 'nan' WHERE comparison_id = 'c-2' AND pos = 0",
            r"made.duckdb: its table divergence has no numbers at 6 positions; run `tds store` to write it$",
        ),
        ("DELETE FROM run", r"made.duckdb: not a tds database: its table run is empty; run `tds store` to write it"),
    ],
)
def test_a_database_of_which_no_report_can_be_drawn_is_one_line(project: Path, sql: str, message: str) -> None:
    with duckdb.connect(str(project / "made.duckdb")) as con:
        con.execute(sql)
    with pytest.raises(InputError, match=message):
        _write(project)
    assert not (project / "build").exists()


@pytest.mark.parametrize("sql", ["DELETE FROM position", "DELETE FROM score WHERE condition_id = 'base·plain'"])
def test_a_database_without_numbers_is_one_line_that_names_it(project: Path, sql: str) -> None:
    with duckdb.connect(str(project / "made.duckdb")) as con:
        con.execute(sql)
    with pytest.raises(InputError, match=r"made.duckdb: no position has the scores of a comparison; run `tds store`"):
        _write(project)


def test_a_database_without_a_comparison_is_one_line_that_names_it(project: Path) -> None:
    with duckdb.connect(str(project / "made.duckdb")) as con:
        con.execute("DELETE FROM comparison")
    with pytest.raises(InputError, match=r"made.duckdb: holds no comparison, which pages need; its scores are there"):
        _write(project)


def test_what_is_not_the_pages_fault_is_said_as_it_is(tmp_path: Path) -> None:
    def full() -> None:
        raise InputError("checks.sql: no room")

    (tmp_path / "x.md").write_text("{{ full() }}", encoding="utf-8")
    with pytest.raises(InputError, match=r"^checks.sql: no room$"):
        render(environment(tmp_path), Page("x.md", "X", 1), {"full": full})


def test_what_the_pages_show_may_be_deleted(built: Path) -> None:
    docs = built / "build" / "docs"
    (docs.parent / "shown.json").unlink()
    (built / "site_src" / "method.md").write_text("---\ntitle: Method\norder: 50\n---\n# Method\n", encoding="utf-8")
    assert (_write(built).parent / "shown.json").is_file()


def test_an_interrupted_half_is_gone_on_with(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages fail: figures and examples are kept, and the next run ends as an undisturbed one."""
    whole = {p.relative_to(built): p.read_bytes() for p in (built / "build" / "docs").rglob("*") if p.is_file()}
    shutil.rmtree(built / "build")

    def fail(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(written_pages, "render", fail)
        _write(built)
    kept = _times(built / "build" / "docs" / "examples")
    docs = _write(built)
    assert _times(docs / "examples") == kept
    assert {p.relative_to(built): p.read_bytes() for p in docs.rglob("*") if p.is_file()} == whole


@pytest.mark.parametrize("step", ["_write_data", "write_pages"])
def test_a_run_that_was_killed_never_passes_for_the_one_before(
    built: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Another database, or an edited page, and a kill; then what there was before, of which nothing is left."""
    docs, before = built / "build/docs", _times(built / "build/docs").keys()
    if step == "_write_data":
        changed, other = built / "made.duckdb", synthetic.write(built / "other.duckdb", prompts=4).read_bytes()
    else:
        changed, other = built / "site_src/method.md", b"---\ntitle: Method\norder: 50\n---\n# Method\n"
    content = changed.read_bytes()
    changed.write_bytes(other)

    def kill(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(docs_module, step, kill)
        _write(built)
    assert _times(docs).keys() != before
    changed.write_bytes(content)
    _write(built)
    assert _times(docs).keys() == before


def test_an_error_of_the_second_process_is_one_line(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the published database cannot be written, the user reads which and why."""
    target = project / "build" / "docs" / "data"
    monkeypatch.setattr(docs_module, "_clean", lambda docs, keep: (target / "tds.duckdb").mkdir(parents=True))
    with pytest.raises(InputError, match=r"tds\.duckdb: cannot be written: [Ii]s a directory"):
        _write(project)


def _die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_second_process_is_one_line(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docs_module, "write_browser_copy", _die)
    with pytest.raises(InputError, match="second process was killed"):
        _write(project)


def test_the_second_process_ends_with_the_first() -> None:
    code = (
        "import os, time\nfrom tds_atlas.report.background import background_process\n"
        "with background_process() as process:\n"
        "    print(process.submit(os.getpid).result(), flush=True)\n"
        "    process.submit(time.sleep, 60)\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    killed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert killed.returncode == -signal.SIGKILL  # and nobody held its output open: both have ended
    assert int(killed.stdout)


def _capped(project: Path, pages: int) -> None:
    with duckdb.connect(str(project / "made.duckdb")) as con:
        con.execute("INSERT INTO run VALUES ('example_pages', ?)", [str(pages)])


def test_a_cap_keeps_whole_prompts_and_hides_nothing_else(whole_project: Path) -> None:
    project = whole_project
    _capped(project, 7)
    docs = _write(project)
    con = query.connect(project / "made.duckdb")
    moved = con.execute("""
        SELECT ordinal FROM example JOIN prompt USING (prompt_id) GROUP BY ordinal
        ORDER BY avg(mean_kl_aligned_base_nats) DESC LIMIT 3""").fetchall()
    kept = {ordinal for (ordinal,) in moved}  # two pages a prompt
    assert paged_prompts(con) == kept
    made = {p.relative_to(docs).as_posix() for p in docs.glob("examples/*/*.md")}
    assert made == {f"examples/{c}/{o}.md" for c in ("c-1", "c-2") for o in kept}
    table = json.loads((docs / "examples" / "index.js").read_text(encoding="utf-8").split("=", 1)[1].rstrip(";\n"))
    assert len(table["rows"]["prompt"]) == 12 and sum(table["prompts"]["page"]) == 3
    for page in docs.rglob("*.md"):
        for link in re.findall(r'href="(?:\.\./)*(examples/[^"#]+|\d+)\.html', page.read_text(encoding="utf-8")):
            folder = docs if link.startswith("examples") else page.parent
            assert (folder / f"{link}.md").is_file(), (page, link)
    words = (docs / "words" / "index.js").read_text(encoding="utf-8")
    assert f'"paged":{json.dumps(sorted(kept), separators=(",", ":"))}' in words
    assert "Only 3 of the prompts have pages" in (docs / "examples.md").read_text(encoding="utf-8")


def test_a_cap_below_one_prompt_keeps_one(project: Path) -> None:
    _capped(project, 1)
    assert len(paged_prompts(query.connect(project / "made.duckdb"))) == 1
