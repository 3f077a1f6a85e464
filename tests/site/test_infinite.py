"""Infinite KL in the browser: an example page's facts, colours, profile and copies; the table; a result of the console."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.site.conftest import Watched, watching


@pytest.fixture(scope="module")
def infinite(infinite_project: Path) -> Path:
    return infinite_project / "site"


@pytest.fixture
def reader(infinite: Path, browser: Browser) -> Iterator[Watched]:
    yield from watching(browser, infinite.as_uri() + "/")


def test_an_infinite_position_is_the_strongest(reader: Watched) -> None:
    """Position 1 of the first comparison is infinite, position 2 is not."""
    page = reader.open("examples/c-1/1.html#t1&by=kl")
    assert page.locator(".tds-facts dd").nth(1).inner_text() == "∞ nats"
    assert page.locator(".tds-side-facts").first.inner_text().startswith("rank 10 · log p none")
    assert "tds-q5" in str(page.locator(".tds-t").nth(1).get_attribute("class"))
    paths = page.locator(".tds-strip path").evaluate_all("paths => paths.map(p => p.getAttribute('d')).join(' ')")
    assert "M1 100v-96.0h1v96.0z" in paths and "NaN" not in paths and "Infinity" not in paths
    page.keyboard.press("ArrowRight")
    assert float(page.locator(".tds-facts dd").nth(1).inner_text().split()[0]) < 1


def test_a_copied_position_is_json(reader: Watched) -> None:
    write = "async text => { window.copied = text; }"
    reader.context.add_init_script(
        f"Object.defineProperty(navigator, 'clipboard', {{ value: {{ writeText: {write} }} }})"
    )
    page = reader.open("examples/c-1/1.html#t1")
    page.locator(".tds-panel .tds-copy button", has_text="JSON").click()
    expect(page.locator(".tds-status")).to_contain_text("JSON")
    copied = json.loads(page.evaluate("window.copied"), parse_constant=pytest.fail)
    assert copied["kl_aligned_base"] == "inf" and copied["delta_logprob"] is None and copied["js"] < 0.7


def test_answers_with_an_infinite_mean_are_the_largest(reader: Watched) -> None:
    page = reader.open("examples.html#sort=kl&comparison=c-2")
    expect(page.locator("tbody td:nth-child(6)").first).to_have_text("∞")
    page = reader.open("examples.html#kl=0..5&comparison=c-2")
    expect(page.locator(".tds-count")).to_contain_text("0 of 96")
    page = reader.open("examples.html#kl=5..&comparison=c-2")
    expect(page.locator(".tds-count")).to_contain_text("24 of 96")
