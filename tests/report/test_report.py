"""The report: one name in four places, numbers against slow versions, hostile text, extreme data, byte-equal builds."""

from __future__ import annotations

import csv
import html
import json
import re
from pathlib import Path
from typing import Any

import altair as alt
import duckdb
import pytest
from altair.utils.schemapi import validate_jsonschema

from tds_atlas.domain import InputError
from tds_atlas.report import figures, query, table_formats
from tds_atlas.report.docs import write_docs
from tds_atlas.report.markup import inert, inline_json, title, visible
from tds_atlas.report.pages import read_pages
from tds_atlas.report.user_sql import rows_of
from tests import intervals
from tests.conftest import ROOT
from tests.report import synthetic
from tests.report.sheets import made_up, pages, says_something
from tests.report.test_example_data import unpacked
from tests.report.undrawn import few_figures, undrawn

SOURCE = ROOT / "site_src"


@pytest.fixture(scope="session")
def docs(rich_project: Path) -> Path:
    return rich_project / "build" / "docs"


def test_a_figure_has_one_name_in_four_places(docs: Path) -> None:
    queries = {path.stem for path in (query.SQL / "figures").glob("*.sql")}
    pages = "".join(path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.md"))
    assert queries == set(figures.FIGURES) == {path.stem for path in (docs / "figures").glob("*.json")}
    assert queries == set(re.findall(r'figure\("(\w+)", root\)', pages))


def _parameters(con: duckdb.DuckDBPyConnection, name: str) -> dict[str, Any]:
    """Of what a query may ask for, what this one does."""
    responses = [r for (r,) in con.execute("SELECT response_id FROM response").fetchall()]
    prompts = [p for (p,) in con.execute("SELECT prompt_id FROM prompt").fetchall()]
    some = {"comparison_id": "c-1", "responses": responses, "prompts": prompts}
    return {key: value for key, value in some.items() if f"${key}" in query.sql_of(name)}


def test_every_query_says_what_it_is_and_runs(database: Path) -> None:
    con, without = query.connect(database), set()
    for path in query.SQL.rglob("*.sql"):
        name = path.relative_to(query.SQL).with_suffix("").as_posix()
        if name.startswith("cookbook/"):  # questions: test_cookbook.py
            continue
        assert query.sql_of(name).startswith("-- ") and query.caption(query.sql_of(name)).endswith(".")
        if query.table(con, name, **_parameters(con, name)).num_rows == 0:
            without.add(name)
    assert without == {
        *("pages/infinite", "pages/sample_spread", "pages/by_segment"),
        *("pages/token_path", "pages/retold_examples", "pages/stretches"),
        *(f"pages/likelihood{part}" for part in ("", "_roles", "_tokens", "_examples", "_positions")),
    }  # tests of their own have these


def test_figures_are_valid_specs_that_say_what_they_show(docs: Path) -> None:
    for path in (docs / "figures").glob("*.json"):
        spec = json.loads(path.read_text(encoding="utf-8"))
        assert spec["$schema"].endswith("v6.4.1.json") and len(spec["description"]) > 40
        validate_jsonschema(spec, alt.TopLevelSpec._schema, alt.load_schema())
        rows = list(csv.reader(path.with_suffix(".csv").read_text(encoding="utf-8").splitlines()))
        assert len(rows) > 1


def test_shares_and_intervals_against_a_slow_version(database: Path) -> None:
    con = query.connect(database)
    by_prompt: dict[str, list[bool]] = {}
    for prompt, shift in con.execute("SELECT prompt_id, shift FROM tds WHERE comparison_id = 'c-1'").fetchall():
        by_prompt.setdefault(prompt, []).append(shift == "shifted")
    sums = [(sum(x), len(x)) for x in by_prompt.values()]
    row = next(r for r in query.rows(con, "figures/shift_by_comparison") if r["shift"] == "shifted")
    assert row["share"] == pytest.approx(sum(x for x, _ in sums) / sum(n for _, n in sums))
    assert (row["low_share"], row["high_share"]) == pytest.approx(intervals.share_bounds(sums), abs=1e-5)


def test_differences_are_paired_by_prompt(database: Path) -> None:
    """Both comparisons of the made-up report hold the same answers and scores: no difference, and no width either."""
    row = query.rows(query.connect(database), "pages/difference")[0]
    assert row["difference"] == 0 and row["half_width"] == pytest.approx(0, abs=1e-12)


def test_two_builds_are_byte_equal(database: Path, docs: Path, tmp_path: Path) -> None:
    with undrawn():
        write_docs(database, SOURCE, tmp_path / "docs")
    first, second = (
        {p.relative_to(d): p.read_bytes() for p in d.rglob("*") if p.is_file()} for d in (docs, tmp_path / "docs")
    )
    assert first == second


def test_hostile_text_is_inert_in_every_page(docs: Path) -> None:
    live = ("<img src=x", "<b>bold", "</script><img", "<!-- a comment", "javascript:alert", "| a | b |")
    for path in docs.rglob("*.md"):
        page = path.read_text(encoding="utf-8").split("---", 2)[-1]
        assert [text for text in live if text in page] == [], path.name
    for path in docs.glob("examples/**/*.js"):
        assert "<" not in path.read_text(encoding="utf-8")


def test_an_example_page_has_its_answer_to_the_letter(docs: Path, database: Path) -> None:
    con = query.connect(database)
    for ordinal, text in con.execute("SELECT ordinal, r.text FROM response r JOIN prompt USING (prompt_id)").fetchall():
        raw = (docs / f"examples/c-1/{ordinal}.js").read_text(encoding="utf-8")
        data = json.loads(raw.removeprefix("window.tdsExample=").rstrip().removesuffix(";"))
        assert data["text"] == text
        numbers = list(unpacked(data["own"]))
        assert len(numbers) == 2 * data["n"] and sum(numbers[1::2]) == len(text)


@pytest.mark.parametrize("options", [{"prompts": 1, "comparisons": 1}, {"comparisons": 5}])
def test_pages_of_a_report_with_few_tables_say_something(tmp_path: Path, options: dict) -> None:
    found = pages(synthetic.write(tmp_path / "x.duckdb", **options))
    assert "findings/tasks-and-topics.md" in found
    assert [file for file, text in found.items() if not says_something(text)] == []


def test_the_whole_of_an_extreme_report(tmp_path: Path) -> None:
    """Its navigation and example pages with it, but for figures, which test_claims.py has; without tags it has a page less."""
    options = {"prompts": 3, "tags": False, "shifted": False}
    with undrawn(), few_figures():
        write_docs(synthetic.write(tmp_path / "x.duckdb", **options), SOURCE, tmp_path / "docs")
    assert "tasks-and-topics" not in (tmp_path / "nav.yml").read_text(encoding="utf-8")
    found = {p.relative_to(tmp_path / "docs").as_posix(): p for p in (tmp_path / "docs").rglob("*.md")}
    assert found.keys() > {page.file for page in read_pages(SOURCE) if not (page.needs or page.asks)}
    assert [name for name, path in found.items() if not says_something(path.read_text(encoding="utf-8"))] == []


def test_sentences_follow_the_numbers() -> None:
    assert "no clear difference in the share" in made_up("findings/how-much.md")


def test_a_folder_of_the_users_own_is_not_emptied(database: Path, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "thesis.md").touch()
    with pytest.raises(InputError, match="holds files that tds did not write"):
        write_docs(database, SOURCE, tmp_path / "docs")
    assert (tmp_path / "docs" / "thesis.md").exists()


@pytest.mark.parametrize("text", synthetic.HOSTILE)
def test_markup(text: str) -> None:
    assert not set(inert(text)) & set("<>\"'`*_{}[]|\n\t")
    assert not set(title(text)) & set("<>&\n")
    assert json.loads(inline_json(text)) == text and "<" not in inline_json(text)


def test_tokens_are_visible() -> None:
    assert [visible(t) for t in (" the", "\n", "  ", "", None, "a b ", "\x07")] == [
        "␣the",
        "↵",
        "␣␣",
        "(empty)",
        "(none)",
        "a b␣",
        "\\u0007",
    ]


def test_tables_in_the_terminal(database: Path) -> None:
    table = rows_of(query.connect(database), "SELECT 1 AS n, 'a\nb' AS text, NULL AS none, 0.123456789::DOUBLE AS x")
    assert table_formats.format_table(table, "table").splitlines() == [
        "n  text  none         x",
        "─  ────  ────  ────────",
        "1  a\\nb  NULL  0.123457",
        "(1 row)",
    ]
    assert json.loads(table_formats.format_table(table, "json")) == [
        {"n": 1, "text": "a\nb", "none": None, "x": 0.123456789}
    ]


def test_checks_of_arithmetic_stand_in_the_noise_floor_alone(database: Path, docs: Path) -> None:
    """No other query and no page but the methods and two calibrations knows of them, and they count in no total."""
    con = query.connect(database)
    for path in query.SQL.rglob("*.sql"):
        name = path.relative_to(query.SQL).with_suffix("").as_posix()
        told = ("pages/noise", "pages/floors", "pages/conditions", "pages/schema", "figures/noise_floor")
        told += ("pages/support_floor", "pages/passage_floor")  # the calibration of their pages
        if name in told or name.startswith("cookbook/"):
            continue
        assert not re.search("noise-1|rebatched", str(query.rows(con, name, **_parameters(con, name)))), name
    (totals,) = query.rows(con, "pages/totals")
    assert totals["positions"] == 4 * con.execute('SELECT count(*) FROM "position"').fetchall()[0][0]
    for path in docs.rglob("*"):
        told = path.stem == "noise_floor" or path.stem in ("method", "cookbook", "schema", "trust", "vega")
        told = told or path.stem in ("support", "passages")
        if path.suffix in (".md", ".js", ".json", ".csv") and not told:
            shown = html.unescape(path.read_text(encoding="utf-8")).replace("= 'rebatched'", "")  # a figure's SQL
            assert not re.search("noise-1|rebatched", shown), path
    assert not (docs / "examples" / "noise-1").exists()


def test_the_method_page_shows_what_each_model_read_and_how_answers_ended(database: Path, docs: Path) -> None:
    text = (docs / "method.md").read_text(encoding="utf-8")
    assert "First ids: <code>1 2</code>. Last ids: <code>3 4</code>. Template: <code>f00d</code>" in text
    assert re.findall("^### (.*)", text, re.M) == [
        inert(c) for c in ("base·chat", "base·few-shot", "base·plain", "dpo·chat", "sft·chat", "sft·plain")
    ]
    (source,) = (row for row in text.splitlines() if row.startswith(f"| {inert('sft·chat')} | generated greedily"))
    (positions,) = query.connect(database).execute('SELECT count(*) FROM "position"').fetchall()[0]
    assert [cell.strip() for cell in source.split("|")[3:-1]] == ["24", str(positions), "3", "3", "3"]
    assert inert("sft has 1 token <i> that base has not") in text and "## The noise floor" in text
    plain = made_up("method.md")
    assert "noise" not in plain and "has not" not in plain


def test_the_noise_floor_against_a_slow_version(database: Path) -> None:
    con = query.connect(database)
    sql = """SELECT rank, logprob, kl_aligned_base FROM score JOIN "position" USING (response_id, pos)
             JOIN divergence USING (response_id, pos) WHERE condition_id = $c AND comparison_id = 'noise-1'
             ORDER BY response_id, pos"""
    first, again = (con.execute(sql, {"c": c}).fetchall() for c in ("base·plain", "base·plain·rebatched"))
    both = list(zip(first, again, strict=True))
    (row,) = query.rows(con, "pages/noise")
    assert row["condition_id"] == "base·plain" and row["arithmetic"] == "rebatched" and row["positions"] == len(both)
    assert row["ranks"] == sum(a[0] != b[0] for a, b in both)
    assert row["classes"] == sum((a[0] > 1, a[0] > 3) != (b[0] > 1, b[0] > 3) for a, b in both)
    assert row["largest_logprob_nats"] == pytest.approx(max(abs(a[1] - b[1]) for a, b in both))
    assert row["largest_kl_nats"] == pytest.approx(max(a[2] for a in first))
    assert row["mean_kl_nats"] == pytest.approx(sum(a[2] for a in first) / len(first))
