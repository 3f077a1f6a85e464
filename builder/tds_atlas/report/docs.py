"""The report as a folder of plain files for MkDocs. Reads the database and site_src; writes build/docs."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, get_args

import duckdb

from tds_atlas.domain import MARGINAL_RANK, UNSHIFTED_RANK, InputError, Shift
from tds_atlas.files import hash_files, hash_tree
from tds_atlas.progress import say, track
from tds_atlas.record.browser_copy import write_browser_copy
from tds_atlas.report import query, theme
from tds_atlas.report.background import background_process
from tds_atlas.report.charts import vega_bundle, write_figures, write_images
from tds_atlas.report.concordance import write_words
from tds_atlas.report.cookbook import answered_questions, sample_rows
from tds_atlas.report.examples.pages import index_data, paged_prompts, write_examples
from tds_atlas.report.markup import inline_json
from tds_atlas.report.materialise import materialise
from tds_atlas.report.navigation import write_navigation, write_search_list
from tds_atlas.report.pages import context, environment, render

_CODE = Path(__file__).parent
_RECORD = _CODE.parent / "record"  # what the views mean
MARKER = ".tds-docs"  # in every folder that this module made, and may therefore empty; holds the keys of its content
_DATA = ("figures", "examples", "words", "data")  # folders that depend on the database alone
_SHOWN = "shown.json"  # beside the folder: database content that pages show without querying it
_VIEWS = "views.duckdb"  # beside the folder: views as tables


def write_docs(database: Path, source: Path, docs: Path) -> None:
    """Figures, examples, words and the published database, then the pages. Two runs write the same bytes (the same rows
    in the same order, for a published database that had to be cut).

    Skips what an earlier run wrote from the same database, code and sources. The marker gets the key of each half when
    it is complete, so that an interrupted run can be resumed.
    """
    query.check(database)
    if not (source / "index.md").is_file():
        raise InputError(f"{source}: no site sources here; run in the project folder")
    keys = [hash_files([database]) + hash_tree(_CODE) + hash_tree(_RECORD), hash_tree(source)]
    marker = docs / MARKER
    known = marker.read_text(encoding="utf-8").splitlines() if marker.is_file() else []
    if known == keys:
        say(f"{docs} is up to date")
        return
    same_data = known[:1] == keys[:1] and all((docs.parent / name).is_file() for name in (_SHOWN, _VIEWS))
    _clean(docs, _DATA if same_data else ())
    with query.consistent(database), background_process() as background:
        tasks = [] if same_data else _write_data(background, database, docs)
        try:
            with closing(query.connect(database, docs.parent / _VIEWS, query.FRUGAL)) as con:
                _write_pages(con, source, docs)
        finally:  # a page may fail although the data is complete
            if all(task.exception() is None for task in tasks):
                marker.write_text(keys[0], encoding="utf-8")
        for task in tasks:
            task.result()
    marker.write_text("\n".join(keys), encoding="utf-8")


def _write_data(background: ProcessPoolExecutor, database: Path, docs: Path) -> list[Future[None]]:
    """Write what depends on the database alone. Returns the second process's pending tasks, which no page waits for."""
    views = docs.parent / _VIEWS
    with closing(query.connect(database, config=query.FRUGAL)) as con:
        con.execute("CREATE TEMP TABLE example AS FROM main.example")  # queried twice
        paged, examples = paged_prompts(con), query.rows(con, "pages/examples")
    copy_task = background.submit(write_browser_copy, database, docs / "data" / "tds.duckdb")
    tasks = [background.submit(_write_examples, database, docs / "examples", examples, paged)]
    materialise(database, views)
    answers_task, drawings = background.submit(_answers, database, views), {}
    with closing(query.connect(database, views, query.FRUGAL)) as con:
        for name, figure in write_figures(con, docs / "figures"):
            drawings[name] = figure
            tasks.append(background.submit(write_images, docs / "figures", name, figure["spec"]))
        write_words(con, docs / "words", paged)
    shown = {"figures": drawings, "cut": copy_task.result(), **answers_task.result()}
    (docs.parent / _SHOWN).write_text(json.dumps(shown, default=str), encoding="utf-8")
    return tasks


def _write_examples(database: Path, folder: Path, examples: list[dict[str, Any]], paged: frozenset[int]) -> None:
    """The pages of the examples that have one, and the table of all."""
    folder.mkdir()
    index = inline_json(index_data(examples, paged))
    (folder / "index.js").write_text(f"window.tdsExamples={index};\n", encoding="utf-8")
    shown = [e for e in examples if e["ordinal"] in paged]
    with closing(query.connect(database, config=query.FRUGAL)) as con:
        for _ in track(write_examples(con, folder, shown), "example pages", len(shown), "pages"):
            pass


def _answers(database: Path, views: Path) -> dict[str, Any]:
    """The cookbook's answers, and a row of each table: what pages show of the database without querying it."""
    with closing(query.connect(database, views, query.FRUGAL)) as con:
        return {"cookbook": answered_questions(con), "sample": sample_rows(con)}


def _clean(docs: Path, keep: tuple[str, ...]) -> None:
    """Empty the folder except some of its folders, if tds made it."""
    if docs.exists() and any(docs.iterdir()) and not (docs / MARKER).exists():
        raise InputError(f"{docs}: holds files that tds did not write; empty it or name another folder")
    docs.mkdir(parents=True, exist_ok=True)
    (docs / MARKER).touch()
    for path in docs.iterdir():
        if path.is_dir() and path.name not in keep:
            shutil.rmtree(path)
        elif path.is_file() and path.name != MARKER:
            path.unlink()


def _write_pages(con: duckdb.DuckDBPyConnection, source: Path, docs: Path) -> None:
    """Assets, pages, navigation and the search list."""
    _copy_assets(source, docs)
    env, data = environment(source), json.loads((docs.parent / _SHOWN).read_text(encoding="utf-8"))
    size = (docs / "data" / "tds.duckdb").stat().st_size
    paged = paged_prompts(con)
    values = context(con, source, data, env)
    values |= {"browser_copy": {"cut": data["cut"], "megabytes": size / 1e6}, "paged": paged}
    for page in values["pages"]:
        path = docs / page.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(render(env, page, values), encoding="utf-8")
    (docs / "cookbook").mkdir(exist_ok=True)
    for question in values["cookbook"]:
        (docs / "cookbook" / f"{question['name']}.sql").write_text(question["sql"], encoding="utf-8")
    write_navigation(docs.parent / "nav.yml", values)
    write_search_list(docs, values["pages"], [e for e in query.rows(con, "pages/examples") if e["ordinal"] in paged])


def _copy_assets(source: Path, docs: Path) -> None:
    shutil.copytree(source / "assets", docs / "assets")
    scripts = docs / "assets" / "js"
    (scripts / "vega.js").write_text(vega_bundle(), encoding="utf-8")
    classes = {"names": get_args(Shift), "bounds": [UNSHIFTED_RANK, MARGINAL_RANK]}
    (scripts / "classes.js").write_text(f"window.tdsClasses={inline_json(classes)};\n", encoding="utf-8")
    (scripts / "palette.js").write_text(
        f"window.tdsPalette={inline_json({'light': theme.LIGHT, 'dark': theme.DARK})};\n", encoding="utf-8"
    )
