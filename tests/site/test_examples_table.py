"""The table of examples: three thousand rows at once, every filter and order, its state in the address, a phone."""

from __future__ import annotations

import itertools
import json
import random
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tds_atlas.report.examples.pages import index_data
from tds_atlas.report.examples.shifted import shifted_data
from tds_atlas.report.markup import inline_json
from tests.site.conftest import Watched

PRESS = """([selector, value]) => {
  const node = document.querySelector(selector), t = performance.now();
  if (value === null) node.click();
  else { node.value = value; node.dispatchEvent(new Event(node.tagName === 'SELECT' ? 'change' : 'input', { bubbles: true })); }
  document.body.offsetHeight;
  return performance.now() - t;
}"""


def examples(n: int = 3000) -> list[dict[str, Any]]:
    """Made-up rows of three comparisons over the same prompts."""
    rng, rows = random.Random(0), []
    for i in range(n):
        ordinal, tokens = i % (n // 3) + 1, rng.randrange(20, 1000)
        shifted, marginal = rng.randrange(tokens // 4), rng.randrange(tokens // 4)
        rows.append(
            {
                "comparison_id": f"c-{i * 3 // n + 1}",
                "label": f"base → {i * 3 // n + 1} <i>",
                "ordinal": ordinal,
                "prompt_id": f"p{ordinal}",
                "prompt": f"Prompt {ordinal}: "
                + " ".join(rng.choices(["what", "is", "the", "old", "quiet", "harbour", "of", "a", "town"], k=14)),
                "answer": " ".join(
                    rng.choices(["it", "stands", "on", "the", "river", "and", "the", "ferry", "goes"], k=60)
                ),
                "response_id": f"r{i}",
                "turns": 1 + ordinal % 4,
                "page": f"{ordinal}",
                "number": 1 + i % 3,
                "answers": 3,
                "sample": [None, "2", "chosen"][i % 3],
                "segments": [["answer"], ["answer", "thinking"], ["answer", "tool call"]][i % 4 % 3],
                "tasks": [rng.choice(["info-seek", "advice"])],
                "topics": [rng.choice(["places", "people", "a|b"])],
                "harmful": ordinal % 7 == 0,
                "finish": rng.choice(["stop", "length"]),
                "n_tokens": tokens,
                "unshifted_share": (tokens - shifted - marginal) / tokens,
                "marginal_share": marginal / tokens,
                "shifted_share": shifted / tokens,
                "mean_kl_aligned_base_nats": rng.expovariate(2),
                "mean_delta_logprob_nats": None if i % 50 == 0 else rng.gauss(0.5, 1),
                "max_base_rank": rng.randrange(1, 5000),
                "first_shifted_pos": rng.randrange(30) if shifted else None,
                "roles": sorted(rng.sample(["content", "glue", "style"], k=i % 3)),
                "places": sorted(rng.sample(range(96), k=i % 7)),
            }
        )
    return rows


ROWS = examples()


@pytest.fixture
def table(watch: Watched) -> Iterator[Page]:
    """The table of the built site with three thousand rows in the place of its own."""
    scripts = {
        "index": f"window.tdsExamples={inline_json(index_data(ROWS, range(10_000)))};",
        "shifted": f"window.tdsShifted={inline_json(shifted_data(ROWS))};",
    }
    for name, script in scripts.items():
        answer = partial(_script, script)
        watch.page.route(re.compile(rf"examples/{name}\.js$"), answer)
    page = watch.open("examples.html")
    expect(page.locator(".tds-count")).to_have_text("3,000 of 3,000 examples")
    yield page


def _script(text: str, route: Route) -> None:
    route.fulfill(body=text, content_type="text/javascript")


def _open(page: Page, fragment: str) -> None:
    page.evaluate("f => { location.hash = f; }", fragment)
    page.wait_for_function("f => location.hash === f", arg=fragment)


def _found(page: Page) -> int:
    return int(page.locator(".tds-count").inner_text().split(" of ")[0].replace(",", ""))


def test_three_thousand_rows_are_instant(table: Page) -> None:
    best: dict[str, float] = {}
    for _ in range(3):
        for selector, value in (
            ("th:nth-child(6) button", None),
            ("th:nth-child(1) button", None),
            (".tds-filters input", "harbour ferry"),
            (".tds-filters input", ""),
            ("select[name=task]", "advice"),
            ("select[name=task]", ""),
        ):
            took = float(table.evaluate(PRESS, [selector, value]))
            key = f"{selector} {value}"
            best[key] = min(best.get(key, 1e9), took)
    assert max(best.values()) < 100, best


def test_rows_are_drawn_in_a_window(table: Page) -> None:
    """Few rows at a time, the right ones wherever one scrolls, and the page as tall as all of them."""
    rows = table.locator(".tds-table tbody tr")
    assert rows.count() < 60
    tall = float(table.evaluate("document.querySelector('.tds-pane').getBoundingClientRect().height"))
    row = float(rows.first.evaluate("r => r.getBoundingClientRect().height"))
    assert (
        tall == pytest.approx(3000 * row, rel=0.01) and table.locator("table").get_attribute("aria-rowcount") == "3001"
    )
    table.evaluate("f => scrollTo(0, document.querySelector('.tds-pane').offsetTop + f)", 1500 * row)
    expect(table.locator("tr[aria-rowindex='1505']")).to_be_in_viewport()
    assert rows.count() < 60
    table.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(table.locator("tr[aria-rowindex='3001']")).to_have_count(1)


FILTERS: list[tuple[str, Callable[[dict[str, Any]], bool]]] = [
    ("kl=0.5..1", lambda e: 0.5 <= round(e["mean_kl_aligned_base_nats"], 3) <= 1),
    ("shifted=10..", lambda e: round(100 * e["shifted_share"], 6) >= 10),
    (
        "delta=..-0.5",
        lambda e: e["mean_delta_logprob_nats"] is not None and round(e["mean_delta_logprob_nats"], 3) <= -0.5,
    ),
    ("tokens=100..200&rank=1..1000", lambda e: 100 <= e["n_tokens"] <= 200 and e["max_base_rank"] <= 1000),
    ("turns=3..", lambda e: e["turns"] >= 3),
    ("first=3..5", lambda e: e["first_shifted_pos"] in (3, 4, 5)),
    ("sample=chosen", lambda e: e["sample"] == "chosen"),
    ("sample=1&segment=thinking", lambda e: e["sample"] is None and "thinking" in e["segments"]),
    ("segment=none", lambda e: e["segments"] == ["answer"]),
    ("role=style", lambda e: "style" in e["roles"]),
    ("position=0", lambda e: 0 in e["places"]),
    ("position=95&role=glue", lambda e: 95 in e["places"] and "glue" in e["roles"]),
    ("position=47&comparison=base+%E2%86%92+2+%3Ci%3E", lambda e: 47 in e["places"] and e["comparison_id"] == "c-2"),
    ("harm=true&finish=length", lambda e: e["harmful"] and e["finish"] == "length"),
    (
        "task=advice&topic=a%7Cb&comparison=c-2",
        lambda e: e["tasks"] == ["advice"] and e["topics"] == ["a|b"] and e["comparison_id"] == "c-2",
    ),
]
ORDERS = {
    "shifted": "shifted_share",
    "kl": "mean_kl_aligned_base_nats",
    "tokens": "n_tokens",
    "first": "first_shifted_pos",
    "rank": "max_base_rank",
    "delta": "mean_delta_logprob_nats",
}


def test_filters_against_a_slow_version(table: Page) -> None:
    """One after another. Tags and `harmful` are those of a prompt's first row: pages of one prompt share them."""
    first: dict[str, dict[str, Any]] = {}
    for e in ROWS:
        first[e["prompt_id"]] = e
    shared = [e | {k: first[e["prompt_id"]][k] for k in ("tasks", "topics", "harmful")} for e in ROWS]
    counts = [sum(bool(keep(e)) for e in shared) for _, keep in FILTERS]
    assert all(a != b for a, b in itertools.pairwise(counts)), "what was found before would pass"
    for (fragment, _), count in zip(FILTERS, counts, strict=True):
        _open(table, "#" + fragment)
        expect(table.locator(".tds-count"), fragment).to_have_text(re.compile(f"^{count:,} of "))


def test_orders(table: Page) -> None:
    """The session's order, which example pages follow, is that of the numbers; rows without one come last."""
    for key, value, down in ((key, value, down) for down in (1, 0) for key, value in ORDERS.items()):
        _open(table, f"#sort={key}&down={down}")
        table.wait_for_timeout(50)
        kept = json.loads(table.evaluate("Object.entries(sessionStorage).find(([k]) => k.startsWith('tds-order:'))[1]"))
        by_name = {f"{e['comparison_id']}/{e['ordinal']}": e[value] for e in ROWS}
        values = [by_name[name] for name in kept["order"]]
        known = [v for v in values if v is not None]
        assert len(values) == 3000 and values[len(known) :] == [None] * (3000 - len(known)), (key, down)
        assert all((a - b) * (1 if down else -1) >= -0.001 for a, b in itertools.pairwise(known)), (key, down)


def test_a_range_is_set_seen_kept_and_taken_away(table: Page) -> None:
    table.locator("select[name=number]").select_option("tokens")
    table.locator("input[name=from]").fill("900")
    assert table.evaluate("location.hash") == "#tokens=900.."
    wanted = sum(e["n_tokens"] >= 900 for e in ROWS)
    assert _found(table) == wanted
    table.locator("select[name=number]").select_option("kl")
    table.locator("input[name=to]").fill("0.2")
    assert _found(table) < wanted
    table.reload()
    assert 0 < _found(table) < wanted
    expect(table.locator(".tds-chip")).to_have_text(
        ["Tokens: at least 900", "Mean KL(aligned‖base), nats: at most 0.2"]
    )
    table.locator(".tds-chip").last.click()
    assert _found(table) == wanted


def test_nothing_found_is_said(table: Page) -> None:
    table.locator(".tds-filters input").fill("nosuchword")
    expect(table.locator(".tds-count")).to_have_text("0 of 3,000 examples")
    expect(table.locator(".tds-table tbody tr")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_the_bar_is_whole(browser: Browser, site: Path, scheme: str) -> None:
    watched = Watched(browser, site.as_uri() + "/", 390, scheme)
    page = watched.open("examples.html#sort=kl")
    bars = page.locator(".tds-table tbody tr .tds-bar")
    for box in (bars.nth(0).bounding_box(), bars.nth(2).bounding_box()):
        assert box and box["width"] > 150 and box["x"] >= 0 and box["x"] + box["width"] <= 390
    row = page.locator(".tds-table tbody tr").first
    assert row.evaluate(
        "r => [...r.querySelectorAll('a, .tds-bar')].every(n => n.getBoundingClientRect().bottom <= r.getBoundingClientRect().bottom + 1)"
    )
    expect(row).to_contain_text("Mean KL")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    watched.context.close()
    assert watched.faults == []


def test_its_data_is_compact() -> None:
    """What three thousand rows weigh, the words to search for left out: under 60 bytes a row."""
    data = index_data(ROWS, range(10_000))
    numbers = data | {"prompts": data["prompts"] | {"text": []}, "answers": data["answers"] | {"text": []}}
    assert len(inline_json(numbers)) < 60 * len(ROWS)


def test_a_row_beyond_the_cap_is_no_link(watch: Watched) -> None:
    """Its numbers are there; the order that example pages follow passes it by."""
    script = f"window.tdsExamples={inline_json(index_data(ROWS, {2, 3}))};"
    watch.page.route(
        re.compile(r"examples/index\.js$"), lambda route: route.fulfill(body=script, content_type="text/javascript")
    )
    page = watch.open("examples.html#comparison=c-1")
    names = page.locator(".tds-table tbody tr td:first-child a")
    expect(names.nth(0)).not_to_have_attribute("href", re.compile("."))
    expect(names.nth(1)).to_have_attribute("href", "examples/c-1/2.html")
    kept = json.loads(
        page.evaluate("sessionStorage.getItem(Object.keys(sessionStorage).find(k => k.startsWith('tds-order')))")
    )
    assert kept["order"] == ["c-1/2", "c-1/3"]
