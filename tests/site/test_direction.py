"""A prompt and an answer written from right to left stand so wherever the site shows them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from playwright.sync_api import Browser

from tests.conftest import once, write_site
from tests.report import synthetic
from tests.report.undrawn import few_figures, undrawn
from tests.site.conftest import Watched, watching

PROMPT = "מה בירת צרפת?"
DIRECTION = "node => getComputedStyle(node).direction"


@pytest.fixture(scope="module")
def hebrew(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site whose every prompt and answer begins with Hebrew letters."""

    def made(database: Path) -> Path:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(synthetic, "HOSTILE", [f"{PROMPT} {text}" for text in synthetic.HOSTILE])
            synthetic.write(database)
        with duckdb.connect(str(database)) as con:
            con.execute("UPDATE prompt SET text = $1", [PROMPT])
        return database

    with undrawn(), few_figures():
        pages = ("index.md", "examples.md", "words.md")
        return once(tmp_path_factory, "hebrew", lambda project: write_site(project, made, pages=pages)) / "site"


@pytest.fixture
def watch(browser: Browser, hebrew: Path) -> Iterator[Watched]:
    yield from watching(browser, hebrew.as_uri() + "/")


@pytest.mark.parametrize(
    ("path", "places"),
    [
        ("examples/c-1/1.html", ["h1.tds-prompt", "#answer"]),
        ("examples.html", [".tds-table tbody a"]),
        ("index.html", [".tds-specimen__prompt", ".tds-specimen__answer"]),
        ("words.html", [".tds-kwic bdi:has-text('מה')"]),
    ],
)
def test_a_text_is_set_in_its_own_direction(watch: Watched, path: str, places: list[str]) -> None:
    page = watch.open(path)
    for place in places:
        assert page.locator(place).first.evaluate(DIRECTION) == "rtl", place


def test_so_it_is_in_what_search_finds(watch: Watched) -> None:
    page = watch.open("index.html")
    page.locator(".tds-search__input").fill("צרפת")
    assert page.locator(".tds-search__results a b").first.evaluate(DIRECTION) == "rtl"
