"""The pages of findings as a reader has them, without figures, tags and entities; and numbers as pages write them."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from tds_atlas.report import figures, query
from tds_atlas.report.pages import context, environment, read_pages, render
from tests.conftest import ROOT

_SOURCE = ROOT / "site_src"


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


def pct(share: float, digits: int = 1) -> str:
    return f"{100 * share:.{digits}f} %".replace("-", "−")


def signed(value: float, digits: int) -> str:
    return f"{value:+.{digits}f}".replace("-", "−")


def sheets(database: Path) -> dict[str, str]:
    """Every page of findings that the database has data for, by its file."""
    con = query.connect(database)
    env = environment(_SOURCE)
    values = context(con, _SOURCE, {"figures": dict(_figures(con)), "paged": [], "cookbook": [], "sample": {}}, env)
    return {page.file: read(render(env, page, values)) for page in values["findings"]}


def sheet(database: Path, file: str) -> str:
    con = query.connect(database)
    env = environment(_SOURCE)
    (page,) = (page for page in read_pages(_SOURCE) if page.file == file)
    made = dict(_figures(con, page.figures))
    return read(render(env, page, context(con, _SOURCE, {"figures": made, "paged": []}, env)))


def read(page: str) -> str:
    """What stands between the figures, on one line; entities and the commonest tags taken out."""
    text = re.sub(r"<figure.*?</figure>", "", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"</?(b|p|br|span|code)\b[^>]*>", "", text)).split())


def _figures(con: duckdb.DuckDBPyConnection, names: tuple[str, ...] | None = None) -> Iterator[tuple[str, Any]]:
    """What a page asks of its figures, which are not drawn: their rows, and what they say."""
    for name in names or figures.FIGURES:
        table = query.table(con, f"figures/{name}")
        if table.num_rows:
            spec = {"description": figures.FIGURES[name].says(table)}
            yield name, {"spec": spec, "caption": "Caption.", "sql": "", "rows": table.to_pylist()}
