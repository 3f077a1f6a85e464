"""The report as a folder of plain files for MkDocs. Reads the database and site_src; writes build/docs."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import closing
from pathlib import Path

import duckdb

from tds_atlas.domain import InputError
from tds_atlas.hashes import hash_files, hash_tree
from tds_atlas.parts import sole_writer, write_file
from tds_atlas.record.browser_copy import write_browser_copy
from tds_atlas.report import query
from tds_atlas.report.background import background_process
from tds_atlas.report.charts import drawings, drawings_of_parts, write_figures
from tds_atlas.report.concordance import write_words
from tds_atlas.report.cookbook import answers_on_pages
from tds_atlas.report.drawing import write_images
from tds_atlas.report.examples.pages import paged_prompts, write_example_pages
from tds_atlas.report.examples.shifted import write_shifted
from tds_atlas.report.materialise import materialise
from tds_atlas.report.models import models_key
from tds_atlas.report.own_figures import read_own_figures
from tds_atlas.report.own_folders import DOCS_MARKER, SHOWN, VIEWS, check_docs
from tds_atlas.report.pages import OWN_FIGURES, OWN_PAGES, read_pages
from tds_atlas.report.written_pages import write_pages
from tds_atlas.terminal import say

_CODE = Path(__file__).parent
_RECORD = _CODE.parent / "record"  # what the views mean
_DATA = ("figures", "examples", "words", "data")  # folders that depend on the database alone


def write_docs(database: Path, source: Path, docs: Path) -> None:
    """Figures, examples, words and the published database, then the pages. Two runs write the same bytes (the same rows
    in the same order, for a published database that had to be cut).

    Skips what an earlier run wrote from the same database, code and sources. The marker gets the key of each half when
    it is complete, so that an interrupted run can be resumed.
    """
    check_inputs(database, source, docs)
    keys = [hash_files([database]) + hash_tree(_CODE) + hash_tree(_RECORD), pages_key(source) + models_key(docs)]
    with sole_writer(docs):
        _write_docs(database, source, docs, keys)


def pages_key(source: Path) -> str:
    """A hash of what a report's owner can edit: the folder of pages, and own pages and figures beside it."""
    own = (source.parent / folder for folder in (OWN_PAGES, OWN_FIGURES))
    return "".join(hash_tree(folder) for folder in (source, *own) if folder.is_dir())


def check_inputs(database: Path, source: Path, docs: Path) -> None:
    """Raises InputError unless there is a database that can be drawn, and pages, and a folder. Writes nothing."""
    with closing(query.connect(database, config=query.FRUGAL)) as con, query.consistent(database):
        _check_database(database, con)
    if not (source / "index.md").is_file():
        raise InputError(f"{source}: no site sources here; run in the project folder")
    read_pages(source)
    read_own_figures(source.parent / OWN_FIGURES)
    check_docs(docs)


def _write_docs(database: Path, source: Path, docs: Path, keys: list[str]) -> None:
    marker = docs / DOCS_MARKER
    known = marker.read_text(encoding="utf-8").splitlines() if marker.is_file() else []
    if known == keys:
        say(f"{docs} is up to date")
        return
    same_data = known[:1] == keys[:1] and all((docs.parent / name).is_file() for name in (SHOWN, VIEWS))
    docs.mkdir(parents=True, exist_ok=True)
    write_file(marker, keys[0] if same_data else "")  # what an interruption would leave
    _clean(docs, _DATA if same_data else ())
    with query.consistent(database), background_process() as background:
        tasks = [] if same_data else _write_data(background, database, docs)
        try:
            with closing(query.connect(database, docs.parent / VIEWS, query.FRUGAL)) as con:
                write_pages(con, source, docs, keys[0])
        finally:  # a page may fail although the data is complete
            if all(task.exception() is None for task in tasks):
                write_file(marker, keys[0])
        for task in tasks:
            task.result()
    write_file(marker, "\n".join(keys))


def _check_database(database: Path, con: duckdb.DuckDBPyConnection) -> None:
    """Raises InputError for a database that says nothing of its run, or whose divergences are no numbers."""
    if not query.rows(con, "pages/run"):
        raise InputError(f"{database}: not a tds database: its table run is empty; run `tds store` to write it")
    (row,) = query.rows(con, "pages/not_a_number")
    if row["positions"]:
        what = f"its table divergence has no numbers at {row['positions']:,} positions"
        raise InputError(f"{database}: {what}; run `tds store` to write it")


def _write_data(background: ProcessPoolExecutor, database: Path, docs: Path) -> list[Future[None]]:
    """Write what depends on the database alone. Returns the second process's pending tasks, which no page waits for."""
    views = docs.parent / VIEWS
    with closing(query.connect(database, config=query.FRUGAL)) as con:
        ordinary = query.rows(con, "pages/comparisons")
        if not ordinary and not any(query.rows(con, f"pages/{name}") for name in ("token_path", "likelihood")):
            what = "holds no comparison, which pages need; its scores are there for `tds query`"
            raise InputError(f"{database}: {what}")
        con.execute("CREATE TEMP TABLE example AS FROM main.example")  # queried twice
        paged, examples = paged_prompts(con), query.rows(con, "pages/examples")
    (docs / "examples").mkdir()
    copy_task = background.submit(write_browser_copy, database, docs / "data" / "tds.duckdb")
    tasks = [background.submit(write_example_pages, database, docs / "examples", examples, paged)]
    materialise(database, views)
    answers_task, drawn = background.submit(answers_on_pages, database, views), {}
    with closing(query.connect(database, views, query.FRUGAL)) as con:
        for name, figure in write_figures(con, docs / "figures", drawings() | drawings_of_parts(con)):
            drawn[name] = figure
            tasks.append(background.submit(write_images, docs / "figures", name, figure["spec"]))
        if ordinary and "rank_distribution" not in drawn:  # of all positions with scores
            raise InputError(f"{database}: no position has the scores of a comparison; run `tds store` again")
        write_words(con, docs / "words", paged)
        write_shifted(con, docs / "examples" / "shifted.js", examples)
    shown = {"figures": drawn, "cut": copy_task.result(), **answers_task.result()}
    write_file(docs.parent / SHOWN, json.dumps(shown, default=str))
    return tasks


def _clean(docs: Path, keep: tuple[str, ...]) -> None:
    """Empty the folder, which tds made, except some of its folders."""
    for path in docs.iterdir():
        if path.name in keep or path.name == DOCS_MARKER:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
