"""An answer of 10,000 tokens: there within a second, laid out where it is seen; its profile by mouse, keys and forced colours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.site.conftest import Watched

TIMES, LENGTH = 10, 10_000
ALTERED = 6543
# Nothing but this position is shifted.
_CALM = f"window.tds.base.rank.fill(1); window.tds.base.rank[{ALTERED}] = 900;"


def _tenfold(route: Route) -> None:
    """The answer of 1,000 tokens ten times over: packed numbers are a stream, position after position."""
    text = Path(route.request.url.removeprefix("file://")).read_text(encoding="utf-8")
    repeated = f"""
      const raw = window.tdsExample;
      raw.n *= {TIMES};
      raw.text = raw.text.repeat({TIMES});
      raw.own = raw.own.repeat({TIMES});
      raw.far = raw.far.repeat({TIMES});
      for (const name of Object.keys(raw.said)) raw.said[name] = raw.said[name].repeat({TIMES});"""
    route.fulfill(body=text + repeated, content_type="text/javascript")


def _calm(route: Route) -> None:
    text = Path(route.request.url.removeprefix("file://")).read_text(encoding="utf-8")
    route.fulfill(body=text + _CALM, content_type="text/javascript")


@pytest.fixture
def page(lengthy: Path, browser: Browser) -> Iterator[Page]:
    watched = Watched(browser, lengthy.as_uri() + "/")
    watched.page.route("**/long/2.js", _tenfold)
    watched.page.route("**/example-data.js", _calm)
    yield watched.open("examples/long/2.html")
    watched.context.close()
    assert watched.faults == []


def test_it_is_there_within_a_second_and_laid_out_where_it_is_seen(page: Page) -> None:
    ready = "(() => { document.body.offsetHeight; const at = n => performance.getEntriesByName(n)[0].startTime; return at('tds-ready') - at('tds-start'); })()"
    times = [page.evaluate(ready)]
    while len(times) < 3 and min(times) >= 1000:  # the best of three: other tests run beside this one
        page.reload(wait_until="load")
        times.append(page.evaluate(ready))
    assert page.locator(".tds-t").count() == LENGTH and min(times) < 1000
    assert page.locator("#answer").evaluate("a => a.textContent === window.tdsExample.text")
    seen = "a => [...a.children].map(box => box.firstChild.checkVisibility({ contentVisibilityAuto: true }))"
    drawn = page.locator("#answer").evaluate(seen)
    assert drawn[0] and not drawn[-1] and sum(drawn) < len(drawn) / 5
    page.keyboard.press("End")
    expect(page.locator(f"[data-t='{LENGTH - 1}']")).to_be_in_viewport()
    page.emulate_media(media="print")
    assert all(page.locator("#answer").evaluate(seen))


def test_the_profile_shows_one_shifted_token_and_leads_to_it(page: Page) -> None:
    strip = page.get_by_role("slider", name="Profile of the answer by position")
    paths = strip.locator("path").evaluate_all("all => all.map(p => [p.getAttribute('class'), p.getAttribute('d')])")
    ((_, red),) = [path for path in paths if "tds-s-c-shifted" in path[0]]
    ((at, across),) = re.findall(r"M(\d+) .*?h(\d+)v", red)
    assert int(at) <= ALTERED < int(at) + int(across) and sum(d.count("M") for _, d in paths) <= 700
    box = strip.bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] * (ALTERED + 0.5) / LENGTH, box["y"] + 10)
    chosen = int(page.evaluate("location.hash").removeprefix("#t"))
    assert abs(chosen - ALTERED) <= LENGTH / box["width"]
    expect(page.locator(f"[data-t='{chosen}']")).to_be_in_viewport()


def test_the_profile_by_keys(page: Page) -> None:
    strip = page.get_by_role("slider")
    strip.focus()
    for key, wanted in (
        ("PageDown", 500),
        ("PageDown", 1000),
        ("ArrowRight", 1001),
        ("PageUp", 501),
        ("End", LENGTH - 1),
    ):
        page.keyboard.press(key)
        expect(strip).to_have_attribute("aria-valuenow", str(wanted))
        expect(strip).to_be_focused()
        expect(page.locator(f"[data-t='{wanted}']")).to_be_in_viewport()
    page.keyboard.press("n")
    expect(page.locator(".tds-status")).to_have_text("No later shifted token.")
    page.emulate_media(forced_colors="active")
    colours = "[['.tds-strip-now', 'backgroundColor'], ['.tds-strip path', 'fill'], ['.tds-strip', 'backgroundColor']]"
    found = page.evaluate(f"{colours}.map(([of, what]) => getComputedStyle(document.querySelector(of))[what])")
    assert len(set(found)) == 3
