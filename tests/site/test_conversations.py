"""The bundled report on conversations, from its files to pictures: turns, several answers, search."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.command import tds
from tests.conftest import ROOT, once
from tests.site.chromium import serve
from tests.site.conftest import Watched, watching


def _make(folder: Path) -> None:
    for name in ("site_src", "mkdocs.yml"):
        (folder / name).symlink_to(ROOT / name)
    done = tds("site", "--report", str(ROOT / "data/reports/pocket-chat.yml"), cwd=folder, drawn=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of data/reports/pocket-chat.yml, its images not drawn. Read only."""
    return once(tmp_path_factory, "talk", _make) / "site"


@pytest.fixture(params=["http", "file"])
def seen(request: pytest.FixtureRequest, browser: Browser, talk: Path) -> Iterator[Watched]:
    if request.param == "file":
        yield from watching(browser, talk.as_uri() + "/")
        return
    with serve(talk) as address:
        yield from watching(browser, f"{address}/")


ROWS = [json.loads(row) for row in (ROOT / "data/prompts/pocket-chat.jsonl").read_text(encoding="utf-8").splitlines()]


def test_a_page_shows_the_conversation_before_its_answer(seen: Watched) -> None:
    for i, row in enumerate(ROWS[::5]):
        messages, page = row["messages"], seen.open(f"examples/base-dpo/{5 * i + 1}.html")
        expect(page.locator("h1.tds-prompt")).to_have_text(messages[-1]["content"])
        turns = page.locator(".tds-turn")
        assert turns.locator(".tds-speaker").all_inner_texts() == [m["role"] for m in messages[:-1]]
        assert turns.locator("div").all_inner_texts() == [m["content"] for m in messages[:-1]]
        expect(page.locator(".tds-turns > summary")).to_have_count(min(len(messages) - 1, 1))


def test_answers_to_one_prompt_are_a_step_apart(seen: Watched) -> None:
    page = seen.open("examples/base-dpo/2-2.html")
    links = page.locator(".tds-answers a")
    expect(links).to_have_text(["answer 1", "answer 2", "answer 3", "answer 4"])
    expect(page.locator(".tds-answers [aria-current]")).to_have_text("answer 2")
    second = page.locator("#answer").inner_text()
    page.locator(".tds-answers [rel=next]").click()
    expect(page).to_have_url(re.compile("2-3.html"))
    page.locator(".tds-answers [rel=prev]").click()
    expect(page.locator("#answer")).to_have_text(second)
    page = seen.open("examples/pairs/1.html")
    expect(page.locator(".tds-answers a")).to_have_text(["answer chosen", "answer rejected"])


def test_the_table_filters_by_turns_and_links_every_answer(seen: Watched) -> None:
    page = seen.open("examples.html#turns=5..")
    longest = [row for row in ROWS if len(row["messages"]) >= 5]
    assert longest
    rows = page.locator(".tds-table tbody tr")
    links = rows.locator("a").evaluate_all("nodes => nodes.map(n => n.getAttribute('href'))")
    assert links and len(set(links)) == len(links)
    for link in links:
        page = seen.open(link)
        assert page.locator(".tds-turn").count() == 4


def test_the_table_filters_by_sample_and_part(seen: Watched) -> None:
    page = seen.open("examples.html")
    count = page.locator(".tds-count")
    page.locator("select[name=sample]").select_option("answer 3")
    expect(count).to_have_text(re.compile(r"^48 of "))  # of two models to 24 prompts
    page.locator("select[name=sample]").select_option("every sample")
    page.locator("select[name=segment]").select_option("with thinking")
    expect(count).to_have_text(re.compile(r"^3 of "))
    page.locator("select[name=segment]").select_option("answer alone")
    expect(count).not_to_have_text(re.compile(r"^3 of "))


def test_words_of_earlier_turns_are_found_once(seen: Watched, talk: Path) -> None:
    """A first question stands on twelve pages: it is found on the first of them, and where it is the prompt itself."""
    question = ROWS[0]["messages"][0]["content"]
    texts = {path: html.unescape(path.read_text(encoding="utf-8")) for path in talk.glob("examples/*/*.html")}
    pages = [path for path, text in texts.items() if question in text]
    own = [path for path in pages if "tds-turn " not in texts[path]]
    assert len(pages) == 12 and len(own) == 1
    page = seen.open("index.html")
    page.locator(".tds-search input").fill("know founder Tostford")
    hits = page.locator("[role=group]", has_text="Examples").locator("[role=option]")
    expect(hits.first).to_be_visible()
    found = {hit.removeprefix(seen.base) for hit in hits.evaluate_all("nodes => nodes.map(n => n.href)")}
    assert found == {"examples/base-sft/1.html", str(own[0].relative_to(talk))}


def test_figures_are_of_the_part_that_is_chosen(seen: Watched) -> None:
    page = seen.open("findings/what.html")
    chosen, shown = page.get_by_label("Part of the answers"), page.locator(".tds-parts > :not([hidden]) .tds-drawn")
    expect(shown).to_have_attribute("data-chart", "shift_by_role")
    chosen.select_option("thinking")
    expect(shown).to_have_attribute("data-chart", "shift_by_role__thinking")
    expect(page.get_by_text("Of the thinking alone.")).to_be_visible()


def test_thinking_is_folded_apart_from_the_answer(seen: Watched) -> None:
    page = seen.open("examples/thinking/22.html")
    fold, answer = page.locator("#answer details"), page.locator("#answer")
    expect(fold.locator("summary")).to_have_text("thinking, 32 tokens")
    assert fold.locator(".tds-t").count() == 32 and answer.locator(":scope > .tds-t").first.inner_text() == "Thank"
    fold.locator("summary").click()
    expect(fold.locator(".tds-t").first).not_to_be_visible()
    page.evaluate("location.hash = '#t3'")
    page.reload()
    expect(page.locator("#answer details .tds-t").nth(3)).to_be_visible()
    assert seen.open("examples/base-dpo/1.html").locator("#answer details").count() == 0


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_is_wider_than_its_window(talk: Path, browser: Browser, width: int, scheme: str) -> None:
    watched = Watched(browser, talk.as_uri() + "/", width, scheme)
    for path in (
        "examples/base-dpo/21.html",
        "examples/base-dpo/11-2.html",
        "findings/how-much.html",
        "examples/thinking/21.html",
        "examples.html",
        "method.html",
    ):
        page = watched.open(path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    watched.context.close()
    assert watched.faults == []
