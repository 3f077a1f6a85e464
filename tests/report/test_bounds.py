"""A report in which lists are all that is known of one model: nothing that is only bounded is shown as a number, nowhere
as zero, and every page says so."""

from __future__ import annotations

import html
import json
import re
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from tds_atlas.report import query
from tds_atlas.report.examples.pages import write_examples
from tests.report import synthetic
from tests.report.sheets import FINDINGS, pages
from tests.report.test_example_data import unpacked

BOUNDED = """
    UPDATE divergence SET
        js_lower = 0.9 * js, js_upper = least(1.1 * js, ln(2)), js = NULL, clamped = NULL,
        kl_aligned_base_lower = 0.8 * kl_aligned_base, kl_aligned_base = NULL,
        kl_base_aligned_lower = 0.7 * kl_base_aligned, kl_base_aligned = NULL
    WHERE comparison_id = $1;
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """A folder with the database, its pages and, of its first comparison, the id and the label."""
    folder = tmp_path_factory.mktemp("bounded")
    database = synthetic.write(folder / "made.duckdb", rich=True, noise=True, further=True)
    with duckdb.connect(str(database)) as con:
        kinds = (
            "SELECT comparison_id, label, aligned_condition_id FROM comparison WHERE kind = 'tuning' ORDER BY ordinal"
        )
        ((name, label, aligned), *_) = con.execute(kinds).fetchall()
        con.execute(BOUNDED, [name])
        con.execute("UPDATE score SET entropy_lower = 0.9 * entropy, entropy = NULL WHERE condition_id = $1", [aligned])
    for file, page in pages(database, "method.md", *FINDINGS).items():
        (folder / "docs" / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / "docs" / file).write_text(page, encoding="utf-8")
    with closing(query.connect(database)) as con:
        examples = [row for row in query.rows(con, "pages/examples") if row["comparison_id"] == name]
        assert [*write_examples(con, folder / "docs" / "examples", examples)]
    return folder, name, label


def test_every_finding_says_what_is_bounded_and_no_page_shows_what_is_not_known(made: tuple[Path, str, str]) -> None:
    folder, _, label = made
    pages = [folder / "docs/index.md", folder / "docs/method.md", *(folder / "docs/findings").glob("*.md")]
    for page in pages:
        text = html.unescape(page.read_text(encoding="utf-8"))
        assert not re.search(r"\b(None|nan|NaN)\b", text), page
        if page.name != "method.md":
            assert "<b>Bounds.</b>" in text and label in text, page


def test_figures_of_divergences_leave_out_what_is_bounded(made: tuple[Path, str, str]) -> None:
    folder, name, label = made
    con = query.connect(folder / "made.duckdb")
    for figure in (
        "divergence_means",
        "kl_distribution",
        "kl_concentration",
        "kl_in_first",
        "forking_overlap",
        "kl_by_position",
    ):
        shown = {row["comparison"] for row in query.rows(con, f"figures/{figure}")}
        assert label not in shown, figure
    assert label in {row["comparison"] for row in query.rows(con, "figures/rank_distribution")}
    kept = [r for r in query.rows(con, "figures/changed_shares") if r["comparison"] == label]
    assert kept and all(row["measure"] != "JS > 0.1" for row in kept)
    for question in ("js_above_a_tenth", "who_is_surer", "paired_difference"):
        found = query.rows(con, f"cookbook/{question}")
        assert name not in {value for row in found for value in row.values()}, question


def test_the_headline_is_the_interval_of_the_mean_js(made: tuple[Path, str, str]) -> None:
    folder, name, _ = made
    con = query.connect(folder / "made.duckdb")
    row = next(r for r in query.rows(con, "pages/headline") if r["comparison_id"] == name)
    sql = "SELECT avg(js_lower), avg(js_upper), avg(kl_aligned_base_lower) FROM divergence WHERE comparison_id = $1"
    ((low, high, kl),) = con.execute(sql, [name]).fetchall()
    assert row["js"] is None and row["kl"] is None
    assert (row["js_lower"], row["js_upper"], row["kl_lower"]) == pytest.approx((low, high, kl))
    assert row["js_low"] < low < high < row["js_high"]
    exact = next(r for r in query.rows(con, "pages/headline") if r["comparison_id"] != name)
    assert exact["js"] == pytest.approx(exact["js_lower"]) == pytest.approx(exact["js_upper"])


def test_an_example_page_has_bounds_and_no_zero_in_their_place(made: tuple[Path, str, str]) -> None:
    folder, name, _ = made
    script = next(p for p in sorted((folder / "docs/examples" / name).glob("*.js")) if p.stem.isdecimal())
    data = json.loads(re.sub(r"^window\.\w+=|;\n$", "", script.read_text(encoding="utf-8")))
    far, bounds = list(unpacked(data["far"])), list(unpacked(data["bounds"]))
    assert set(far) == {1_000_000_001} and len(far) == 3 * data["n"] and len(bounds) == 4 * data["n"]
    with duckdb.connect(str(folder / "made.duckdb"), read_only=True) as con:
        sql = "SELECT js_lower, js_upper FROM divergence WHERE comparison_id = $1 AND response_id = $2 ORDER BY pos"
        stored = con.execute(sql, [name, data["response"]]).fetchall()
    shown = [(bounds[i + 2] / 1e4, bounds[i + 3] / 1e4) for i in range(0, len(bounds), 4)]
    for (low, high), (least, most) in zip(stored, shown, strict=True):
        assert least <= low < least + 1.001e-4 and most - 1.001e-4 < high <= most + 1e-9
    page = (folder / "docs/examples" / name / f"{script.stem}.md").read_text(encoding="utf-8")
    assert re.search(r"mean JS <b>0\.\d{3}–0\.\d{3}</b> nats", page)


def test_what_is_exact_has_equal_bounds(made: tuple[Path, str, str]) -> None:
    folder, name, _ = made
    con = query.connect(folder / "made.duckdb")
    sql = "SELECT count(*), count(*) FILTER (js = js_lower AND js = js_upper) FROM tds WHERE comparison_id <> $1"
    ((rows, equal),) = con.execute(sql, [name]).fetchall()
    assert rows == equal > 0
