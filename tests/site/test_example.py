"""The example page: colourings, legend, profile, conditions, keys, links, copying, print; its weight and its speed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tds_atlas.report import query
from tds_atlas.report.user_sql import rows_of
from tests.report import synthetic
from tests.site.chromium import serve
from tests.site.conftest import Watched

CONTRAST = """span => {
  const parse = c => { const m = c.match(/[\\d.]+/g).map(Number); return [m[0], m[1], m[2], m[3] ?? 1]; };
  const light = c => { const [r, g, b] = c.slice(0, 3).map(v => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  let node = span, back = parse(getComputedStyle(node).backgroundColor);
  while (back[3] === 0) { node = node.parentElement; back = parse(getComputedStyle(node).backgroundColor); }
  const [a, b] = [light(parse(getComputedStyle(span).color)), light(back)].sort((x, y) => y - x);
  return (a + 0.05) / (b + 0.05);
}"""


@pytest.fixture(scope="module")
def rich(rich_project: Path) -> Path:
    return rich_project / "site"


@pytest.fixture(params=["http", "file"])
def reader(request: pytest.FixtureRequest, rich: Path, browser: Browser) -> Iterator[Watched]:
    """A watched page on the rich report, over http and from file://."""
    with serve(rich) as address:
        watched = Watched(browser, f"{address}/" if request.param == "http" else rich.as_uri() + "/")
        yield watched
        watched.context.close()
    assert watched.faults == []


def _hash(page: Page) -> str:
    return str(page.evaluate("location.hash"))


def test_each_colouring_keeps_text_readable_in_both_palettes(lengthy: Path, browser: Browser) -> None:
    """Contrast of every step that occurs, faded or not, is at least 4.5; the class stays in the underline."""
    for scheme in ("light", "dark"):
        watched = Watched(browser, lengthy.as_uri() + "/", scheme=scheme)
        page = watched.open("examples/long/1.html")
        for by in ("class", "rank", "kl", "delta", "entropy"):
            page.locator(f".tds-segments [data-by={by}]").click()
            for only in (False, True):
                if only:
                    page.locator(".tds-legend button").first.click()
                kinds = page.evaluate("[...new Set([...document.querySelectorAll('.tds-t')].map(s => s.className))]")
                for kind in kinds:
                    span = page.locator(f".tds-t[class='{kind}']").first
                    assert span.evaluate(CONTRAST) >= 4.5, (scheme, by, kind)
                    if "tds-c-shifted" in kind and not only:
                        assert span.evaluate("s => getComputedStyle(s).borderBottomStyle") == "solid"
            for item in page.locator(".tds-legend button").all():
                assert item.evaluate(CONTRAST) >= 4.5, (scheme, by, item.inner_text())
        watched.context.close()
        assert watched.faults == []


def test_the_legend_is_a_filter(reader: Watched) -> None:
    page = reader.open("examples/c-1/1.html")
    shifted = page.locator(".tds-t.tds-c-shifted").count()
    assert 0 < shifted < page.locator(".tds-t").count()
    page.locator(".tds-legend button", has_text=re.compile("^shifted")).click()
    expect(page.locator(".tds-kept")).to_have_count(shifted)
    assert page.locator(".tds-kept:not(.tds-c-shifted)").count() == 0 and _hash(page) == "#only=2"
    page.locator(".tds-legend button", has_text=re.compile("^shifted")).click()
    expect(page.locator(".tds-faded")).to_have_count(0)


def test_the_numbers_at_a_token_are_the_databases(reader: Watched, rich: Path) -> None:
    con = query.connect(rich.parent / "made.duckdb")
    sql = "SELECT base_rank, aligned_rank, kl_aligned_base, delta_logprob, js FROM tds JOIN prompt USING (prompt_id) WHERE comparison_id = 'c-1' AND ordinal = 1 AND pos = 2"
    rank, aligned, kl, delta, js = con.execute(sql).fetchall()[0]
    page = reader.open("examples/c-1/1.html#t2")
    facts = page.locator(".tds-side-facts").all_inner_texts()
    assert [f.split(" ·")[0] for f in facts] == [f"rank {rank}", f"rank {aligned}"]
    shown = page.locator(".tds-facts dd").all_inner_texts()
    assert [
        abs(float(text.split()[0].replace("−", "-")) - x) < 2e-3
        for text, x in zip((shown[0], shown[1], shown[3]), (delta, kl, js), strict=True)
    ] == [True] * 3
    first = page.locator(".tds-side").first.locator(".tds-p").all_inner_texts()
    assert first[:3] == ["50.0 %", "25.0 %", "12.5 %"] and page.locator(".tds-own").count() == 2
    widths = (
        page.locator(".tds-side")
        .first.locator(".tds-p-bar")
        .evaluate_all("bars => bars.map(b => b.getBoundingClientRect())")
    )
    assert len({round(w["x"]) for w in widths}) == 1 and widths[0]["width"] == pytest.approx(
        2 * widths[1]["width"], rel=0.05
    )


def test_what_the_base_would_have_written(reader: Watched) -> None:
    page = reader.open("examples/c-1/1.html#t1")
    assert page.locator(".tds-gone").inner_text().startswith(synthetic.HOSTILE[0])
    page.keyboard.press("End")
    expect(page.locator(".tds-gone")).to_have_count(0)
    reader.open("examples/c-2/1.html#t1")
    expect(page.locator(".tds-gone")).to_have_count(0)


def test_every_condition_side_by_side(reader: Watched) -> None:
    """The further ones come from a second script when asked; a link brings them back; checks of arithmetic are none."""
    page = reader.open("examples/c-1/1.html#t2")
    assert page.evaluate("window.tdsExampleMore === undefined")
    page.locator(".tds-with summary").click()
    names = page.locator(".tds-with-list label").all_inner_texts()
    assert len(names) == 6 and not any("rebatched" in name for name in names)
    page.locator(".tds-with-list input[value='base·chat']").check()
    expect(page.locator(".tds-side")).to_have_count(3)
    page.locator(".tds-with-list input[value='base·plain']").uncheck()
    expect(page.locator(".tds-side h3")).to_have_text(["sft·chat aligned", "base·chat"])
    again = reader.open("examples/c-1/1.html" + _hash(page))
    expect(again.locator(".tds-side h3")).to_have_text(["sft·chat aligned", "base·chat"])
    again.keyboard.press("Escape")
    again.keyboard.press("ArrowRight")
    expect(again.locator(".tds-side")).to_have_count(2)


def test_keys(reader: Watched) -> None:
    page = reader.open("examples/c-1/2.html")
    for key, state in (
        ("c", "#by=rank"),
        ("ArrowRight", "#t0&by=rank"),
        ("End", None),
        ("Home", "#t0&by=rank"),
        ("c", "#t0&by=kl"),
    ):
        page.keyboard.press(key)
        assert state is None or _hash(page) == state
    page.keyboard.press("?")
    expect(page.locator("dialog[open]")).to_contain_text("previous and next example")
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)
    assert _hash(page) == "#t0&by=kl"
    page.keyboard.press("o")
    page.wait_for_url(re.compile(r"c-2/2\.html"))
    assert _hash(page) == "#t0&by=kl"
    page.keyboard.press("]")
    page.wait_for_url(re.compile(r"c-2/3\.html"))
    assert _hash(page) == "#by=kl"
    page.keyboard.press("[")
    page.wait_for_url(re.compile(r"c-2/2\.html"))


def test_neighbours_in_the_order_of_the_table(reader: Watched) -> None:
    page = reader.open("examples.html#comparison=c-1&sort=kl")
    order = page.locator(".tds-table tbody a").evaluate_all("links => links.map(a => a.getAttribute('href'))")
    page.locator(".tds-table tbody a").nth(1).click()
    page.wait_for_url(re.compile(re.escape(order[1])))
    expect(page.locator(".tds-order")).to_contain_text("2 of 24 in the table, sorted by mean kl")
    page.keyboard.press("]")
    page.wait_for_url(re.compile(re.escape(order[2])))
    page.keyboard.press("[")
    page.wait_for_url(re.compile(re.escape(order[1])))


def test_the_profile_is_a_way_to_a_token(lengthy: Path, browser: Browser) -> None:
    watched = Watched(browser, lengthy.as_uri() + "/")
    page = watched.open("examples/long/2.html")
    strip = page.locator(".tds-strip")
    box = strip.bounding_box()
    assert box and strip.locator("path").count() <= 6
    page.mouse.click(box["x"] + box["width"] * 0.9005, box["y"] + 10)
    assert _hash(page) == "#t900"
    expect(page.locator("[data-t='900']")).to_be_in_viewport()
    box = strip.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.3005, box["y"] + 10, steps=4)
    page.mouse.up()
    assert _hash(page) == "#t300" and strip.get_attribute("aria-valuenow") == "300"
    expect(page.locator("[data-t='300']")).to_be_in_viewport()
    watched.context.close()
    assert watched.faults == []


