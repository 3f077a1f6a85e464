"""What can be measured of the built site: links and anchors, accessibility, the strict policy, weight and steadiness."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tds_atlas.report.csp import add_policy
from tests.site.conftest import Watched
from tests.site.test_site import PAGES

REPEATING = ("cookbook.html", "schema.html")  # a hundred blocks of one template, which axe takes half a minute to read
# Leaves out each block below an h3 whose elements are all of a kind that an earlier block has: tag, class, attributes,
# whether there is text, and whether it scrolls. What axe is asked about is in these.
SHORTEN = """() => {
  const seen = new Set();
  const kind = (n) => [n.tagName, !n.textContent.trim(), n.scrollWidth > n.clientWidth, ...[...n.attributes].map((a) => a.name + (/^(id|href)$/.test(a.name) ? "" : a.value))].join();
  let block = [];
  const end = () => {
    const fresh = block.flatMap((n) => [n, ...n.querySelectorAll("*")]).map(kind).filter((k) => !seen.has(k));
    if (block[0]?.tagName === "H3" && !fresh.length) {
      document.querySelector(`.md-nav a[href="#${block[0].id}"]`)?.closest("li").remove();
      for (const n of block) n.remove();
    }
    for (const k of fresh) seen.add(k);
    block = [];
  };
  for (const n of [...document.querySelector("article h3").parentElement.children]) {
    if (/^H[123]$/.test(n.tagName)) end();
    block.push(n);
  }
  end();
}"""


def test_no_link_and_no_anchor_is_dead(site: Path) -> None:
    """Fragments that a page's script reads (a position, the state of a table) are no anchors."""
    lychee = str(Path(sys.executable).with_name("lychee"))
    base = [lychee, "--offline", "--no-progress", "--root-dir", str(site)]
    for options in ([], ["--include-fragments", "--exclude", r"#(t\d|[a-z]+=)"]):
        done = subprocess.run([*base, *options, f"{site}/**/*.html"], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-3000:]


def _serious(page: Page, rules: list[str]) -> list[str]:
    """What axe finds wrong once everything is drawn and no colour changes any more."""
    drawn = "document.querySelectorAll('[data-chart] svg.marks:not([data-old])').length"
    page.wait_for_function(f"{drawn} === document.querySelectorAll('[data-chart]').length")
    page.wait_for_function("document.getAnimations().every(a => a.playState !== 'running')")
    found = Axe().run(page, options={"runOnly": rules, "resultTypes": ["violations"]})
    return [
        f"{v['id']}: {v['nodes'][0]['html'][:160]} {v['nodes'][0].get('failureSummary', '')[:200]}"
        for v in found.response["violations"]
    ]


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing(browser: Browser, served: str, path: str) -> None:
    """Nor does the page make a fault over http, or leave its window. In the dark palette what is about colours: nothing
    else differs."""
    watched = Watched(browser, served)
    page = watched.open(path)
    expect(page.locator("h1").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280 and watched.faults == []
    if path in REPEATING:
        assert page.evaluate("new Set([...document.querySelectorAll('[id]')].map(n => n.id)).size") == (
            page.locator("[id]").count()
        )
        page.evaluate(SHORTEN)
    light = _serious(page, ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"])
    page.evaluate("document.querySelectorAll('svg.marks').forEach(svg => { svg.dataset.old = ''; })")
    page.locator("label[for=__palette_1]").first.click()
    expect(page.locator("body")).to_have_attribute("data-md-color-scheme", "slate")
    dark = _serious(page, ["color-contrast", "link-in-text-block"])
    watched.context.close()
    assert (light, dark) == ([], [])


def test_the_hosted_site_obeys_its_policy(browser: Browser, site: Path, served: str) -> None:
    """Charts draw, search answers and an example opens under the policy; what it forbids would be a console error."""
    copy = site.parent.parent / "hosted"
    shutil.copytree(site, copy, dirs_exist_ok=True)
    add_policy(copy)
    watched = Watched(browser, served.replace("sub/atlas/", "hosted/"))
    page = watched.open("findings/how-much.html")
    expect(page.locator("[data-chart=shift_by_comparison] svg.marks")).to_be_visible()
    page.locator(".tds-search__input").fill("harbour")
    expect(page.locator(".tds-search__results a").first).to_be_visible()
    page = watched.open("examples/c-1/5.html#t1")
    expect(page.locator(".tds-now")).to_be_visible()
    watched.context.close()
    assert watched.faults == []


@pytest.mark.parametrize("missing", ["examples/c-9/1.html", "findings/no.html", "no.html", "examples/c-1/"])
def test_the_page_for_missing_ones_leads_home_from_below_a_sub_path(
    browser: Browser, site: Path, served: str, missing: str
) -> None:
    """A host answers with it at any address; the site was built without its own."""
    watched = Watched(browser, served)
    body = (site / "404.html").read_text(encoding="utf-8")
    watched.page.route("**/*", lambda route: route.fulfill(body=body, content_type="text/html"), times=1)
    page = watched.open(missing)
    expect(page.locator("h1")).to_have_text("Page not found")
    page.locator("#home").click()
    expect(page).to_have_url(served + "index.html")
    expect(page.locator("h1").first).to_contain_text("What did tuning change")
    watched.context.close()
    assert watched.faults == []


def test_the_home_page_is_light_and_steady(browser: Browser, served: str) -> None:
    """Under 600 kB before charts; nothing moves by itself."""
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    sizes: list[int] = []
    page.on("response", lambda r: sizes.append(int(r.headers.get("content-length", 0))))
    page.add_init_script(
        "window.moved = 0; new PerformanceObserver((l) => l.getEntries().forEach((e) => { if (!e.hadRecentInput) window.moved += e.value; }))"
        ".observe({ type: 'layout-shift', buffered: true });"
    )
    page.goto(served + "index.html", wait_until="load")
    page.wait_for_timeout(800)
    assert sum(sizes) < 600_000 and page.evaluate("window.moved") < 0.05
    page.context.close()


def test_the_first_chart_is_there_within_a_second(browser: Browser, served: str) -> None:
    """From the end of the load event to the first drawn mark, the best of three."""
    watch = (
        "new MutationObserver((_, o) => { if (document.querySelector('svg.marks')) { window.drawn = performance.now(); o.disconnect(); } })"
        ".observe(document, { childList: true, subtree: true });"
    )
    took = list[float]()
    while len(took) < 3 and min(took, default=1000) >= 1000:
        page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        page.add_init_script(watch)
        page.goto(served + "findings/how-much.html", wait_until="load")
        page.wait_for_function("window.drawn")
        took.append(float(page.evaluate("window.drawn - performance.getEntriesByType('navigation')[0].loadEventEnd")))
        page.context.close()
    assert min(took) < 1000, took
