"""Search by keyboard as a screen reader has it: a combobox over a listbox, and what is said aloud of the results."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.site.conftest import Watched


def _search(watch: Watched, words: str) -> Page:
    page = watch.open("index.html")
    page.locator(".tds-search__input").fill(words)
    return page


def _meant(page: Page) -> str:
    """The name of the option that the field says is meant; the same one must say that it is selected, and no other."""
    active = page.locator(".tds-search__input").get_attribute("aria-activedescendant")
    selected = page.locator("[role=option][aria-selected=true]")
    expect(selected).to_have_count(1)
    assert selected.get_attribute("id") == active
    return selected.inner_text()


def test_the_field_says_which_option_is_meant_as_arrow_keys_walk(watch: Watched) -> None:
    page = _search(watch, "prompt")
    field, listbox = page.get_by_role("combobox"), page.get_by_role("listbox", name="Search results")
    options = listbox.get_by_role("option")
    expect(options.nth(2)).to_be_visible()
    expect(field).to_have_attribute("aria-expanded", "true")
    assert field.get_attribute("aria-controls") == listbox.get_attribute("id")
    assert field.get_attribute("aria-activedescendant") is None
    assert page.locator("[role=option][aria-selected=false]").count() == options.count()
    names = options.all_inner_texts()
    for key, at in (("ArrowDown", 0), ("ArrowDown", 1), ("ArrowUp", 0), ("ArrowUp", -1), ("ArrowDown", 0)):
        field.press(key)
        assert _meant(page) == names[at]
        expect(field).to_be_focused()
    ids = options.evaluate_all("nodes => nodes.map((node) => node.id)")
    assert len(set(ids)) == len(ids)
    field.press("Escape")
    expect(field).to_have_attribute("aria-expanded", "false")
    assert field.get_attribute("aria-activedescendant") is None


def test_the_tree_has_groups_of_options_and_how_many_results_there_are(watch: Watched) -> None:
    page = _search(watch, "harbour")
    status = page.locator(".tds-search").get_by_role("status")
    expect(status).to_have_text(re.compile(r"^\d+ results for “harbour”$"))
    counts = [int(text.split(" · ")[1]) for text in page.locator(".tds-search__kind").all_inner_texts()]
    expect(status).to_have_text(f"{sum(counts)} results for “harbour”")
    tree = page.locator(".tds-search").aria_snapshot()
    assert "combobox" in tree and 'listbox "Search results"' in tree and "option" in tree
    assert f'group "Examples · {counts[-1]}"' in tree
    page.locator(".tds-search__input").press("ArrowUp")
    assert "[selected]" in page.locator(".tds-search").aria_snapshot()


def test_what_is_not_found_is_said_and_opens_no_list(watch: Watched) -> None:
    page = _search(watch, "жжжж")
    expect(page.locator(".tds-search__note")).to_have_text("No results for “жжжж”")
    expect(page.locator(".tds-search").get_by_role("status")).to_have_text("No results for “жжжж”")
    expect(page.locator(".tds-search__input")).to_have_attribute("aria-expanded", "false")
