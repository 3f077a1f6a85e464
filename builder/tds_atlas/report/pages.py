"""The hand-written pages: Markdown with Jinja for numbers. Defines what a page can use."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from traceback import extract_tb
from typing import Any

import duckdb
import yaml
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined
from markupsafe import Markup

from tds_atlas.domain import InputError, one_line
from tds_atlas.report import query
from tds_atlas.report.answer_parts import OTHER_PARTS, of_part
from tds_atlas.report.answers import first_sentence
from tds_atlas.report.infinite import infinite_kl
from tds_atlas.report.markup import inert, inline_json, visible
from tds_atlas.report.models import NOTHING
from tds_atlas.report.numbers import counted, minus, number, percent, plural, plus_minus, within
from tds_atlas.report.table_formats import format_table
from tds_atlas.report.user_sql import rows_of

_CHART = re.compile(r'data-chart="(\w+)"')
_SHOWN = re.compile(r'figure\("(\w+)"')
_CARD = "shift_by_comparison"  # what a shared link shows where a page has no figure
_TEMPLATES = Path(__file__).parent / "templates"
PARTS = {  # of the story that findings tell
    "how much": "How much changed",
    "where": "Where",
    "what": "What",
    "why": "What did it",
    "so what": "What it does",
    "trust": "How far to trust it",
}
_FURTHER = "Further"
OWN_PAGES, OWN_FIGURES = "findings", "figures"  # beside site_src
OWN_NAME = re.compile(r"[a-z][a-z0-9_]*")  # of a figure
_FEW = 10  # prompts; below, intervals of skewed quantities hold the truth far less often than they say
_LONGEST = 40  # characters of an example of a column


@dataclass(frozen=True)
class Page:
    """A page of the site, as the front matter of its file describes it."""

    file: str
    name: str  # `title`: in the navigation, and a finding's question
    order: int  # place in the navigation; of a finding, in its part
    about: str = ""  # one sentence, for the lists of findings
    needs: tuple[str, ...] = ()  # the page is left out unless the report has one of these figures
    figures: tuple[str, ...] = ()  # the figures shown, in order
    part: str = ""  # a finding's place in the story; see PARTS
    asks: str = ""  # the page is left out unless this query of pages has rows
    path: Path | None = None  # where the page is written
    live: bool = False  # needs models that run: without any neither navigation nor search has it

    @property
    def is_finding(self) -> bool:
        return self.file.startswith("findings/") and not self.file.endswith("index.md")

    def place(self) -> tuple[int, int, int]:
        """Findings stand behind their overview, whose order is 10, by the parts of the story."""
        return (10, [*PARTS, self.part].index(self.part), self.order) if self.is_finding else (self.order, -1, 0)


def read_pages(source: Path) -> list[Page]:
    """The hand-written pages in order, with the user's own beside the folder, findings/*.md.

    Raises InputError where a file's front matter is incomplete, two files are one page, or an own page has no figure.
    """
    pages: dict[str, Page] = {}
    own = [(path, path.relative_to(source.parent)) for path in sorted((source.parent / OWN_PAGES).glob("*.md"))]
    for path, file in [*((path, path.relative_to(source)) for path in sorted(source.rglob("*.md"))), *own]:
        if file.as_posix() in pages:
            raise InputError(f"{path}: {source / file} is this page already; rename yours")
        try:
            _, head, body = [*path.read_text(encoding="utf-8").split("---\n", 2), "", ""][:3]
            front = yaml.safe_load(head)
            page = Page(
                file.as_posix(),
                str(front["title"]),
                int(front["order"]),
                str(front.get("about", "")),
                tuple(front.get("needs", ())),
                tuple(_SHOWN.findall(body)),
                str(front.get("part", "")),
                str(front.get("asks", "")),
                path,
                bool(front.get("live", False)),
            )
        except (yaml.YAMLError, TypeError, KeyError, ValueError):
            raise InputError(f"{path}: must begin with a front matter with title and order (a number)") from None
        pages[page.file] = page
    for page in (pages[file.as_posix()] for _, file in own):
        _check_figures(page, source.parent / OWN_FIGURES)
    return sorted(pages.values(), key=Page.place)


def _check_figures(page: Page, own: Path) -> None:
    """Raises InputError for an own page with a figure that neither the report nor its owner has."""
    for name in page.figures:
        if not query.has_figure(name) and not (own / f"{name}.sql").is_file():
            raise InputError(f"{page.path}: there is no figure {name}; a figure of yours is {own / name}.sql")


def environment(*sources: Path) -> Environment:
    """Templates from the project's own folders only; text from the database is never a template."""
    own = [PrefixLoader({OWN_PAGES: FileSystemLoader(source.parent / OWN_PAGES)}) for source in sources]
    env = Environment(
        loader=ChoiceLoader([FileSystemLoader([*sources, _TEMPLATES]), *own]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    env.policies["json.dumps_kwargs"] = {"ensure_ascii": False}  # YAML has no surrogates: a title's 🙂 stays as it is
    env.filters |= {
        "pct": percent,
        "num": number,
        "plural": plural,
        "counted": counted,
        "inert": inert,
        "visible": lambda text: inert(visible(text)),
        "pm": plus_minus,
        "within": within,
        "minus": minus,
        "format": lambda style, *values: (style % values).replace("inf", "∞"),
        "signed": lambda value, digits: minus(f"{value:+.{digits}f}"),
    }
    return env


def context(con: duckdb.DuckDBPyConnection, source: Path, prepared: dict[str, Any], env: Environment) -> dict[str, Any]:
    """The variables of every page: the numbers, `rows` for more of them, `figure`, and what was prepared before."""
    run = {row["key"]: row["value"] for row in query.rows(con, "pages/run")}
    if "report_title" not in run:  # which a page would take the blame for
        raise LookupError("the table run has no report_title")
    figures, pages = prepared["figures"], read_pages(source)
    pages = [page for page in pages if not page.needs or any(name in figures for name in page.needs)]
    pages = [page for page in pages if not page.asks or query.rows(con, f"pages/{page.asks}")]
    headline, texts = query.rows(con, "pages/headline"), dict[str, str]()
    return prepared | {
        "run": run,
        "in_browser": NOTHING,  # where the site brings models, their list
        "infinite_kl": infinite_kl(con),
        "headline": headline,
        "retold": query.rows(con, "pages/token_path"),
        "alone": query.rows(con, "pages/likelihood"),
        "bounded": [row for row in headline if row["js"] is None],
        "totals": query.rows(con, "pages/totals")[0],
        "rows": lambda name: query.rows(con, f"pages/{name}"),
        "figure": _figure(figures, env),
        "findings": [page for page in pages if page.is_finding],
        "parts": _parts(pages),
        "texts": texts,  # of pages that are rendered already
        "answer": lambda page: first_sentence(texts.get(page.file, "")) or page.about,
        "select": lambda sql: query.rounded(rows_of(con, sql)).to_pylist(),
        "ask": lambda sql: format_table(rows_of(con, sql), "table"),
        "cell": lambda value: inert(_cell(value)),
        "short": lambda value: inert(_short(_cell(value))),
        "pages": pages,
    }


def _parts(pages: list[Page]) -> dict[str, list[Page]]:
    """The findings by their part of the story, in its order; those of no part come last."""
    findings = [page for page in pages if page.is_finding]
    known = {title: [page for page in findings if page.part == part] for part, title in PARTS.items()}
    rest = {_FURTHER: [page for page in findings if page.part not in PARTS]}
    return {title: some for title, some in (known | rest).items() if some}


def render(env: Environment, page: Page, values: dict[str, Any]) -> str:
    """The page as Markdown; its front matter has what a shared link shows: a sentence, the first figure.

    Raises InputError with the line of the page that failed.
    """
    depth = page.file.count("/")
    try:
        text = env.get_template(page.file).render(values, root="../" * depth)
    except InputError:  # e.g. no room for a query's result: not the page's fault
        raise
    except Exception as error:  # a page is a program that can fail in any way
        lines = [frame.lineno for frame in extract_tb(error.__traceback__) if frame.filename.endswith(page.file)]
        line = getattr(error, "lineno", None) or (lines[-1] if lines else 1)
        raise InputError(f"{page.path or page.file}: line {line}: {one_line(error)}; fix the page") from None
    if page.is_finding:
        head, heading, rest = text.partition(f"\n# {page.name}\n")
        text = head + heading + _notes(env, values, page) + rest
    values["texts"][page.file] = text
    first = _CHART.search(text)
    shared = {"description": page.about} if page.about else {}
    if first or _CARD in values["figures"]:
        shared["image"] = f"figures/{first.group(1) if first else _CARD}.png"
    return "---\n" + (yaml.safe_dump(shared, allow_unicode=True) if shared else "") + text.removeprefix("---\n")


def _notes(env: Environment, values: dict[str, Any], page: Page) -> str:
    """What a reader must know before the numbers of a finding."""
    if page.asks:  # about comparisons of its own
        return ""
    few = [row for row in values["headline"] if row["prompts"] < _FEW]
    notes = env.get_template("few_prompts.md").render(few=few, least=_FEW) if few else ""
    notes += env.get_template("two_tokenizers.md").render(retold=values["retold"]) if values["retold"] else ""
    notes += env.get_template("no_classes.md").render(alone=values["alone"], there="") if values["alone"] else ""
    return notes + (env.get_template("bounds.md").render(bounded=values["bounded"]) if values["bounded"] else "")


def _figure(figures: dict[str, dict[str, Any]], env: Environment) -> Callable[[str, str], Markup]:
    template = env.get_template("figure.html")

    def figure(name: str, root: str) -> Markup:
        """The figure's block, with one for each part of the answers that it is of; nothing without data."""
        named = {"answer": name} | {part: of_part(name, part) for part in OTHER_PARTS}
        blocks = {part: block(one, root) for part, one in named.items() if one in figures}
        if set(blocks) <= {"answer"}:
            return blocks.get("answer", Markup(""))
        divided = [Markup('<div data-part="{}">{}</div>').format(part, made) for part, made in blocks.items()]
        return Markup('<div class="tds-parts">{}</div>').format(Markup("").join(divided))

    def block(name: str, root: str) -> Markup:
        entry = figures[name]
        return Markup(
            template.render(
                name=name,
                root=root,
                spec=inline_json(entry["spec"]),
                height=_height(entry["spec"]),
                caption=entry["caption"],
                description=entry["spec"]["description"],
                sql=entry["sql"],
                rows=entry["rows"],
                cell=_cell,
                inert=inert,
            )
        )

    return figure


def _height(spec: dict[str, Any]) -> int:
    """Pixels of a figure, or what is likely where the spec leaves it to Vega."""
    height = spec.get("height")
    return height if isinstance(height, int) else 300


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}".replace("inf", "∞")
    return "" if value is None else visible(str(value))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
