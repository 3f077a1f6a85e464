"""The site as a reader uses it, over http at a sub-path and from file://. `watch` fails a test on any console error, dialog,
or request that leaves the site."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.report.synthetic import HOSTILE
from tests.site.conftest import Watched

PAGES = [
    "index.html",
    "summary.html",
    "findings/index.html",
    "findings/how-much.html",
    "findings/where.html",
    "findings/what.html",
    "findings/tasks-and-topics.html",
    "examples.html",
    "examples/c-1/1.html",
    "method.html",
    "data.html",
    "words.html",
    "console.html",
    "cookbook.html",
    "schema.html",
]


def _hash(page: Page) -> str:
    """The fragment as the page itself has it: Playwright's page.url learns of a replaced state a moment later."""
    return str(page.evaluate("location.hash"))


def test_every_kind_of_page_opens_from_a_disk_without_a_fault(browser: Browser, site: Path) -> None:
    """Over http test_quality.py opens each."""
    watched = Watched(browser, site.as_uri() + "/")
    for path in PAGES:
        page = watched.open(path)
        expect(page.locator("h1").first).to_be_visible()
    watched.context.close()
    assert watched.faults == []


def test_a_chart_draws_and_draws_again_in_the_other_palette(watch: Watched) -> None:
    page = watch.open("findings/how-much.html")
    chart = page.locator("[data-chart=shift_by_comparison]")
    expect(chart.locator("svg.marks")).to_be_visible()
    expect(chart.locator("img.tds-light")).to_be_hidden()
    light = chart.locator("svg.marks").inner_html()
    page.locator("label[for=__palette_1]").first.click()
    page.wait_for_function(
        "old => document.querySelector('[data-chart=shift_by_comparison] svg.marks')?.innerHTML !== old", arg=light
    )


def test_names_at_the_ends_of_curves_are_a_legend_where_the_page_is_narrow(browser: Browser, served: str) -> None:
    for width, legends in ((1280, 0), (360, 1)):
        watched = Watched(browser, served, width)
        chart = watched.open("findings/where.html").locator('[data-chart="shift_by_position"].tds-drawn')
        expect(chart.locator("svg .role-legend")).to_have_count(legends)
        assert "→" in chart.locator("svg").text_content()  # type: ignore[operator]
        watched.context.close()
        assert watched.faults == []


def test_the_first_visit_is_set_in_the_faces_of_the_site(browser: Browser, base: str) -> None:
    watched = Watched(browser, base)
    page = watched.open("findings/where.html")
    for face in ("Inter", "Source Serif 4"):
        assert page.evaluate(f"document.fonts.check('1rem \"{face}\"')"), face
    assert page.locator("link[rel=preload][as=font]").count() == (0 if base.startswith("file") else 2)
    watched.context.close()
    assert watched.faults == []


def test_a_figure_without_javascript(browser: Browser, base: str) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(base + "findings/how-much.html")
    image = page.locator("#shift_by_comparison img.tds-light")
    expect(image).to_be_visible()
    page.goto(base + "examples/c-1/5.html")
    assert HOSTILE[5] in page.locator("#answer").inner_text()


def test_an_example_answers_to_the_keyboard(watch: Watched) -> None:
    page = watch.open("examples/c-1/5.html")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    panel = page.locator("#panel")
    expect(panel).to_contain_text("position 1 of")
    expect(panel.locator(".tds-side")).to_have_count(2)
    expect(panel.locator(".tds-side").first.locator("li")).to_have_count(10)
    expect(panel.locator(".tds-own")).to_have_count(2)
    assert _hash(page) == "#t1"
    page.keyboard.press("n")
    assert page.locator(".tds-now").get_attribute("class").count("tds-c-shifted") == 1
    page.keyboard.press("Escape")
    assert _hash(page) == ""


def test_a_link_to_a_position_opens_it_and_a_click_moves_on(watch: Watched) -> None:
    page = watch.open("examples/c-1/1.html#t4")
    expect(page.locator("#panel")).to_contain_text("position 4 of")
    page.locator("[data-t='6']").click()
    expect(page.locator("#panel")).to_contain_text("position 6 of")


