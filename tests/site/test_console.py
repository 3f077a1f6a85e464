"""The SQL console in a browser: it answers, it is locked, it makes no request to another host."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, expect

from tests.site.conftest import Watched, watching

SLOW = 60_000


@pytest.fixture
def open_site(browser: Browser, served: str) -> Iterator[Watched]:
    yield from watching(browser, served)


def test_nothing_is_read_before_the_console_is_opened_and_a_link_runs_its_query(open_site: Watched) -> None:
    asked: list[str] = []
    open_site.page.on("request", lambda request: asked.append(request.url))
    open_site.open("console.html")
    assert not [url for url in asked if "duckdb" in url]
    page = open_site.open("console.html?" + urlencode({"sql": "SELECT count(*) AS n FROM prompt"}))
    expect(page.locator(".tds-console td")).to_have_text("24", timeout=SLOW)


LEAVING = (
    "FROM read_csv('https://example.org/x.csv')",
    "COPY (SELECT 1) TO 'x.csv'",
    "ATTACH 'x.db'",
    "LOAD parquet",
    "SET enable_external_access = true",
)


def test_a_query_cannot_leave_the_database(open_site: Watched) -> None:
    """Neither a link's, nor any that follows in the same console: it takes seconds to open."""
    page = open_site.open("console.html?" + urlencode({"sql": LEAVING[0]}))
    said, refusals = page.locator(".tds-console__said.tds-console__error"), list[str]()
    expect(said).to_be_visible(timeout=SLOW)
    for sql in LEAVING:
        expect(page.get_by_role("button", name="Run", exact=True)).to_be_enabled()
        page.locator(".tds-console textarea").fill(sql)
        page.keyboard.press("Control+Enter")
        expect(said).to_be_visible(timeout=SLOW)
        refusals.append(said.inner_text())
    assert "\n" not in "".join(refusals) and len({*refusals}) == len(LEAVING)


def test_a_long_query_is_cancelled_and_the_next_one_runs(open_site: Watched) -> None:
    page = open_site.open(
        "console.html?" + urlencode({"sql": "SELECT sum(a.range * b.range) FROM range(1000000) a, range(30000) b"})
    )
    page.locator("button", has_text="Cancel").click(timeout=SLOW)
    expect(page.locator(".tds-console__said")).to_have_text("Cancelled.", timeout=SLOW)
    page.locator(".tds-console textarea").fill("SELECT 41 + 1 AS answer")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".tds-console td")).to_have_text("42", timeout=SLOW)
    assert "answer" in str(page.evaluate("location.search"))


def test_from_a_disk_it_says_how_to_ask_instead(browser: Browser, site: Path) -> None:
    watched = Watched(browser, site.as_uri() + "/")
    page = watched.open("console.html")
    expect(page.locator("#tds-console")).to_contain_text("data/tds.duckdb")
    watched.context.close()
    assert watched.faults == []
