"""An answer along a training run: a slider for mouse, keys and screen readers, over http and from file://."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tds_atlas.report import query
from tds_atlas.report.user_sql import rows_of
from tests.site.chromium import serve
from tests.site.conftest import Watched


@pytest.mark.parametrize(("place", "width", "scheme"), [("http", 1280, "light"), ("file", 390, "dark")])
def test_a_slider_goes_through_the_steps_of_one_answer(
    rich_project: Path, browser: Browser, place: str, width: int, scheme: str
) -> None:
    site = rich_project / "site"
    with serve(site) as address:
        watched = Watched(browser, f"{address}/" if place == "http" else site.as_uri() + "/", width, scheme)
        _slide(watched, rich_project, width)
        if place == "http":  # axe asks for style sheets, which a disk does not give
            assert [v["id"] for v in Axe().run(watched.page, context="#run").response["violations"]] == []
        watched.context.close()
    assert watched.faults == []


def _slide(watched: Watched, rich_project: Path, width: int) -> None:
    page = watched.page
    page.goto(f"{watched.base}examples/c-1/2.html")
    page.get_by_text("This answer along the run, 3 steps").click()
    slider, told = page.get_by_role("slider", name="Step of the run"), page.locator("#run output")
    expect(told).to_contain_text("step 100: another first choice than the base's at")
    before, answer = told.inner_text(), page.locator("#run .tds-answer")
    assert slider.get_attribute("aria-valuetext") == before
    slider.focus()
    page.keyboard.press("End")
    expect(told).to_contain_text("step 300:")
    assert told.inner_text().split(":")[1] != before.split(":")[1]
    sql = """SELECT count(*) FILTER (a.top_ids[1] <> b.top_ids[1]) / count(*) AS share
        FROM response r JOIN score a USING (response_id) JOIN score b USING (response_id, pos)
        WHERE r.source = 'sft·chat' AND r.prompt_id = (SELECT prompt_id FROM prompt WHERE ordinal = 2)
        AND a.condition_id = 'dpo·chat' AND b.condition_id = 'base·plain'"""
    (row,) = rows_of(query.connect(rich_project / "made.duckdb"), sql).to_pylist()
    assert f"{100 * row['share']:.1f} %" in told.inner_text()
    assert answer.locator("span[class*='tds-d'], span[class*='tds-q']").count() == answer.locator("span").count() > 1
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_page_of_own_answers_has_none(rich_project: Path) -> None:
    pages = (rich_project / "build/docs/examples").glob("*/2.md")
    with_slider = {page.parent.name for page in pages if 'id="run"' in page.read_text(encoding="utf-8")}
    assert with_slider == {"c-1", "c-2", "c-dpo"}
