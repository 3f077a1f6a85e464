"""The index of words in a browser, over http and from a disk."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.site.conftest import Watched


def test_a_word_is_found_and_its_lines_lead_to_the_examples(watch: Watched) -> None:
    page = watch.open("words.html")
    expect(page.locator(".tds-word-row").first).to_be_visible()
    word = page.locator(".tds-word-row b").nth(3).inner_text()
    page.locator(".tds-words input").fill(word)
    expect(page.locator(".tds-word-detail h2")).to_have_text(word)
    page.locator(".tds-kwic a").first.click()
    page.wait_for_url(re.compile(r"examples/c-\d/\d+\.html#t\d+"))


def test_the_keyboard_walks_and_the_fragment_keeps_the_state(watch: Watched) -> None:
    page = watch.open("words.html#sort=count&in=c-2")
    first = page.locator(".tds-word-row").nth(0)
    expect(first).to_have_attribute("aria-selected", "true")
    page.locator(".tds-word-list").focus()
    page.keyboard.press("ArrowDown")
    second = page.locator(".tds-word-row").nth(1)
    expect(second).to_have_attribute("aria-selected", "true")
    word = second.locator("b").inner_text()
    again = watch.open("words.html" + str(page.evaluate("location.hash")))
    expect(again.locator(".tds-word-row[aria-selected=true] b")).to_have_text(word)
    expect(again.locator("select[name=in]")).to_have_value("c-2")
