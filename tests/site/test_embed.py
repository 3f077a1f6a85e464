"""A figure in a page of somebody else: of another origin, under the policy of a hosted site, and from a disk."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tds_atlas.report.csp import add_policy
from tests.site.chromium import serve
from tests.site.conftest import Watched

FIGURE = "shift_by_comparison"


@pytest.fixture(scope="module")
def hosted(rich_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an embedded figure is made of, with the policy of a hosted site."""
    folder, site = tmp_path_factory.mktemp("hosted"), rich_project / "site"
    for part in ("embed", "figures", "assets/js", "assets/css", "assets/vendor/fonts"):
        shutil.copytree(site / part, folder / part)
    shutil.copy(site / "findings" / "how-much.html", folder)
    add_policy(folder)
    return folder


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_snippet_shows_the_figure_on_a_page_of_another_origin(
    browser: Browser, rich_project: Path, hosted: Path, tmp_path: Path, scheme: str
) -> None:
    with serve(rich_project / "site") as ours, serve(hosted) as strict, serve(tmp_path) as theirs:
        watched = Watched(browser, ours, scheme=scheme)
        page = watched.open("/findings/how-much.html")
        page.locator(".tds-choice summary").click()
        page.locator(".tds-choice__only").nth(1).click()
        only = page.locator(".tds-choice input:disabled").get_attribute("value")
        page.locator(f"#{FIGURE} button.tds-embed").click()
        snippet = page.locator(f"#{FIGURE} textarea").input_value()
        assert snippet.startswith("<iframe") and f'src="{ours}/embed/{FIGURE}.html#c=' in snippet
        (tmp_path / "theirs.html").write_text(
            f"<link rel=icon href=data:,><h1>Theirs</h1>{snippet}{snippet.replace(ours, strict)}", encoding="utf-8"
        )
        page.goto(f"{theirs}/theirs.html")
        for frame in (page.frame_locator("iframe").nth(i) for i in range(2)):
            expect(frame.locator("svg.marks")).to_be_visible(timeout=20_000)
            assert only in frame.locator("svg.marks").inner_html().replace("&lt;", "<").replace("&gt;", ">")
            ground = "getComputedStyle(document.body).backgroundColor"
            dark = frame.locator("body").evaluate(f"() => {ground}") == "rgb(20, 24, 29)"
            assert dark == (scheme == "dark")
            expect(frame.locator("figcaption a")).to_have_attribute("href", f"../findings/how-much.html#{FIGURE}")
        asked = {
            fault for fault in watched.faults if not fault.startswith((f"request: {strict}", f"request: {theirs}"))
        }
        watched.context.close()
        assert asked == set()


def test_from_a_disk_and_without_javascript(browser: Browser, rich_project: Path, tmp_path: Path) -> None:
    address = (rich_project / "site" / "embed" / f"{FIGURE}.html").as_uri()
    (tmp_path / "mine.html").write_text(
        f'<iframe src="{address}" width="100%" height="400"></iframe>', encoding="utf-8"
    )
    for script, shown in ((True, "svg.marks"), (False, "picture")):
        page = browser.new_context(java_script_enabled=script).new_page()
        page.goto((tmp_path / "mine.html").as_uri())
        expect(page.frame_locator("iframe").locator(shown)).to_be_attached(timeout=20_000)
        page.context.close()
