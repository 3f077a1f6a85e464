"""`tds init`: a folder of a user's own for one report, which the installed package builds. No clone is needed."""

from __future__ import annotations

import shutil
from pathlib import Path

from builder import __version__
from builder.domain import InputError

_PACKED = Path(__file__).parent / "project_files"  # in a wheel
_CLONE = Path(__file__).parent.parent
FILES = {  # in the new folder: where it comes from in a clone
    "site_src": "site_src",
    "mkdocs.yml": "mkdocs.yml",
    "prompts.jsonl": "data/prompts/general.jsonl",
    "contexts/assistant.txt": "data/contexts/assistant.txt",
}
REPORT = """\
# A report of your own. `tds check` reads everything it names, `tds site` measures and builds. All settings:
# data/reports/pocket.yml in the repository of TDS Atlas.
name: my-report
title: What did tuning change?

models:
  base: {path: /path/to/the/base}      # a folder that save_pretrained wrote, or hub: an id with its revision
  tuned: {path: /path/to/the/tuned}
contexts:
  plain: {kind: plain, template: "# Question:\\n{prompt}\\n\\n# Answer:\\n"}
  chat: {kind: chat}
  few-shot: {kind: few-shot, path: contexts/assistant.txt}
prompts: {path: prompts.jsonl}         # a row: {"id": 1, "prompt": "...", "tasks": [], "topics": [], "harmful": false}

comparisons:
  - id: base-tuned
    base: {model: base, context: plain}
    aligned: {model: tuned, context: chat}
conditions:                            # to tell what the prompt changed from what the weights changed
  - {model: base, context: chat}
  - {model: base, context: few-shot}
  - {model: tuned, context: plain}
noise:                                 # the floor under every number
  - {model: base, context: plain, arithmetic: rebatched}
probes:
  continuation: {}
"""
README = """\
# A report of TDS Atlas

    pip install tds-atlas
    tds check report.yml         # reads everything that the report names, runs no model
    tds site --report report.yml # measures, and builds the site into site/
    tds serve

`report.yml` names the models and prompts, `site_src/` holds the pages to edit, `data/tds.duckdb` every number. Commit
the database (or fetch it in the workflow) and push: `.github/workflows/pages.yml` builds the site from it; it needs no
model.
"""
WORKFLOW = """\
# Builds the site from the committed data/tds.duckdb and publishes it. In the repository's settings, Pages, choose
# "GitHub Actions" as the source.
name: Publish to GitHub Pages
on:
  push:
    branches: [main]
  workflow_dispatch:
permissions:
  contents: read
  pages: write
  id-token: write
concurrency:
  group: pages
  cancel-in-progress: true
jobs:
  publish:
    runs-on: ubuntu-latest
    environment:
      name: github-pages
      url: ${{{{ steps.deploy.outputs.page_url }}}}
    steps:
      - uses: actions/checkout@v7
        with:
          lfs: true
      - uses: actions/setup-python@v6
        with:
          python-version: "3.12"
      - run: pip install tds-atlas=={version}
        env:
          PIP_EXTRA_INDEX_URL: https://download.pytorch.org/whl/cpu
      - uses: actions/configure-pages@v6
        id: pages
      - run: tds site --db data/tds.duckdb --hosted
        env:
          SITE_URL: ${{{{ steps.pages.outputs.base_url }}}}/
      - uses: actions/upload-pages-artifact@v5
        with:
          path: site
      - uses: actions/deploy-pages@v5
        id: deploy
"""
IGNORE = "/build/\n/site/\n/data/shards/\n"


def start(folder: Path) -> list[str]:
    """Write a new project; the files written. Raises InputError where the folder holds something already."""
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder}: not empty; name a new folder")
    texts = {
        "report.yml": REPORT,
        "README.md": README,
        ".gitignore": IGNORE,
        ".github/workflows/pages.yml": WORKFLOW.format(version=__version__),
    }
    try:
        for name, text in texts.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        for name, source in FILES.items():
            origin = _PACKED / name if _PACKED.is_dir() else _CLONE / source
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if origin.is_dir() else shutil.copyfile)(origin, folder / name)
    except OSError as error:
        raise InputError(f"{error.filename or folder}: cannot be written: {error.strerror}") from None
    return [*texts, *FILES]
