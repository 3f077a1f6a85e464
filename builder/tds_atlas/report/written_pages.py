"""The hand-written pages into build/docs, with what they need: assets, the user's own figures, navigation, search."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import duckdb

from tds_atlas.domain import MARGINAL_RANK, UNSHIFTED_RANK, Shift
from tds_atlas.parts import copy_tree, write_file
from tds_atlas.report import query, theme
from tds_atlas.report.drawing import vega_bundle
from tds_atlas.report.embeds import write_embeds
from tds_atlas.report.examples.pages import paged_prompts
from tds_atlas.report.examples.turns import earlier_texts
from tds_atlas.report.markup import inline_json
from tds_atlas.report.models import ENGINE, NOTHING, Listed, copy_models, published
from tds_atlas.report.navigation import listed, write_navigation, write_search_list
from tds_atlas.report.own_figures import write_own_figures
from tds_atlas.report.own_folders import NAV, SHOWN
from tds_atlas.report.pages import OWN_FIGURES, Page, context, environment, render


def write_pages(con: duckdb.DuckDBPyConnection, source: Path, docs: Path, data_key: str) -> None:
    """Assets, pages, navigation and the search list."""
    run = {row["key"]: row["value"] for row in query.rows(con, "pages/run")}
    copy_models(docs, in_browser := published(docs, run.get("content_key")))
    copy_assets(source, docs, in_browser)
    write_comparisons(con, docs)
    values = write_some_pages(con, source, docs, data_key, lambda page: True)
    (docs / "cookbook").mkdir(exist_ok=True)
    for question in values["cookbook"]:
        write_file(docs / "cookbook" / f"{question['name']}.sql", question["sql"])
    write_navigation(docs.parent / NAV, values)
    examples = [e for e in query.rows(con, "pages/examples") if e["ordinal"] in values["paged"]]
    write_search_list(docs, listed(values), examples, earlier_texts(con, examples))


def write_some_pages(
    con: duckdb.DuckDBPyConnection, source: Path, docs: Path, data_key: str, wanted: Callable[[Page], bool]
) -> dict[str, Any]:
    """The user's own figures, and the pages wanted. Returns what pages can use.

    data_key: of the database and the code; an own figure is drawn again when it changes.
    """
    env, data = environment(source), json.loads((docs.parent / SHOWN).read_text(encoding="utf-8"))
    comparisons = [row["label"] for row in query.rows(con, "pages/comparisons")]
    data["figures"] |= write_own_figures(con, source.parent / OWN_FIGURES, docs, data_key, comparisons)
    size = (docs / "data" / "tds.duckdb").stat().st_size
    values = context(con, source, data, env)
    values |= {"browser_copy": {"cut": data["cut"], "megabytes": size / 1e6}, "paged": paged_prompts(con)}
    values["in_browser"] = published(docs, values["run"].get("content_key"))
    for page in sorted(values["pages"], key=lambda page: not page.is_finding):  # other pages quote the findings
        path = docs / page.file
        if not wanted(page):
            values["texts"][page.file] = path.read_text(encoding="utf-8") if path.is_file() else ""
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, render(env, page, values))
        write_embeds(docs, page, values, env)
    return values


def copy_assets(source: Path, docs: Path, in_browser: Listed = NOTHING) -> None:
    """What pages load: the files of site_src/assets, and scripts made of the package's own constants."""
    copy_tree(source / "assets", docs / "assets", () if in_browser["comparisons"] else ENGINE)
    scripts = docs / "assets" / "js"
    write_file(scripts / "vega.js", vega_bundle())
    classes = {"names": get_args(Shift), "bounds": [UNSHIFTED_RANK, MARGINAL_RANK]}
    write_file(scripts / "classes.js", f"window.tdsClasses={inline_json(classes)};\n")
    palettes = inline_json({"light": theme.LIGHT, "dark": theme.DARK})
    write_file(scripts / "palette.js", f"window.tdsPalette={palettes};\n")


def write_comparisons(con: duckdb.DuckDBPyConnection, docs: Path) -> None:
    """The names of the comparisons in order, of which a reader can choose some (assets/js/chosen.js)."""
    names = [row["label"] for page in ("comparisons", "token_path") for row in query.rows(con, f"pages/{page}")]
    write_file(docs / "assets" / "js" / "comparisons.js", f"window.tdsComparisons={inline_json(names)};\n")
