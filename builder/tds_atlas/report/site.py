"""MkDocs over the report's folder of plain files, and the search index over its pages: the static site."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tds_atlas.domain import InputError
from tds_atlas.hashes import hash_files, hash_tree
from tds_atlas.parts import sole_writer, write_file
from tds_atlas.paths import real_path
from tds_atlas.report.csp import add_policy
from tds_atlas.report.own_folders import DOCS_MARKER, SITE_KEY, begin_site, finish_site
from tds_atlas.terminal import progress_bar, say


def build_site(config: Path, site: Path, hosted: bool = False) -> None:
    """Run MkDocs in strict mode, unless the site is up to date. Raises InputError with its message."""
    docs = config.parent / "build" / "docs"
    check_config(config)
    overrides = config.parent / "site_src" / "overrides"
    key = hash_files([config, docs / DOCS_MARKER]) + hash_tree(overrides)
    key += os.environ.get("SITE_URL", "") + "hosted" * hosted
    stamp = docs.with_name(SITE_KEY)
    with sole_writer(docs):
        if stamp.is_file() and stamp.read_text(encoding="utf-8") == f"{site} {key}" and (site / "index.html").is_file():
            say(f"{site} is up to date")
            return
        begin_site(site)
        stamp.unlink(missing_ok=True)
        _build(config, site, hosted)
        finish_site(site)
        write_file(stamp, f"{site} {key}")


def check_config(config: Path) -> None:
    if not config.is_file():
        raise InputError(f"{config}: no such file; run in the project folder")


def _build(config: Path, site: Path, hosted: bool) -> None:
    mkdocs = ["mkdocs", "build", "--strict", "--quiet", "-f", str(config), "-d", str(real_path(site))]
    index = ["pagefind", "--silent", "--site", str(site), "--force-language", "en", "--keep-index-url"]
    index += ["--root-selector", ".md-content"]
    index += ["--exclude-selectors", "[data-search-exclude], .headerlink, script"]
    with progress_bar("build the site", None, "pages") as advance:
        _run_module(mkdocs, f"{config}: MkDocs failed", site)
        _run_module(index, f"{site}: the search index failed", site)
        for unused in [*(site / "pagefind").glob("*ui*"), *(site / "pagefind").glob("*highlight*")]:
            unused.unlink()
        if hosted:
            add_policy(site)
        advance(len(list(site.rglob("*.html"))))


def _run_module(module: list[str], complaint: str, site: Path) -> None:
    """Run a Python module as a command. Raises InputError with the first line of its output, or its uncaught error."""
    env = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    process = subprocess.run([sys.executable, "-m", *module], capture_output=True, text=True, env=env)
    if process.returncode:
        lines = [line for line in (process.stderr + process.stdout).splitlines() if line.strip()] or ["no message"]
        if lines[0].startswith("Traceback"):  # a full disk
            raise InputError(f"{site}: cannot be built: {lines[-1]}")
        raise InputError(f"{complaint}: {lines[0]}")
