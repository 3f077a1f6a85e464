"""Pages without the rest of a report: as Markdown, or as a reader has them, without figures, tags and entities; and numbers
as pages write them. Figures are not drawn, which is what takes long; `write_docs` is for tests of the whole."""

from __future__ import annotations

import functools
import html
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from jinja2 import Environment

from tds_atlas.report import figures, query
from tds_atlas.report.cookbook import answered_questions, sample_rows
from tds_atlas.report.examples.pages import paged_prompts
from tds_atlas.report.materialise import materialise
from tds_atlas.report.own_folders import VIEWS
from tds_atlas.report.pages import context, environment, read_pages, render
from tests.conftest import ROOT
from tests.report import synthetic

_SOURCE = ROOT / "site_src"
FINDINGS = ("index.md", "findings/index.md", *(page.file for page in read_pages(_SOURCE) if page.is_finding))


@dataclass(frozen=True)
class Report:
    up: bool
    con: duckdb.DuckDBPyConnection
    pages: dict[str, str]

    def rows(self, name: str, **wanted: Any) -> list[dict[str, Any]]:
        return [row for row in query.rows(self.con, name) if wanted.items() <= row.items()]

    def row(self, name: str, **wanted: Any) -> dict[str, Any]:
        (row,) = self.rows(name, **wanted)
        return row

    def says(self, page: str, sentence: str) -> None:
        assert sentence in self.pages[f"findings/{page}.md"]

    def word(self, number: float, above: str, below: str) -> str:
        """The word for a number's sign, which must be the planted one."""
        assert (number > 0) == self.up and number != 0
        return above if number > 0 else below


def points(value: float) -> str:
    return f"{100 * value:.1f}"


def within(bounds: Mapping[str, float]) -> str:
    return f" ({points(bounds['low'])}–{points(bounds['high'])})"


def spread(half: float, unit: str, factor: int = 100, digits: int = 1) -> str:
    """Half of an interval with its unit, as a page has it."""
    written = f"{factor * half:.{digits}f}"
    if float(written):
        return f" ± {written} {unit}"
    return f" {unit}, alike in every prompt" if half < 1e-9 else f" ± under {10.0**-digits} {unit}"


def pct(share: float, digits: int = 1) -> str:
    return f"{100 * share:.{digits}f} %".replace("-", "−")


def signed(value: float, digits: int) -> str:
    return f"{value:+.{digits}f}".replace("-", "−")


@functools.cache
def made_up(file: str, **options: Any) -> str:
    """A page, as Markdown, of the made-up report of these options; nothing where it is left out."""
    with tempfile.TemporaryDirectory() as folder:
        return pages(synthetic.write(Path(folder) / "made.duckdb", **options), file).get(file, "")


def pages(database: Path, *files: str) -> Mapping[str, str]:
    """Every page that the database has data for, or these of them, as Markdown by its file."""
    with connection(database, many=len(files) != 1) as con:
        return pages_of(con, *files)


def pages_of(con: duckdb.DuckDBPyConnection, *files: str) -> Mapping[str, str]:
    """The same of a database that is open."""
    known = read_pages(_SOURCE)
    asked = {name for page in known for name in (*page.figures, *page.needs) if not files or page.file in files}
    made: dict[str, Any] = {"figures": dict(_figures(con, asked)), "paged": paged_prompts(con), "cut": None}
    if not files:
        made |= {"cookbook": answered_questions(con), "sample": sample_rows(con)}
    env = _templates()
    values = context(con, _SOURCE, made, env) | {"browser_copy": {"cut": None, "megabytes": 1.0}}
    return {page.file: render(env, page, values) for page in values["pages"] if not files or page.file in files}


@functools.cache
def _templates() -> Environment:
    """The templates, each compiled once."""
    return environment(_SOURCE)


@contextmanager
def connection(database: Path, many: bool = True) -> Iterator[duckdb.DuckDBPyConnection]:
    """To the database; for many pages, with the views that they share as tables."""
    with tempfile.TemporaryDirectory() as folder:
        one = query.connect(database, config={"threads": 1}) if not many else held(database, Path(folder))
        with closing(one) as con:  # one thread: of few rows, the quickest
            yield con


def held(database: Path, folder: Path) -> duckdb.DuckDBPyConnection:
    """To the database, as a report asks it: with views as tables, in a file of that folder."""
    views = folder / VIEWS
    if not views.exists():
        materialise(database, views)
    return query.connect(database, views, {"threads": 1})


def sheet(database: Path, file: str) -> str:
    return read(pages(database, file)[file])


def asserted(page: str) -> str:
    """What a page asserts: its text without tables, and what its figures say."""
    said = re.findall(r'<img class="tds-light" src="[^"]*" alt="([^"]*)"', page)
    text = re.sub(r"<(table|noscript|small)\b.*?</\1>|\A---.*?---\n", "", prose(page), flags=re.DOTALL)
    text = re.sub(r"</p>|</li>|<br>", "\n", text)
    text = re.sub(r"(?<=[^\n|>.])\n(?=[^\n|#<-])", " ", re.sub(r"</?[a-z]\w*\b[^>]*>", "", text))
    return html.unescape("\n".join([text, *said])).replace("**", "").replace("\u00a0", " ")


def says_something(page: str) -> bool:
    """Whether it has no word for a number that there is not."""
    return "nan" not in re.findall(r"[a-z]+", page.lower().split("<script")[0]) and "None" not in page


def prose(page: str) -> str:
    """What stands between the figures."""
    return re.sub(r"<figure.*?</figure>", "", page, flags=re.DOTALL)


def read(page: str) -> str:
    """What stands between the figures, on one line; entities and the commonest tags taken out."""
    return " ".join(html.unescape(re.sub(r"</?(b|p|br|span|code)\b[^>]*>", "", prose(page))).split())


def _figures(con: duckdb.DuckDBPyConnection, names: set[str]) -> Iterator[tuple[str, Any]]:
    """What a page asks of its figures, which are not drawn: their rows, and what they say."""
    for name in (name for name in figures.FIGURES if name in names):
        table = query.table(con, f"figures/{name}")
        if table.num_rows:
            spec = {"description": figures.FIGURES[name].says(table)}
            yield name, {"spec": spec, "caption": "Caption.", "sql": "", "rows": table.to_pylist()}
