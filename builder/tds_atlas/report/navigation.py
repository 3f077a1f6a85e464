"""Navigation and search: the navigation that mkdocs.yml inherits, and the list that search uses from file://."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tds_atlas.parts import write_file
from tds_atlas.report.markup import inline_json, title
from tds_atlas.report.pages import Page


def listed(values: dict[str, Any]) -> list[Page]:
    """The pages that a reader finds: the live page only where the site has models to run; else `tds serve --live` leads
    to it."""
    runs = values["in_browser"]["comparisons"]
    return [page for page in values["pages"] if runs or not page.live]


def write_navigation(path: Path, values: dict[str, Any]) -> None:
    """What mkdocs.yml inherits: the name of the site and the pages that this report has."""
    findings = [{page.name: page.file} for page in listed(values) if page.file.startswith("findings/")]
    nav: list[dict[str, Any]] = []
    for page in listed(values):
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
    write_file(path, yaml.safe_dump(described, allow_unicode=True, sort_keys=False))


def write_search_list(
    docs: Path, pages: list[Page], examples: list[dict[str, Any]], earlier: Mapping[str, str]
) -> None:
    """The list that search uses from file://, where nothing can be fetched: kind, page, title, text.

    earlier: by response, what was said before the prompt and is not found on another page.
    """
    rows = []
    for page in pages:
        heads = re.findall(r"^#+ +([^{\n]+)", (docs / page.file).read_text(encoding="utf-8"), re.MULTILINE)
        text = " · ".join([page.about, *(html.unescape(head).strip() for head in heads)])
        kind = "finding" if page.is_finding else "page"
        rows.append([kind, page.file.removesuffix(".md") + ".html", page.name, text])
    seen: set[str] = set()
    for e in examples:
        if e["response_id"] not in seen:  # each answer once, in whichever comparisons it is
            seen.add(e["response_id"])
            text = "\n".join(filter(None, (e["answer"][:240], earlier[e["response_id"]][:480])))
            place = f"examples/{e['comparison_id']}/{e['page']}.html"
            rows.append(["example", place, e["prompt"][:160], text])
    path = docs / "assets" / "js" / "search-list.js"
    write_file(path, f"window.tdsSearchList={inline_json(rows)};\n")