@pytest.mark.parametrize("clipboard", [True, False])
def test_copies(reader: Watched, rich: Path, clipboard: bool) -> None:
    """What is copied is valid JSON, and SQL that returns the position and the answer; without a clipboard it can be selected."""
    write = "async text => { window.copied = text; }" if clipboard else "async () => { throw new Error('no'); }"
    reader.page.add_init_script(
        f"Object.defineProperty(navigator, 'clipboard', {{ value: {{ writeText: {write} }} }})"
    )
    page = reader.open("examples/c-1/1.html#t2")
    out = []
    for place in (".tds-panel", ".tds-tools"):
        for kind in ("JSON", "SQL"):
            page.locator(f"{place} .tds-copy button", has_text=kind).click()
            if clipboard:
                expect(page.locator(".tds-status")).to_contain_text(kind)
                out.append(str(page.evaluate("window.copied")))
            else:
                out.append(page.locator("dialog textarea").input_value())
                assert page.evaluate("getSelection().toString() || document.activeElement.value") == out[-1]
                page.keyboard.press("Escape")
    position, row, answer, rows = out
    con = query.connect(rich.parent / "made.duckdb")
    assert json.loads(position)["pos"] == 2 and len(json.loads(position)["conditions"]) == 2
    assert rows_of(con, row).num_rows == 1
    assert rows_of(con, rows).num_rows == len(json.loads(answer)["positions"])
    assert json.loads(answer)["text"] == synthetic.HOSTILE[1] + " let"


