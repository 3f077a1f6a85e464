"""The summary on paper: two pages, in the light palette, without what is clicked."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Browser

from tests.site.conftest import Watched

SHOWN = "[...document.querySelectorAll('.md-header, .md-tabs, .md-footer, .headerlink, img.tds-dark')]"
LEFT = f"{SHOWN}.filter(node => getComputedStyle(node).display !== 'none' && node.offsetParent).length"
GROUND = "getComputedStyle(document.body).backgroundColor"


def test_the_summary_of_four_comparisons_is_two_pages(browser: Browser, rich_project: Path) -> None:
    watched = Watched(browser, (rich_project / "site").as_uri() + "/", scheme="dark")
    page = watched.open("summary.html")
    assert page.evaluate(GROUND) == "rgb(20, 24, 29)"
    for part in ("table tbody tr", "li strong"):
        assert page.locator(f".tds-sheet {part}").count() == 4
    assert page.locator(".tds-sheet figure").count() == 3
    assert "checks of the records" in page.locator(".tds-sheet").inner_text()
    printed = page.pdf(format="A4", prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", printed)) == 2
    page.emulate_media(media="print")
    assert page.evaluate(GROUND) == "rgb(255, 255, 255)" and page.evaluate(LEFT) == 0
    watched.context.close()
    assert watched.faults == []
