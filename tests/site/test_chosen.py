"""Comparisons chosen once for the whole site: what is shown of them on each page, and that the choice stays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tds_atlas.report import query
from tests.site.chromium import serve
from tests.site.conftest import Watched, watching

LABELS = "[...document.querySelectorAll('[data-chart=shift_by_comparison] svg.marks text')].map(t => t.textContent)"


@pytest.fixture(scope="module")
def names(rich_project: Path) -> list[str]:
    with closing(query.connect(rich_project / "made.duckdb")) as con:
        return [row["label"] for row in query.rows(con, "pages/comparisons")]


@pytest.fixture(params=["http", "file"])
def rich(request: pytest.FixtureRequest, browser: Browser, rich_project: Path) -> Iterator[Watched]:
    """The site of a report with four comparisons, from a server and from a disk."""
    if request.param == "file":
        yield from watching(browser, _uri(rich_project))
    else:
        with serve(rich_project / "site") as address:
            yield from watching(browser, f"{address}/")


def _uri(project: Path) -> str:
    return (project / "site").as_uri() + "/"


def _choose(page: Page, *wanted: str) -> None:
    page.locator(".tds-choice summary").click()
    for box in page.locator(".tds-choice input").all():
        if box.is_checked() != (box.get_attribute("value") in wanted):
            box.click()


def _seen(page: Page, selector: str) -> list[str]:
    return [text.strip() for text in page.locator(f"{selector}:visible").all_inner_texts()]


def test_a_choice_holds_on_every_page_for_tables_lists_cards_answers_and_figures(
    rich: Watched, names: list[str]
) -> None:
    first, second, *others = names
    page = rich.open("index.html")
    assert _seen(page, ".tds-card__name") == names
    _choose(page, first, second)
    assert _seen(page, ".tds-card__name") == [first, second]
    page = rich.open("findings/how-much.html")
    expect(page.locator(".tds-choice__said")).to_contain_text(f"2 of {len(names)} comparisons shown")
    assert _seen(page, ".tds-answer-line >> nth=0 >> b") == [first, second]
    named = {*_seen(page, "main td:first-child"), *_seen(page, "main li strong")}
    assert {first, second} <= named and not set(others) & named
    page.wait_for_function(f"{LABELS}.length")
    drawn = page.evaluate(LABELS)
    assert {first, second} <= set(drawn) and not set(others) & set(drawn)


def test_all_restores_and_the_last_one_stays(rich: Watched, names: list[str]) -> None:
    page = rich.open("findings/how-much.html")
    page.locator(".tds-choice summary").click()
    page.locator(".tds-choice__only").nth(1).click()
    assert _seen(page, ".tds-answer-line >> nth=0 >> b") == [names[1]]
    expect(page.locator(".tds-choice input:disabled")).to_have_value(names[1])
    page.locator(".tds-choice > .tds-choice__all").click()
    expect(page.locator(".tds-choice summary")).to_be_focused()
    assert _seen(page, ".tds-answer-line >> nth=0 >> b") == names
    expect(page.locator(".tds-choice__said")).to_have_text(f"All {len(names)} comparisons are shown.")
    assert not page.evaluate("Object.keys(localStorage).filter(key => key.startsWith('tds-comparisons'))")


def test_a_figure_of_other_comparisons_says_so(rich: Watched, names: list[str]) -> None:
    """Token swaps are of the first comparison alone."""
    page = rich.open("findings/swap.html")
    _choose(page, names[1])
    expect(page.locator("[data-chart=swap_refusal] .tds-live")).to_contain_text("comparisons that are not shown")
    page.locator("[data-chart=swap_refusal] button").click()
    expect(page.locator("[data-chart=swap_refusal] svg.marks")).to_be_visible()


def test_examples_and_words_are_of_the_comparisons_chosen(rich: Watched, names: list[str]) -> None:
    page = rich.open("examples.html")
    whole = int(page.locator(".tds-count").inner_text().split()[0])
    _choose(page, names[0])
    expect(page.locator(".tds-count")).to_have_text(f"{whole // len(names)} of {whole} examples")
    page = rich.open("words.html")
    assert _seen(page, ".tds-word-sums h3") == [names[0]]


def test_without_javascript_everything_is_shown(browser: Browser, rich_project: Path, names: list[str]) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(_uri(rich_project) + "findings/how-much.html")
    assert _seen(page, ".tds-answer-line >> nth=0 >> b") == names
    assert page.locator(".tds-choice").count() == 0