def test_the_answer_reads_as_text(lengthy: Path, browser: Browser) -> None:
    """Lines as they are, code in its own type, no space that was not written; one token alone is a control."""
    watched = Watched(browser, lengthy.as_uri() + "/")
    page = watched.open("examples/long/1.html")
    text = page.locator("#answer").evaluate("a => a.textContent")
    assert text == page.evaluate("window.tdsExample.text")
    assert page.locator("#answer").evaluate("a => [...a.childNodes].every(n => n.nodeType === 1)")
    code = "".join(page.locator(".tds-code").all_text_contents())
    assert code.startswith("```\n") and code.rstrip("\n").endswith("```")
    assert page.locator("#answer [tabindex]").count() == page.locator("#answer [role=button]").count() == 1
    watched.context.close()


def test_a_page_weighs_a_fifteenth_of_the_reference(lengthy: Path) -> None:
    """AlignTDS writes 0.90 GB for 1,000 answers of 336 tokens: 900 kB a page."""
    page = lengthy / "examples" / "long" / "1.html"
    assert page.stat().st_size + page.with_suffix(".js").stat().st_size <= 900_000 / 15
    longer = page.with_name("2.html")
    grown = (longer.stat().st_size + longer.with_suffix(".js").stat().st_size) / (
        page.stat().st_size + page.with_suffix(".js").stat().st_size
    )
    assert grown < 1000 / 336


def test_a_thousand_tokens_are_there_at_once(lengthy: Path, browser: Browser) -> None:
    """From the page's first script to the last token drawn and laid out, and a step, a colouring and a filter each."""
    watched = Watched(browser, lengthy.as_uri() + "/")
    best = dict.fromkeys(("ready", "step", "colour", "filter"), 1e9)
    for _ in range(4):  # the best of four: other tests run beside this one
        if max(best.values()) < 300:
            break
        page = watched.open("examples/long/2.html")
        ready = "(() => { document.body.offsetHeight; const at = n => performance.getEntriesByName(n)[0].startTime; return at('tds-ready') - at('tds-start'); })()"
        took = {"ready": page.evaluate(ready)}
        press = "key => { const t = performance.now(); document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true })); document.body.offsetHeight; return performance.now() - t; }"
        took |= {"step": page.evaluate(press, "n"), "colour": page.evaluate(press, "c")}
        click = "() => { const t = performance.now(); document.querySelector('.tds-legend button').click(); document.body.offsetHeight; return performance.now() - t; }"
        took["filter"] = page.evaluate(click)
        best = {name: min(best[name], took[name]) for name in best}
    assert page.locator(".tds-t").count() == 1000 and max(best.values()) < 300, best
    watched.context.close()
    assert watched.faults == []


