"""MkDocs over the report's folder of plain files, and the search index over its pages: the static site."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tds_atlas.domain import InputError
from tds_atlas.files import hash_files, hash_tree
from tds_atlas.progress import progress_bar, say
from tds_atlas.report.csp import add_policy
from tds_atlas.report.docs import MARKER


def build_site(config: Path, site: Path, hosted: bool = False) -> None:
    """Run MkDocs in strict mode, unless the site is up to date. Raises InputError with its message."""
    docs = config.parent / "build" / "docs"
    if not config.is_file():
        raise InputError(f"{config}: no such file; run in the project folder")
    overrides = config.parent / "site_src" / "overrides"
    key = hash_files([config, docs / MARKER]) + hash_tree(overrides)
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
    with progress_bar("build the site", None, "pages") as advance:
        _run_module(mkdocs, f"{config}: MkDocs failed")
        _run_module(index, f"{site}: the search index failed")
        for unused in [*(site / "pagefind").glob("*ui*"), *(site / "pagefind").glob("*highlight*")]:
            unused.unlink()
        if hosted:
            add_policy(site)
        advance(len(list(site.rglob("*.html"))))
    stamp.write_text(f"{site} {key}", encoding="utf-8")


def _run_module(module: list[str], complaint: str) -> None:
    """Run a Python module as a command. Raises InputError with the first line of its output."""
    env = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    process = subprocess.run([sys.executable, "-m", *module], capture_output=True, text=True, env=env)
    if process.returncode:
        lines = [line for line in (process.stderr + process.stdout).splitlines() if line.strip()] or ["no message"]
        raise InputError(f"{complaint}: {lines[0]}")
