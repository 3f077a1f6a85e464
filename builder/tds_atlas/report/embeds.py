"""A small page of each figure alone, which any other page can show in a frame: its caption, and a link to its page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment

from tds_atlas.parts import write_file
from tds_atlas.report.answer_parts import OTHER_PARTS, of_part
from tds_atlas.report.markup import inert, inline_json
from tds_atlas.report.pages import Page

EMBEDS = "embed"  # a folder of build/docs


def write_embeds(docs: Path, page: Page, values: dict[str, Any], env: Environment) -> None:
    """Write those of a page's figures, of each part of the answers."""
    template, figures = env.get_template("embed.html"), values["figures"]
    named = [one for name in page.figures for one in (name, *(of_part(name, part) for part in OTHER_PARTS))]
    (docs / EMBEDS).mkdir(exist_ok=True)
    for name in filter(figures.__contains__, named):
        shown = figures[name]
        text = template.render(
            name=name,
            spec=inline_json(shown["spec"]),
            caption=shown["caption"],
            description=shown["spec"].get("description", ""),
            page=page.file.removesuffix(".md") + ".html",
            title=values["run"]["report_title"],
            inert=inert,
        )
        write_file(docs / EMBEDS / f"{name}.html", text)
