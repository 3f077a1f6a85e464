"""A mark of a figure leads to the examples that it stands for, by mouse and by keyboard."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tds_atlas.report import query
from tests.site.conftest import Watched

ON_CURVE = """([selector, part]) => {
  const path = document.querySelector(selector);
  const place = path.getPointAtLength(path.getTotalLength() * part).matrixTransform(path.getScreenCTM());
  return [place.x, place.y];
}"""


def _asked(page: Page) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(page.url).fragment).items()}


def _examples(made: Path, asked: dict[str, str]) -> int:
    """How many answers have a shifted token like that."""
    tests = {"role": "role = $role", "position": "segment = 'answer' AND segment_pos = $position::INT"}
    where = "".join(f" AND {test}" for key, test in tests.items() if key in asked)
    sql = f"""SELECT count(DISTINCT response_id) FROM tds JOIN comparison USING (comparison_id)
        WHERE label = $comparison AND shift = 'shifted'{where}"""
    with closing(query.connect(made / "made.duckdb")) as con:
        return int(con.execute(sql, asked).fetchall()[0][0])


def _arrived(page: Page, made: Path) -> dict[str, str]:
    """What the table of examples was asked for; it shows the right number of them."""
    page.wait_for_url(re.compile(r"examples\.html#"))
    asked = _asked(page)
    expect(page.locator(".tds-count")).to_have_text(re.compile(rf"^{_examples(made, asked)} of "))
    return asked


def test_a_mark_of_a_role_and_a_place_on_a_curve_open_their_examples(watch: Watched, made_project: Path) -> None:
    page = watch.open("findings/what.html")
    page.locator("[data-chart=shift_by_role].tds-drawn svg .mark-symbol path").first.click()
    assert _arrived(page, made_project).keys() == {"comparison", "role"}
    page = watch.open("findings/where.html")
    chart = page.locator("[data-chart=shift_by_position].tds-drawn")
    chart.scroll_into_view_if_needed()
    x, y = page.evaluate(ON_CURVE, ["[data-chart=shift_by_position] svg .mark-line path", 0.4])
    page.mouse.move(x, y)
    expect(chart.locator(".tds-live")).to_have_css("cursor", "pointer")
    page.mouse.click(x, y)
    assert 0 < int(_arrived(page, made_project)["position"]) < 96


@pytest.mark.parametrize(
    ("path", "figure", "key"), [("where", "shift_by_position", "position"), ("what", "shift_by_role", "role")]
)
def test_the_rows_under_a_figure_are_links_for_the_keyboard(
    watch: Watched, made_project: Path, path: str, figure: str, key: str
) -> None:
    page = watch.open(f"findings/{path}.html")
    block = page.locator(f"#{figure}")
    block.locator("summary").first.press("Enter")
    link = block.locator("tbody tr").nth(3).locator("a")
    wanted = dict(
        zip(
            block.locator("th").all_inner_texts(),
            block.locator("tbody tr").nth(3).locator("td").all_inner_texts(),
            strict=True,
        )
    )
    link.press("Enter")
    asked = _arrived(page, made_project)
    assert (asked["comparison"], asked[key]) == (wanted["comparison"], wanted[key])


def test_a_word_opens_its_lines(watch: Watched) -> None:
    page = watch.open("findings/what.html")
    block = page.locator("#shifted_words")
    block.locator("summary").first.press("Enter")
    block.locator("tbody a").first.press("Enter")
    page.wait_for_url(re.compile(r"words\.html#"))
    expect(page.locator(".tds-kwic-head").first).to_be_visible()
