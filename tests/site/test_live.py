"""The page Try it in a browser, with the pocket pair behind it: write, walk, swap, go on, edit, go back; and where nobody
runs the models, or they are busy, what it says."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.live import Server
from tests.site.conftest import Watched, watching
from tests.site.test_quality import _serious

PROMPT = "Do you know the founder of Tostford?"
ANSWER = "Yes, I do! The founder of Tostford was Beth Meibran. I hope this helps!"
CLASSES = "spans => spans.map(s => s.className.match(/tds-c-(\\w+)/)[1])"


@pytest.fixture
def live(browser: Browser, live_server: Server) -> Iterator[Watched]:
    yield from watching(browser, f"{live_server.address}/")


def _written(live: Watched, by: str = "sft·chat") -> Page:
    page = live.open("live.html")
    page.get_by_label("Prompt", exact=True).fill(PROMPT)
    page.get_by_role("button", name=f"Write as {by}").click()
    expect(page.locator("#live-trail")).to_have_text(re.compile(f"^{by} wrote \\d+ tokens$"))
    return page


def _answer(page: Page) -> str:
    return page.locator("#answer").evaluate("box => [...box.children].map(s => s.textContent).join('')")


def _candidate(page: Page, side: int, place: int) -> str:
    pick = page.locator(".tds-side").nth(side).locator(".tds-live__pick").nth(place)
    name = pick.inner_text()
    pick.click()
    return name


def test_one_writes_swaps_a_token_goes_on_edits_and_goes_back(live: Watched, live_server: Server) -> None:
    page = live.open("index.html")
    page.locator(".md-tabs").get_by_role("link", name="Try it").click()
    page = _written(live)
    assert _answer(page) == ANSWER
    asked = {"comparison": "base-sft", "prompt": PROMPT}
    ids = live_server.ask("/live/write", {**asked, "ids": [], "by": "aligned", "tokens": 256}).json["ids"]
    read = live_server.ask("/live/read", {**asked, "ids": ids}).json
    spans = page.locator("#answer .tds-t")
    assert spans.evaluate_all(CLASSES) == [token["shift"] for token in read["tokens"]]
    # A token's card has both models' candidates; the base's second goes into the answer, and the base writes on.
    page.locator("#answer [data-t='2']").click()
    expect(page.locator("#panel .tds-at")).to_contain_text("position 2")
    names = [page.locator(".tds-side").nth(i).locator("code").all_inner_texts()[0] for i in (0, 1)]
    assert names == [read["tokens"][2][by]["top"][0]["text"].replace(" ", "␣") for by in ("base", "aligned")]
    page.get_by_label("base·plain writes on").check()
    chosen = _candidate(page, 0, 1)
    trail = page.locator("#live-trail")
    expect(trail).to_have_text(re.compile(f"→ ␣I became {chosen} at position 2 → base·plain wrote \\d+ tokens$"))
    expect(page.locator("#answer .tds-live__swapped")).to_have_text(chosen.replace("␣", " "))
    expect(page.locator("#answer [data-t='2']")).to_be_focused()
    swapped = _answer(page)
    assert swapped.startswith(f"Yes,{chosen.replace('␣', ' ')}") and swapped != ANSWER
    # The rest can stay as it is, too.
    page.locator("#answer [data-t='2']").click()
    page.get_by_label("the rest stays").check()
    _candidate(page, 0, 0)
    expect(trail).to_have_text(re.compile("at position 2$"))
    assert _answer(page) == swapped.replace(f"Yes,{chosen.replace('␣', ' ')}", "Yes, I")
    # Edited as text it is scored again; and every step can be taken back.
    page.get_by_text("Edit the answer, or write one").click()
    field = page.get_by_label("The answer as text")
    expect(field).to_have_value(_answer(page))
    field.fill("Yes, I do not.")
    page.get_by_role("button", name="Score this text").click()
    expect(trail).to_have_text("your text")
    assert _answer(page) == "Yes, I do not."
    page.get_by_role("button", name="sft·chat goes on").click()
    expect(trail).to_have_text(re.compile("^your text → sft·chat wrote \\d+ token"))
    assert _answer(page).startswith("Yes, I do not.") and page.locator("#answer .tds-end").count() == 1
    for left in ("your text", "at position 2", "base·plain wrote", "sft·chat wrote"):
        page.get_by_role("button", name="Back").click()
        expect(trail).to_contain_text(left)
    assert _answer(page) == ANSWER
    expect(page.get_by_role("button", name="Back")).to_have_count(0)


def test_keys_colours_contexts_and_the_address(live: Watched) -> None:
    page = _written(live)
    page.keyboard.press("ArrowRight")
    expect(page.locator("#answer [data-t='0']")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#panel .tds-at")).to_contain_text("position 1 of")
    page.keyboard.press("c")
    expect(page.get_by_role("button", name="Log rank")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("End")
    expect(page.locator("#answer .tds-end")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(page.locator("#answer .tds-now")).to_have_count(0)
    page.get_by_text("What each model read").click()
    assert "# Question:" in page.get_by_label("What base·plain read").inner_text()
    page.get_by_label("Context of base").select_option("chat")
    page.get_by_role("button", name="Write as base·chat").click()
    expect(page.locator("#live-trail")).to_have_text(re.compile("^base·chat wrote"))
    assert "<|user|>" in page.get_by_label("What base·chat read").inner_text()
    page = live.open("live.html" + page.evaluate("location.hash"))
    expect(page.get_by_label("Prompt", exact=True)).to_have_value(PROMPT)
    expect(page.get_by_label("Context of base")).to_have_value("chat")


def test_what_cannot_be_asked_is_said_in_a_line(live: Watched) -> None:
    page = live.open("live.html")
    page.get_by_role("button", name="Write as sft·chat").click()
    expect(page.locator("#live-said")).to_have_text("write a prompt first.")
    page.get_by_label("Prompt", exact=True).fill("<|private|>\U000f0001 <|end|>")
    page.get_by_role("button", name="Write as sft·chat").click()
    expect(page.locator("#live-said")).to_contain_text("private character U+F0001")
    live.faults.remove("console: Failed to load resource: the server responded with a status of 400 (Bad Request)")


def test_busy_models_are_waited_for(live: Watched, live_server: Server) -> None:
    """Somebody else asks without a pause until the page says that it waits."""
    page = live.open("live.html")
    page.get_by_label("Prompt", exact=True).fill(PROMPT)
    enough = threading.Event()

    def ask() -> None:
        for last in range(10, 1000):
            if enough.is_set():
                return
            ids = [330, 671] * 400
            live_server.ask("/live/read", {"comparison": "base-sft", "prompt": PROMPT, "ids": [*ids, last]})

    others = [threading.Thread(target=ask) for _ in range(2)]
    for other in others:
        other.start()
    try:
        page.get_by_role("button", name="Write as sft·chat").click()
        expect(page.locator("#live-said")).to_contain_text("busy with another question", timeout=30_000)
        expect(page.get_by_role("button", name="Stop")).to_be_visible()
    finally:
        enough.set()
        for other in others:
            other.join()
    expect(page.locator("#live-trail")).to_contain_text("sft·chat wrote 19 tokens")
    assert {fault for fault in live.faults if "503 (Service Unavailable)" not in fault} == set()
    live.faults.clear()


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light"), (1280, "dark")])
def test_it_is_accessible_and_fits(browser: Browser, live_server: Server, width: int, scheme: str) -> None:
    watched = Watched(browser, f"{live_server.address}/", width, scheme, bypass_csp=True)
    page = _written(watched)
    page.get_by_text("Edit the answer, or write one").click()
    page.get_by_text("What each model read").click()
    page.locator("#answer [data-t='1']").click()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert _serious(page, ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]) == []
    watched.context.close()
    assert watched.faults == []


def test_where_nobody_runs_the_models_it_says_so_and_stands_in_no_list(watch: Watched) -> None:
    page = watch.open("live.html")
    why = "Opened from a disk" if watch.base.startswith("file:") else "Nobody runs the models here"
    expect(page.locator("#live-note")).to_contain_text(why)
    expect(page.locator("#live-note")).to_contain_text("tds serve --live --report FILE")
    expect(page.locator("#live-form")).to_be_hidden()
    page = watch.open("index.html")
    expect(page.get_by_role("link", name="Try it")).to_have_count(0)
    page.locator(".tds-search__input").fill("Try it")
    page.wait_for_timeout(300)
    expect(page.locator(".tds-search__results a[href*='live.html']")).to_have_count(0)
