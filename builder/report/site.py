"""The report as a folder of plain files, and MkDocs over it. Reads the database and site_src; writes build/docs."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import yaml

from builder.domain import InputError
from builder.progress import say, stage, track
from builder.report import query, theme
from builder.report.charts import vega_bundle, write_figures
from builder.report.examples import index_data, write_examples
from builder.report.markup import inline_json, title
from builder.report.pages import context, environment, render

_CODE = Path(__file__).parent
MARKER = ".tds-docs"  # in every folder that this module made, and may therefore empty; holds the key of its content


def write_docs(database: Path, source: Path, docs: Path) -> None:
    """Clean, copy assets, write figures, pages, examples, data, navigation. Two runs write the same bytes.

    Does nothing where the folder was written from the same database by the same code and sources. The marker gets its
    key last, so that an interrupted run is done again.
    """
    con = query.connect(database)
    if not (source / "index.md").is_file():
        raise InputError(f"{source}: no site sources here; run in the folder of the project")
    key = _key(database, *sorted(source.rglob("*")), *sorted(_CODE.rglob("*")))
    if (docs / MARKER).is_file() and (docs / MARKER).read_text(encoding="utf-8") == key:
        say(f"{docs} is up to date")
        return
    _clean(docs)
    query.hold(con, "tds", "word", "split", "stage", "example")
    _copy_assets(source, docs)
    made = write_figures(con, docs / "figures")
    _write_pages(con, source, docs, made)
    _write_examples(con, source, docs)
    (docs / "data").mkdir()
    shutil.copyfile(database, docs / "data" / "tds.duckdb")
    (docs / MARKER).write_text(key, encoding="utf-8")


def build_site(config: Path, site: Path) -> None:
    """Run MkDocs, strictly, unless the site was built from just these files. Raises InputError with its complaint."""
    docs = config.parent / "build" / "docs"
    if not config.is_file():
        raise InputError(f"{config}: there is no such file; run in the folder of the project")
    key = _key(config, docs / MARKER, *sorted((config.parent / "site_src" / "overrides").rglob("*")))
    key += os.environ.get("SITE_URL", "")
    stamp = docs.parent / "site.key"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == f"{site} {key}" and (site / "index.html").is_file():
        say(f"{site} is up to date")
        return
    stamp.unlink(missing_ok=True)
    command = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "--quiet",
        "-f",
        str(config),
        "-d",
        str(site.resolve()),
    ]
    with stage("build the site", None, "pages") as advance:
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"})
        advance(len(list(site.rglob("*.html"))) if site.is_dir() else 0)
    if done.returncode:
        lines = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()] or ["no message"]
        raise InputError(f"{config}: MkDocs failed: {lines[0]}")
    stamp.write_text(f"{site} {key}", encoding="utf-8")


def _key(*paths: Path) -> str:
    """Hash over the names and contents of files."""
    digest = hashlib.sha256()
    for path in paths:
        if path.is_file() and path.suffix != ".pyc":
            digest.update(f"{path.name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def _clean(docs: Path) -> None:
    """Empty the folder, if it is one of ours."""
    if docs.exists():
        if any(docs.iterdir()) and not (docs / MARKER).exists():
            raise InputError(f"{docs}: holds files that tds did not write; empty it or name another folder")
        shutil.rmtree(docs)
    docs.mkdir(parents=True)
    (docs / MARKER).touch()


def _copy_assets(source: Path, docs: Path) -> None:
    shutil.copytree(source / "assets", docs / "assets")
    scripts = docs / "assets" / "js"
    (scripts / "vega.js").write_text(vega_bundle(), encoding="utf-8")
    (scripts / "palette.js").write_text(
        f"window.tdsPalette={inline_json({'light': theme.LIGHT, 'dark': theme.DARK})};\n", encoding="utf-8"
    )


def _write_pages(con: duckdb.DuckDBPyConnection, source: Path, docs: Path, made: dict[str, dict[str, Any]]) -> None:
    env = environment(source)
    values = context(con, source, made, env)
    for page in values["pages"]:
        path = docs / page.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(render(env, page, values), encoding="utf-8")
    (docs / "cookbook").mkdir(exist_ok=True)
    for question in values["cookbook"]:
        (docs / "cookbook" / f"{question['name']}.sql").write_text(question["sql"], encoding="utf-8")
    _write_navigation(docs.parent / "nav.yml", values)


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


def _write_examples(con: duckdb.DuckDBPyConnection, source: Path, docs: Path) -> None:
    examples = query.rows(con, "pages/examples")
    folder = docs / "examples"
    folder.mkdir()
    (folder / "index.js").write_text(f"window.tdsExamples={inline_json(index_data(examples))};\n", encoding="utf-8")
    for _ in track(write_examples(con, environment(source), folder), "example pages", len(examples), "pages"):
        pass
