"""The report as a folder of plain files, and MkDocs over it. Reads the database and site_src; writes build/docs."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import yaml

from builder.domain import MARGINAL_RANK, UNSHIFTED_RANK, InputError
from builder.files import hash_files
from builder.progress import say, stage, track
from builder.record.published import publish
from builder.report import query, theme
from builder.report.beside import second_process
from builder.report.charts import vega_bundle, write_figures, write_images
from builder.report.examples import index_data, paged_prompts, write_examples
from builder.report.held import hold
from builder.report.markup import inline_json, title
from builder.report.pages import Page, context, environment, render
from builder.report.policy import add_policy
from builder.report.saved import answered, samples
from builder.report.words import write_words

_CODE = Path(__file__).parent
MARKER = ".tds-docs"  # in every folder that this module made, and may therefore empty; holds the keys of its content
_DATA = ("figures", "examples", "words", "data")  # folders that the database alone decides
_MADE = "made.json"  # beside the folder: what pages show of the database and do not ask it for
_HELD = "held.duckdb"  # beside the folder: views as tables


def write_docs(database: Path, source: Path, docs: Path) -> None:
    """Figures, examples, words and the published database, then the pages. Two runs write the same bytes, or, of a
    published database that had to be cut, the same rows in the same order.

    Does only what the last run did not do from the same database, code and sources. The marker gets the key of each
    half when it is whole, so that an interrupted run is gone on with.
    """
    query.connect(database, config=query.FRUGAL).close()
    if not (source / "index.md").is_file():
        raise InputError(f"{source}: no site sources here; run in the folder of the project")
    keys = [_key(database, *sorted(_CODE.rglob("*"))), _key(*sorted(source.rglob("*")))]
    marker = docs / MARKER
    known = marker.read_text(encoding="utf-8").splitlines() if marker.is_file() else []
    if known == keys:
        say(f"{docs} is up to date")
        return
    same_data = known[:1] == keys[:1] and all((docs.parent / name).is_file() for name in (_MADE, _HELD))
    _clean(docs, _DATA if same_data else ())
    with second_process() as beside:
        tasks = [] if same_data else _write_data(beside, database, docs)
        try:
            with closing(query.connect(database, docs.parent / _HELD, query.FRUGAL)) as con:
                _write_pages(con, source, docs)
        finally:  # a page may fail where the data is whole
            if all(task.exception() is None for task in tasks):
                marker.write_text(keys[0], encoding="utf-8")
        for task in tasks:
            task.result()
    marker.write_text("\n".join(keys), encoding="utf-8")


def _write_data(beside: ProcessPoolExecutor, database: Path, docs: Path) -> list[Future[None]]:
    """What the database alone decides. Returns what the second process is still at, which no page waits for."""
    held = docs.parent / _HELD
    with closing(query.connect(database, config=query.FRUGAL)) as con:
        con.execute("CREATE TEMP TABLE example AS FROM main.example")  # asked for twice
        paged, examples = paged_prompts(con), query.rows(con, "pages/examples")
    publishing = beside.submit(publish, database, docs / "data" / "tds.duckdb")
    tasks = [beside.submit(_write_examples, database, docs / "examples", examples, paged)]
    hold(database, held)
    answering, made = beside.submit(_answer, database, held), {}
    with closing(query.connect(database, held, query.FRUGAL)) as con:
        for name, figure in write_figures(con, docs / "figures"):
            made[name] = figure
            tasks.append(beside.submit(write_images, docs / "figures", name, figure["spec"]))
        write_words(con, docs / "words", paged)
    told = {"figures": made, "cut": publishing.result(), **answering.result()}
    (docs.parent / _MADE).write_text(json.dumps(told, default=str), encoding="utf-8")
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


def _answer(database: Path, held: Path) -> dict[str, Any]:
    """What pages show of the database without asking: the cookbook's answers, and a row of each table."""
    with closing(query.connect(database, held, query.FRUGAL)) as con:
        return {"cookbook": answered(con), "sample": samples(con)}


def build_site(config: Path, site: Path, hosted: bool = False) -> None:
    """Run MkDocs, strictly, unless the site was built from just these files. Raises InputError with its complaint."""
    docs = config.parent / "build" / "docs"
    if not config.is_file():
        raise InputError(f"{config}: there is no such file; run in the folder of the project")
    key = _key(config, docs / MARKER, *sorted((config.parent / "site_src" / "overrides").rglob("*")))
    key += os.environ.get("SITE_URL", "") + "hosted" * hosted
    stamp = docs.parent / "site.key"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == f"{site} {key}" and (site / "index.html").is_file():
        say(f"{site} is up to date")
        return
    stamp.unlink(missing_ok=True)
    mkdocs = ["mkdocs", "build", "--strict", "--quiet", "-f", str(config), "-d", str(site.resolve())]
    index = [
        "pagefind",
        "--silent",
        "--site",
        str(site),
        "--force-language",
        "en",
        "--keep-index-url",
        "--root-selector",
        ".md-content",
    ]
    index += ["--exclude-selectors", "[data-search-exclude], .headerlink, script"]
    with stage("build the site", None, "pages") as advance:
        _run(mkdocs, f"{config}: MkDocs failed")
        _run(index, f"{site}: the search index failed")
        for unused in [*(site / "pagefind").glob("*ui*"), *(site / "pagefind").glob("*highlight*")]:
            unused.unlink()
        if hosted:
            add_policy(site)
        advance(len(list(site.rglob("*.html"))))
    stamp.write_text(f"{site} {key}", encoding="utf-8")