def test_the_answer_stands_as_it_was_written(watch: Watched) -> None:
    for ordinal in range(1, 7):
        page = watch.open(f"examples/c-1/{ordinal}.html")
        text = page.locator("#answer").evaluate("node => node.textContent")
        assert text == HOSTILE[ordinal % len(HOSTILE)]
        assert page.locator("#answer img, #answer b, #answer a, #answer script").count() == 0, ordinal


def test_previous_next_and_the_other_comparison(watch: Watched) -> None:
    page = watch.open("examples/c-1/2.html")
    page.locator("a[rel=next]").last.click()
    page.wait_for_url(re.compile("c-1/3.html"))
    page.locator(".tds-others a").first.click()
    page.wait_for_url(re.compile("c-2/3.html"))
    page.locator("a[rel=prev]").last.click()
    page.wait_for_url(re.compile("c-2/2.html"))


def test_the_table_sorts_filters_and_keeps_its_state(watch: Watched) -> None:
    page = watch.open("examples.html")
    rows = page.locator(".tds-table tbody tr")
    expect(page.locator(".tds-count")).to_contain_text("48 of 48")
    page.locator("select[name=comparison]").select_option("c-2")
    page.locator(".tds-filters input").fill("harbour")
    expect(rows).to_have_count(4)
    page.locator("th button", has_text="Shifted").click()
    shares = [float(t.split()[0]) for t in page.locator(".tds-table td:nth-child(4)").all_inner_texts()]
    assert shares == sorted(shares, reverse=True)
    again = watch.open("examples.html" + _hash(page))
    expect(again.locator(".tds-table tbody tr")).to_have_count(4)
    again.locator(".tds-table tbody a").first.click()
    again.wait_for_url(re.compile(r"c-2/\d+\.html"))


@pytest.mark.parametrize(("word", "place"), [("quiet harbour", "examples/"), ("What is shifted", "findings/what")])
def test_search_finds_examples_and_findings(watch: Watched, word: str, place: str) -> None:
    page = watch.open("index.html")
    page.keyboard.press("/")
    page.locator(".tds-search__input").press_sequentially(word, delay=5)
    page.keyboard.press("ArrowDown")  # before there are results: the key waits for those of the whole word
    expect(page.locator(f".tds-search__results a[href*='{place}']").first).to_be_visible(timeout=15_000)
    chosen = page.locator('.tds-search__results [aria-selected="true"]')
    expect(chosen).to_have_count(1)
    expect(chosen).to_have_id("tds-hit-0")
    href = str(chosen.get_attribute("href"))
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: url.split("?")[0].split("#")[0] == href.split("?")[0].split("#")[0])
    expect(page.locator("h1").first).to_be_visible()


def test_findings_stand_before_examples_and_hostile_text_is_text(watch: Watched) -> None:
    page = watch.open("examples.html")
    page.locator(".tds-search__input").fill("prompt")
    expect(page.locator(".tds-search__kind").last).to_contain_text("Examples")
    kinds = [text.split(" · ")[0].capitalize() for text in page.locator(".tds-search__kind").all_inner_texts()]
    assert kinds == [kind for kind in ("Findings", "About", "Examples") if kind in kinds]
    page.locator(".tds-search__input").fill("bold")
    expect(page.locator(".tds-search__results a").first).to_be_visible()
    assert page.locator(".tds-search__results :is(img, script, b b)").count() == 0
    page.locator(".tds-search__input").fill("жжжж")  # Pagefind falls back to the beginning of a word it does not know
    expect(page.locator(".tds-search__note")).to_have_text("No results for “жжжж”")


# A palette changes no width; every page at 1280 is in test_quality.py.
@pytest.mark.parametrize(("width", "scheme", "pages"), [(360, "dark", PAGES), (1280, "light", [])])
def test_no_page_is_wider_than_its_window(
    browser: Browser, served: str, width: int, scheme: str, pages: list[str]
) -> None:
    watched = Watched(browser, served, width, scheme)
    for path in [*pages, "examples/c-1/1.html#t2"]:
        page = watched.open(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    watched.context.close()
    assert watched.faults == []


def test_no_page_names_another_host_for_an_asset(site: Path) -> None:
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        for url in re.findall(r"(?:src|href)=\"?(https?:)?//([^\"' >]+)", text):
            assert "squidfunk" in url[1] or "mkdocs" in url[1], f"{path.name}: {url}"
