"""The comparison site in a browser: both answers side by side, one colouring, keys, links, widths, accessibility."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.site.chromium import serve
from tests.site.conftest import Watched, watching
from tests.site.test_quality import _serious

PAGES = ["index.html", "where.html", "words.html", "examples.html", "method.html", "data.html"]
PAIR, SAME = "examples/beside/c-1/5.html", "examples/beside/c-2/5.html"


@pytest.fixture(scope="module")
def root(compared: Path) -> Iterator[tuple[Path, str]]:
    """The folder of the site, and its address below a sub-path."""
    with serve(compared) as address:
        yield compared / "root" / "beside", f"{address}/root/beside/"


@pytest.fixture(params=["http", "file"])
def beside(request: pytest.FixtureRequest, browser: Browser, root: tuple[Path, str]) -> Iterator[Watched]:
    yield from watching(browser, root[1] if request.param == "http" else root[0].as_uri() + "/")


def test_two_answers_stand_side_by_side_in_one_colouring(beside: Watched) -> None:
    page = beside.open(PAIR)
    halves = page.locator(".tds-half")
    expect(halves).to_have_count(2)
    for i, letter in enumerate("ab"):
        spans = halves.nth(i).locator(".tds-answer .tds-t")
        expect(spans.first).to_be_visible()
        own = page.context.new_page()
        own.goto(f"{beside.base}examples/{letter}-c-1/5.html", wait_until="load")
        expect(own.locator(".tds-answer .tds-t").first).to_be_visible()
        classes = "spans => spans.map(s => [s.textContent, s.className.match(/tds-c-\\w+/)[0]])"
        assert spans.evaluate_all(classes) == own.locator(".tds-answer .tds-t").evaluate_all(classes)
        own.close()
    shifted = [halves.nth(i).locator(".tds-t.tds-c-shifted").count() for i in (0, 1)]
    assert shifted[0] < shifted[1]
    page.locator(".tds-segments [data-by=kl]").click()
    for i in (0, 1):
        expect(halves.nth(i).locator(".tds-t").first).to_have_class(re.compile("tds-scaled"))
        expect(halves.nth(i).locator(".tds-legend small")).to_contain_text("KL(aligned‖base)")
    halves.nth(1).locator("[data-t='2']").click()
    expect(page.locator("#panel .tds-at")).to_contain_text("position 2")
    expect(halves.nth(0).locator(".tds-now")).to_have_count(0)
    page.keyboard.press("ArrowRight")
    assert page.evaluate("location.hash") == "#b3&by=kl"
    page.keyboard.press("Escape")
    expect(page.locator(".tds-now")).to_have_count(0)


def test_an_address_opens_its_token_and_over_one_text_both_sides_have_it(beside: Watched) -> None:
    page = beside.open(f"{SAME}#a4")
    expect(page.locator(".tds-half .tds-now")).to_have_count(2)
    expect(page.locator(".tds-segments [data-by=kl]")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#panel h3").first).to_contain_text("A: base")
    page.keyboard.press("]")
    expect(page.locator(".tds-half").first).to_be_visible()
    assert "/examples/beside/c-2/" in page.url and not page.url.endswith(f"{SAME}#a4")


def test_search_finds_a_pair(beside: Watched) -> None:
    page = beside.open("index.html")
    page.locator(".tds-search__input").fill("harbour")
    expect(page.locator(".tds-search__results a[href*='examples/']").first).to_be_visible()


def test_every_page_opens_narrow_and_dark_without_a_fault(browser: Browser, root: tuple[Path, str]) -> None:
    for width, scheme in ((390, "dark"), (1280, "light")):
        watched = Watched(browser, root[1], width, scheme)
        for path in [*PAGES, PAIR, f"{SAME}#b2", "examples/b-c-1/5.html"]:
            page = watched.open(path)
            expect(page.locator("h1").first).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        watched.context.close()
        assert watched.faults == []


def test_axe_finds_nothing(browser: Browser, root: tuple[Path, str]) -> None:
    for scheme, rules in (("light", ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]), ("dark", ["color-contrast"])):
        watched = Watched(browser, root[1], scheme=scheme)
        found = {
            path: _serious(watched.open(path), rules) for path in ("index.html", "words.html", "examples.html", PAIR)
        }
        watched.context.close()
        assert not any(found.values()), found


def test_no_link_is_dead(root: tuple[Path, str]) -> None:
    lychee = str(Path(sys.executable).with_name("lychee"))
    base = [lychee, "--offline", "--no-progress", "--root-dir", str(root[0])]
    done = subprocess.run([*base, f"{root[0]}/**/*.html"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]