def test_print_is_the_prompt_and_the_answer(reader: Watched) -> None:
    page = reader.open("examples/c-1/1.html#t2&by=kl")
    page.emulate_media(media="print", color_scheme="dark")
    for chrome in (".md-header", ".tds-tools", ".tds-strip", ".tds-panel", ".tds-near"):
        expect(page.locator(chrome)).to_be_hidden()
    expect(page.locator("h1.tds-prompt")).to_be_visible()
    styles = page.locator(".tds-t.tds-c-shifted").first.evaluate("s => getComputedStyle(s).borderBottom")
    assert styles.startswith("3px solid")


@pytest.mark.parametrize(("width", "scale"), [(360, 1.0), (640, 2.0)])
def test_narrow_windows_and_zoom(rich: Path, browser: Browser, width: int, scale: float) -> None:
    """360 pixels by touch, and 1280 at 200 %: nothing is cut, the chosen token stands above the panel."""
    context = browser.new_context(viewport={"width": width, "height": 700}, device_scale_factor=scale, has_touch=True)
    page = context.new_page()
    page.goto(rich.as_uri() + "/examples/c-1/4.html#with=" + ",".join(("base·plain", "sft·chat", "base·chat")))
    page.locator("[data-t='6']").tap()
    panel, token = page.locator("#panel").bounding_box(), page.locator("[data-t='6']").bounding_box()
    assert panel and token and token["y"] + token["height"] <= panel["y"]
    page.locator(".tds-walk button").nth(1).tap()
    expect(page.locator("#panel")).to_contain_text("position 7 of")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator(".tds-close").tap()
    expect(page.locator("#panel")).to_be_hidden()
    expect(page.locator("[data-t='7']")).to_be_focused()
    context.close()


def test_reduced_motion(rich: Path, browser: Browser) -> None:
    page = browser.new_context(reduced_motion="reduce").new_page()
    page.goto(rich.as_uri() + "/examples/c-1/1.html")
    moving = "[...document.querySelectorAll('.tds-example *')].filter(n => !['0s', ''].includes(getComputedStyle(n).transitionDuration)).length"
    assert page.evaluate(moving) == 0


def test_one_act_shows_exactly_what_both_models_read(reader: Watched, rich: Path) -> None:
    """By keyboard; hostile texts as they are; special tokens marked where the record says they stand."""
    con = query.connect(rich.parent / "made.duckdb")
    sql = """SELECT opening || reading.text || closing FROM reading JOIN condition USING (condition_id)
             JOIN prompt USING (prompt_id) WHERE ordinal = ? AND condition_id = ?"""
    for ordinal in range(1, len(synthetic.HOSTILE) + 1):
        page = reader.open(f"examples/c-1/{ordinal}.html")
        assert page.locator(".tds-read").count() == 0
        page.locator("#before summary").focus()
        page.keyboard.press("Enter")
        expect(page.locator(".tds-read pre")).to_have_count(2)
        shown = page.locator(".tds-read code").evaluate_all("codes => codes.map(code => code.textContent)")
        read = [con.execute(sql, [ordinal, name]).fetchall()[0][0] for name in ("base·plain", "sft·chat")]
        assert shown == read and all(text.startswith("<s>Q: ") for text in read)
        assert page.locator("mark.tds-special").all_inner_texts() == ["<s>", "<s>"]
        assert page.locator("#before").evaluate("box => box.querySelectorAll('img, b, a').length") == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_both_models_read_fits_a_narrow_page_and_is_legible(rich: Path, browser: Browser, scheme: str) -> None:
    with serve(rich) as address:
        for width, columns in ((1280, 2), (390, 1)):
            _legible(Watched(browser, f"{address}/", width=width, scheme=scheme), width, columns)


def _legible(watched: Watched, width: int, columns: int) -> None:
    page = watched.open("examples/c-1/1.html")
    page.locator("#before summary").click()
    expect(page.locator(".tds-read")).to_have_count(2)
    lefts = page.locator(".tds-read").evaluate_all("boxes => boxes.map(b => Math.round(b.getBoundingClientRect().x))")
    assert len(set(lefts)) == columns and page.evaluate("document.documentElement.scrollWidth") <= width
    for what in ("mark.tds-special", ".tds-read code", ".tds-read p", "#before summary"):
        assert page.locator(what).first.evaluate(CONTRAST) >= 4.5, what
    page.wait_for_function("document.getAnimations().every(a => a.playState !== 'running')")
    assert [fault["id"] for fault in Axe().run(page).response["violations"]] == []
    page.locator("#before summary").click()
    expect(page.locator(".tds-reads")).to_be_hidden()
    watched.context.close()
    assert watched.faults == []
