"""The comparison site: what changed more, where, in which words, and the answers of both reports side by side.

The report's own builder over a database of both (record/joined.py), with pages of its own. It is built beside its place
and moved there whole.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb

from tds_atlas.domain import InputError
from tds_atlas.gate import beside, moved, printed
from tds_atlas.gate.run import Gate
from tds_atlas.parts import copy_tree, discard, new_part, sole_writer, unwritable, write_file
from tds_atlas.paths import holds, project_file, real_path
from tds_atlas.record.browser_copy import write_browser_copy
from tds_atlas.record.joined import Pair, write_joined
from tds_atlas.report import query
from tds_atlas.report.charts import write_figures
from tds_atlas.report.drawing import write_images
from tds_atlas.report.embeds import write_embeds
from tds_atlas.report.examples.pages import write_examples
from tds_atlas.report.examples.turns import earlier_texts
from tds_atlas.report.materialise import materialise
from tds_atlas.report.navigation import write_navigation, write_search_list
from tds_atlas.report.own_folders import DOCS_MARKER, NAV, SITE_MARKER, VIEWS, begin_site, check_site, finish_site
from tds_atlas.report.pages import context, environment, render
from tds_atlas.report.site import build_site
from tds_atlas.report.written_pages import copy_assets, write_comparisons
from tds_atlas.terminal import track

_PAGES = Path(__file__).parent / "pages"
_OPTION = "--site"
_CONSOLE = "vendor/duckdb"  # two thirds of the assets, for a page that a comparison does not have


def check_place(site: Path, kept: Mapping[str, Path]) -> None:
    """Raises InputError where the folder is or holds what must stay, or anything that tds did not write."""
    for name, path in kept.items():
        if holds(site, path):
            raise InputError(f"{_OPTION}: {site} is or holds {name} ({path}), and is replaced; name another folder")
    check_site(site, _OPTION)


def write_site(gate: Gate, site: Path, code: int, hosted: bool = False) -> None:
    """Build the site, and put it in its place when it is whole."""
    place = real_path(site)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with sole_writer(place):
            part = new_part(place)
            try:
                part.mkdir()
                _build(gate, part, code, hosted)
                check_site(place, _OPTION)
                _put(part / "site", place)
            finally:
                discard(part)
    except OSError as error:
        raise unwritable(site, error) from None


def _build(gate: Gate, project: Path, code: int, hosted: bool) -> None:
    """The joined database, the pages and the site, in a project folder of their own."""
    source, docs = project_file("site_src"), project / "build" / "docs"
    copy_tree(source / "overrides", project / "site_src" / "overrides")
    shutil.copyfile(project_file("mkdocs.yml"), project / "mkdocs.yml")
    database, views = project / "joined.duckdb", project / "build" / VIEWS
    a, b = gate.matches[0].a, gate.matches[0].b
    pairs = [Pair(match.a_id, match.b_id, match.shared) for match in gate.matches]
    run = {"report_title": f"{a.title} → {b.title}", "report_description": "Two reports compared."}
    write_joined(database, a.path, b.path, pairs, run)
    docs.mkdir(parents=True)
    write_file(docs / DOCS_MARKER, "a comparison")
    copy_assets(source, docs)
    discard(docs / "assets" / _CONSOLE)
    cut = write_browser_copy(database, docs / "data" / "tds.duckdb")
    with query.consistent(database):
        materialise(database, views)
        with closing(query.connect(database, views, query.FRUGAL)) as con:
            _write_pages(gate, con, cut, docs)
    write_file(docs / "data" / "gate.json", gate.json_text(code, public=True) + "\n")
    build_site(project / "mkdocs.yml", project / "site", hosted)


def _write_pages(gate: Gate, con: duckdb.DuckDBPyConnection, cut: str, docs: Path) -> None:
    """Figures, the answers side by side, the pages, and what search reads."""
    write_comparisons(con, docs)
    figures: dict[str, Any] = {}
    for name, figure in write_figures(con, docs / "figures", moved.wanted({m.mode for m in gate.matches})):
        figures[name] = figure
        write_images(docs / "figures", name, figure["spec"])
    examples = query.rows(con, "pages/examples")
    pairs = beside.besides(examples)
    shown = beside.paged(pairs, {(v.match.a_id, d.text) for v in gate.verdicts for d in v.drivers})
    _write_examples(con, docs, examples, shown)
    beside.write_pages(docs, shown, {m.a_id: m.mode == "same answers" for m in gate.matches})
    env = environment(_PAGES)
    values = context(con, _PAGES, {"figures": figures}, env)
    values |= {"gate": gate, "printed": printed, "pairs": shown, "page_of": _pages(shown), "all_pairs": len(pairs)}
    values |= {"browser_copy": {"cut": cut}}
    for page in values["pages"]:
        write_file(docs / page.file, render(env, page, values))
        write_embeds(docs, page, values, env)
    write_navigation(docs.parent / NAV, values)
    write_search_list(docs, values["pages"], *_searched(con, shown))


def _write_examples(
    con: duckdb.DuckDBPyConnection, docs: Path, examples: list[dict[str, Any]], shown: list[beside.Beside]
) -> None:
    """The example page of each answer that stands in a pair."""
    chosen = {(e["comparison_id"], e["response_id"]) for p in shown for e in (p.a, p.b)}
    mine = [e for e in examples if (e["comparison_id"], e["response_id"]) in chosen]
    for _ in track(write_examples(con, docs / "examples", mine), "example pages", len(mine), "pages"):
        pass


def _pages(shown: list[beside.Beside]) -> dict[tuple[str, str], str]:
    """The page of the first pair of each prompt, by comparison and text."""
    return {(p.folder, p.a["prompt"]): p.page for p in reversed(shown)}


def _searched(
    con: duckdb.DuckDBPyConnection, shown: list[beside.Beside]
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    earlier = earlier_texts(con, [p.a for p in shown])
    return beside.found_by_search(shown), {p.page: earlier[p.a["response_id"]] for p in shown}


def _put(built: Path, site: Path) -> None:
    """Move a whole site to its place. What is hidden at the top of the old one stays, so that it is then emptied."""
    hidden = site.is_dir() and any(path.name.startswith(".") and path.name != SITE_MARKER for path in site.iterdir())
    if not hidden:
        old = new_part(site)
        if site.exists():
            site.rename(old)
        built.rename(site)
        discard(old)
        return
    begin_site(site)
    for path in site.iterdir():
        if not path.name.startswith("."):
            discard(path)
    for path in built.iterdir():
        if path.name != SITE_MARKER:
            path.rename(site / path.name)
    finish_site(site)