def _run(module: list[str], complaint: str) -> None:
    """A Python module as a command of its own. Raises InputError with the first line that it says."""
    env = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run([sys.executable, "-m", *module], capture_output=True, text=True, env=env)
    if done.returncode:
        lines = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()] or ["no message"]
        raise InputError(f"{complaint}: {lines[0]}")


def _key(*paths: Path) -> str:
    """Hash over the names and contents of files."""
    return hash_files(path for path in paths if path.suffix != ".pyc")


def _clean(docs: Path, keep: tuple[str, ...]) -> None:
    """Empty the folder but for some of its folders, if it is one of ours."""
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
    """Assets, pages, navigation and the list to search through."""
    _copy_assets(source, docs)
    env, data = environment(source), json.loads((docs.parent / _MADE).read_text(encoding="utf-8"))
    size = (docs / "data" / "tds.duckdb").stat().st_size
    paged = paged_prompts(con)
    values = context(con, source, data, env)
    values |= {"published": {"cut": data["cut"], "megabytes": size / 1e6}, "paged": paged}
    for page in values["pages"]:
        path = docs / page.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(render(env, page, values), encoding="utf-8")
    (docs / "cookbook").mkdir(exist_ok=True)
    for question in values["cookbook"]:
        (docs / "cookbook" / f"{question['name']}.sql").write_text(question["sql"], encoding="utf-8")
    _write_navigation(docs.parent / "nav.yml", values)
    _write_search_list(docs, values["pages"], [e for e in query.rows(con, "pages/examples") if e["ordinal"] in paged])


def _copy_assets(source: Path, docs: Path) -> None:
    shutil.copytree(source / "assets", docs / "assets")
    scripts = docs / "assets" / "js"
    (scripts / "vega.js").write_text(vega_bundle(), encoding="utf-8")
    classes = {"names": ["unshifted", "marginal", "shifted"], "bounds": [UNSHIFTED_RANK, MARGINAL_RANK]}
    (scripts / "classes.js").write_text(f"window.tdsClasses={inline_json(classes)};\n", encoding="utf-8")
    (scripts / "palette.js").write_text(
        f"window.tdsPalette={inline_json({'light': theme.LIGHT, 'dark': theme.DARK})};\n", encoding="utf-8"
    )


def _write_navigation(path: Path, values: dict[str, Any]) -> None:
    """What mkdocs.yml inherits: the name of the site and the pages that this report has."""
    findings = [{page.name: page.file} for page in values["pages"] if page.file.startswith("findings/")]
    nav: list[dict[str, Any]] = []
    for page in values["pages"]:
        if page.file == "findings/index.md":
            nav.append({"Findings": findings})
        elif not page.is_finding:
            nav.append({page.name: page.file})
    name = title(values["run"]["report_title"])
    described = {
        "site_name": f"TDS Atlas · {name}",
        "site_description": title(values["run"]["report_description"] or name, 200),
        "nav": nav,
    }
    path.write_text(yaml.safe_dump(described, allow_unicode=True, sort_keys=False), encoding="utf-8")


def _write_search_list(docs: Path, pages: list[Page], examples: list[dict[str, Any]]) -> None:
    """What search looks through from file://, where nothing can be fetched: kind, page, title, text."""
    rows = []
    for page in pages:
        heads = re.findall(r"^#+ +([^{\n]+)", (docs / page.file).read_text(encoding="utf-8"), re.MULTILINE)
        text = " · ".join([page.about, *(html.unescape(head).strip() for head in heads)])
        kind = "finding" if page.is_finding else "page"
        rows.append([kind, page.file.removesuffix(".md") + ".html", page.name, text])
    seen: set[str] = set()
    for e in examples:
        if e["response_id"] not in seen:  # once an answer, whatever it is compared with
            seen.add(e["response_id"])
            rows.append(
                ["example", f"examples/{e['comparison_id']}/{e['ordinal']}.html", e["prompt"][:160], e["answer"][:240]]
            )
    path = docs / "assets" / "js" / "search-list.js"
    path.write_text(f"window.tdsSearchList={inline_json(rows)};\n", encoding="utf-8")
