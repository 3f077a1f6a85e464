"""What the scripts make of ranks: classes, their counts and colours, steps of scales, and arrows, against the database.

The synthetic report has ranks on both sides of every bound: 1, 2, 3, 4 and 9.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from playwright.sync_api import Browser, Page

from tds_atlas.report import query
from tests.site.conftest import Watched, watching

CLASSES = ("unshifted", "marginal", "shifted")
ORDINALS = (1, 2, 5, 6)


@pytest.fixture(scope="module")
def con(site: Path) -> duckdb.DuckDBPyConnection:
    return query.connect(site.parents[2] / "made.duckdb")


@pytest.fixture
def reader(site: Path, browser: Browser) -> Iterator[Watched]:
    yield from watching(browser, site.as_uri() + "/")


def base_ranks(con: duckdb.DuckDBPyConnection, ordinal: int) -> list[int]:
    """Straight from the table of scores: no view, no macro."""
    sql = """SELECT rank FROM score JOIN response USING (response_id) JOIN prompt USING (prompt_id)
             WHERE ordinal = $n AND score.condition_id = 'base·plain' ORDER BY pos"""
    return [rank for (rank,) in con.execute(sql, {"n": ordinal}).fetchall()]


def named(rank: int) -> str:
    return CLASSES[(rank > 1) + (rank > 3)]


def shares(page: Page) -> dict[str, str]:
    """The legend: what each step is called, and its share as written."""
    lines = page.locator(".tds-legend button").all_inner_texts()
    return {line.rsplit(None, 2)[0].strip(): " ".join(line.split()[-2:]) for line in lines}


def test_the_report_has_a_rank_on_each_side_of_each_bound(con: duckdb.DuckDBPyConnection) -> None:
    assert {rank for ordinal in ORDINALS for rank in base_ranks(con, ordinal)} == {1, 2, 3, 4, 9}


@pytest.mark.parametrize("ordinal", ORDINALS)
def test_an_example_page_colours_and_counts_by_class(
    reader: Watched, con: duckdb.DuckDBPyConnection, ordinal: int
) -> None:
    ranks = base_ranks(con, ordinal)
    page = reader.open(f"examples/c-1/{ordinal}.html")
    spans = [
        re.findall(r"tds-c-(\w+)", name)
        for name in page.evaluate("[...document.querySelectorAll('.tds-t')].map(s => s.className)")
    ]
    assert spans == [[named(rank)] for rank in ranks]
    counts = Counter(map(named, ranks))
    assert shares(page) == {name: f"{100 * counts[name] / len(ranks):.1f} %" for name in CLASSES}
    page.locator(".tds-segments [data-by=rank]").click()
    bounds = {
        "1": (1, 1),
        "2–3": (2, 3),
        "4–10": (4, 10),
        "11–100": (11, 100),
        "101–1,000": (101, 1000),
        "over 1,000": (1001, 10**9),
    }
    steps = {name: sum(low <= rank <= high for rank in ranks) for name, (low, high) in bounds.items()}
    assert shares(page) == {name: f"{100 * n / len(ranks):.1f} %" for name, n in steps.items()}
    profile = page.locator(".tds-strip path").count()
    assert profile == sum(n > 0 for n in steps.values())


def test_the_way_to_the_next_shifted_token(reader: Watched, con: duckdb.DuckDBPyConnection) -> None:
    ranks = base_ranks(con, 1)
    page = reader.open("examples/c-1/1.html#t0")
    found = []
    for _ in range(sum(rank > 3 for rank in ranks[1:])):
        page.keyboard.press("n")
        found.append(int(page.evaluate("location.hash").removeprefix("#t")))
        assert page.locator(".tds-panel-head .tds-key").inner_text() == "shifted"
    assert found == [t for t, rank in enumerate(ranks) if t > 0 and rank > 3]
    page.keyboard.press("n")
    assert page.evaluate("location.hash") == f"#t{found[-1]}"
    page.keyboard.press("p")
    assert page.evaluate("location.hash") == f"#t{found[-2]}"


def test_arrows_point_where_a_candidate_went(reader: Watched, con: duckdb.DuckDBPyConnection) -> None:
    """Up where the aligned model lists a token before its place in the base's list."""
    sql = """SELECT pos, s.condition_id, top_ids FROM score s JOIN response USING (response_id) JOIN prompt USING (prompt_id)
             WHERE ordinal = 1 AND s.condition_id IN ('base·plain', 'sft·chat') AND pos < 8"""
    lists: dict[int, dict[str, list[int]]] = {}
    for pos, name, ids in con.execute(sql).fetchall():
        lists.setdefault(pos, {})[name] = ids
    seen = Counter[str]()
    page = reader.open("examples/c-1/1.html")
    for pos, both in lists.items():
        page.evaluate(f"location.hash = '#t{pos}'")
        page.wait_for_function(f"document.querySelector('.tds-at')?.textContent.startsWith('position {pos} ')")
        places = {token: place for place, token in enumerate(both["base·plain"])}
        steps = [places[token] - place for place, token in enumerate(both["sft·chat"])]
        shown = (
            page.locator(".tds-side")
            .nth(1)
            .locator(".tds-candidates li:not(.tds-below) .tds-moved")
            .all_text_contents()
        )
        assert shown == ["" if by == 0 else f"↑{by}" if by > 0 else f"↓{-by}" for by in steps]
        assert page.locator(".tds-side").nth(0).locator("li:not(.tds-below) .tds-moved").count() == 0
        seen.update(text[:1] for text in shown)
    assert seen["↑"] and seen["↓"]


@pytest.mark.parametrize(
    ("column", "name", "sql"),
    [
        (3, "Shifted", "count(*) FILTER (rank > 3) / count(*)"),
        (4, "Marginal", "count(*) FILTER (rank IN (2, 3)) / count(*)"),
    ],
)
def test_the_table_of_examples_sorts_as_its_arrow_says(
    reader: Watched, con: duckdb.DuckDBPyConnection, column: int, name: str, sql: str
) -> None:
    query = f"""SELECT ordinal, {sql} FROM score JOIN response USING (response_id) JOIN prompt USING (prompt_id)
                WHERE score.condition_id = 'base·plain' GROUP BY ordinal"""
    wanted = dict(con.execute(query).fetchall())
    page = reader.open("examples.html#comparison=c-1")
    for arrow, state, down in (("↓", "descending", True), ("↑", "ascending", False)):
        page.locator(".tds-rows th button").nth(column).click()
        head = page.locator(".tds-rows th").nth(column)
        assert head.inner_text().endswith(arrow) and head.get_attribute("aria-sort") == state
        rows = page.locator(".tds-rows tbody tr").all()
        shown = [
            (row.locator("a").first.get_attribute("href"), row.locator("td").nth(column).inner_text()) for row in rows
        ]
        assert len(shown) > 5
        values = [wanted[int(re.findall(r"/(\d+)\.html", str(href))[0])] for href, _ in shown]
        assert values == sorted(values, reverse=down) and values[0] != values[-1]
        assert [text.split()[0] for _, text in shown] == [f"{100 * value:.1f}" for value in values]
