"""The hand-written pages: Markdown with Jinja for numbers. What a page may ask for is defined here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from builder.report import query
from builder.report.markup import inert, inline_json
from builder.report.tokens import visible

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Page:
    """A page of the site: its file, its name in the navigation, and the figures without which it is left out."""

    file: str
    name: str
    needs: tuple[str, ...] = ()


PAGES = (
    Page("index.md", "Home"),
    Page("findings/index.md", "Overview"),
    Page("findings/how-much.md", "How much changes?"),
    Page("findings/where.md", "Where in the answer?"),
    Page("findings/which-tokens.md", "Which tokens?", ("shifted_tokens",)),
    Page("findings/tasks-and-topics.md", "Which tasks and topics?", ("shift_by_task", "shift_by_topic")),
    Page("examples.md", "Examples"),
    Page("method.md", "Method"),
    Page("data.md", "Data"),
)


def environment(source: Path) -> Environment:
    """Templates from the project's own folders only; text from the database is never a template."""
    env = Environment(
        loader=FileSystemLoader([source, _TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    env.filters |= {
        "pct": percent,
        "num": number,
        "inert": inert,
        "visible": lambda text: inert(visible(text)),
        "pm": plus_minus,
    }
    return env


def context(con: duckdb.DuckDBPyConnection, made: dict[str, dict[str, Any]], env: Environment) -> dict[str, Any]:
    """What every page may use: the numbers, `rows` for more of them, and `figure`."""
    run = {row["key"]: row["value"] for row in query.rows(con, "pages/run")}
    pages = [page for page in PAGES if not page.needs or any(name in made for name in page.needs)]
    return {
        "run": run,
        "headline": query.rows(con, "pages/headline"),
        "totals": query.rows(con, "pages/totals")[0],
        "rows": lambda name: query.rows(con, f"pages/{name}"),
        "figures": made,
        "figure": _figure(made, env),
        "findings": [page for page in pages if page.file.startswith("findings/") and page.name != "Overview"],
        "ask": lambda sql: query.format_table(query.run(con, sql), "table"),
        "pages": pages,
    }


def render(env: Environment, page: Page, values: dict[str, Any]) -> str:
    depth = page.file.count("/")
    return env.get_template(page.file).render(values, root="../" * depth)


def _figure(made: dict[str, dict[str, Any]], env: Environment) -> Callable[[str, str], Markup]:
    template = env.get_template("figure.html")

    def figure(name: str, root: str) -> Markup:
        """The figure's block, or nothing where the report has no data for it."""
        if name not in made:
            return Markup("")
        entry = made[name]
        return Markup(
            template.render(
                name=name,
                root=root,
                spec=inline_json(entry["spec"]),
                caption=entry["caption"],
                description=entry["spec"]["description"],
                sql=entry["sql"],
                inert=inert,
            )
        )

    return figure


def percent(value: float | None, digits: int = 1) -> str:
    return "–" if value is None else f"{100 * value:.{digits}f}\u00a0%"


def plus_minus(half: float | None, digits: int = 1) -> str:
    """The half width of an interval of a share, in points; nothing where there is none."""
    return "" if half is None else f"\u00a0±\u00a0{100 * half:.{digits}f}"


def number(value: float | None, digits: int | None = None) -> str:
    if value is None:
        return "–"
    return f"{value:,.{digits}f}" if digits is not None else f"{value:,}"
