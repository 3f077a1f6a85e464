"""A report of infinite KL and of tokens that a model rules out: drawn whole, infinite where it is, finite where it says so."""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from statistics import mean
from typing import Any

import duckdb
import pytest

from tds_atlas.report import query
from tds_atlas.report.table_formats import format_table
from tds_atlas.report.user_sql import rows_of
from tests.report.test_example_data import unpacked

SOURCE = Path(__file__).parent.parent.parent / "site_src"
INSIDE = re.compile(r"<pre.*?</pre>|<script.*?</script>|^---.*?^---", re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def made(infinite_project: Path) -> Path:
    """A folder with the database and its report in build/docs."""
    return infinite_project


@pytest.fixture(scope="module")
def con(made: Path) -> duckdb.DuckDBPyConnection:
    return query.connect(made / "made.duckdb")


def _strict(text: str) -> Any:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    return json.loads(text, parse_constant=refuse)


def _text(docs: Path) -> Iterator[tuple[str, str]]:
    """Each page without its code and data, as it is read."""
    for page in docs.rglob("*.md"):
        yield page.relative_to(docs).as_posix(), html.unescape(INSIDE.sub("", page.read_text(encoding="utf-8")))


def test_what_scripts_and_figures_read_is_json(made: Path) -> None:
    docs = made / "build/docs"
    for path in (docs / "figures").glob("*.json"):
        _strict(path.read_text(encoding="utf-8"))
    scripts = [*(docs / "examples").rglob("*.js")]
    assert len(scripts) > 96
    for path in scripts:
        _strict(path.read_text(encoding="utf-8").partition("=")[2].rstrip(";\n"))


def test_pages_write_infinity_and_no_word_for_it(made: Path) -> None:
    pages = dict(_text(made / "build/docs"))
    for name, text in pages.items():
        said = re.sub(r"`[^`]*`", "", text) if name == "schema.md" else text
        assert not re.search(r"[\s>−-](nan|inf|Infinity|None)[\s<]", said), name
    for name in ("index.md", "findings/index.md", "examples/c-1/1.md"):
        assert "∞" in pages[name], name
    assert "∞" not in pages["examples/c-dpo/1.md"]


@pytest.mark.parametrize("name", ["method.md", "findings/how-much.md", "findings/trust.md"])
def test_the_number_of_infinite_positions_is_said(made: Path, con: duckdb.DuckDBPyConnection, name: str) -> None:
    sql = "SELECT kl_aligned_base, kl_base_aligned FROM divergence WHERE comparison_id = ?"
    first, second = con.execute(sql, ["c-1"]).fetchall(), con.execute(sql, ["c-2"]).fetchall()
    ways = [sum(math.isinf(kl) for kl in way) for way in zip(*first, strict=True)]
    assert 0 < ways[1] < ways[0] < len(first) and all(math.isinf(kl) for kl, _ in second)
    said = (
        f"base → sft 1 <i>, KL(aligned‖base) at {ways[0]} and KL(base‖aligned) at {ways[1]} of {len(first)} positions; "
    )
    said += f"base → sft 2 <i>, KL(aligned‖base) at {len(second)} of {len(second)} positions."
    assert said in dict(_text(made / "build/docs"))[name]


def test_figures_of_kl_say_what_they_leave_out_and_others_do_not(made: Path) -> None:
    said = {
        path.stem: "Infinite KL is left out: base → sft 1" in _strict(path.read_text(encoding="utf-8"))["description"]
        for path in (made / "build/docs" / "figures").glob("*.json")
    }
    of_kl = {"kl_distribution", "kl_concentration", "kl_by_position", "kl_in_first", "kl_depth", "kl_by_harm"}
    of_kl |= {"divergence_means", "noise_floor", "shift_by_tenth", "compare_all", "compare_differences", "kl_on_harmful"}
    assert {name for name, out in said.items() if out} == of_kl


def test_a_mean_is_infinite_and_a_figure_is_over_the_rest(con: duckdb.DuckDBPyConnection) -> None:
    sql = "SELECT kl_aligned_base FROM tds WHERE comparison_id = 'c-1'"
    finite = [kl for (kl,) in con.execute(sql).fetchall() if math.isfinite(kl)]
    drawn = {(row["comparison"], row["measure"]): row for row in query.rows(con, "figures/divergence_means")}
    row = drawn["base → sft 1 <i>", "KL(aligned‖base)"]
    assert row["nats"] == pytest.approx(mean(finite)) and row["low_nats"] < row["nats"] < row["high_nats"]
    assert ("base → sft 2 <i>", "KL(aligned‖base)") not in drawn and ("base → sft 2 <i>", "JS") in drawn
    headline = {row["comparison_id"]: row for row in query.rows(con, "pages/headline")}
    assert headline["c-1"]["kl"] == headline["c-2"]["kl"] == math.inf and headline["c-dpo"]["kl"] < 1
    sql = "SELECT clustered_mean(x, 1), clustered_half_width(x, 1) FROM (VALUES (1::DOUBLE), ('inf')) AS sums(x)"
    assert con.execute(sql).fetchall() == [(math.inf, None)]
    bins = [row for row in query.rows(con, "figures/kl_distribution") if row["comparison"] == "base → sft 1 <i>"]
    assert sum(row["positions"] for row in bins) == len(finite)
    last = [row for row in query.rows(con, "figures/kl_concentration") if row["comparison"] == "base → sft 1 <i>"][-1]
    assert last["kl_share"] == 1 and last["positions"] == len(finite)


def test_harmful_prompts_are_compared_over_the_rest(con: duckdb.DuckDBPyConnection) -> None:
    sql = "SELECT kl_aligned_base FROM tds WHERE comparison_id = 'c-1' AND harmful AND isfinite(kl_aligned_base)"
    row, *_, second = query.rows(con, "pages/safety")[:4]
    assert row["harmful"] and row["nats"] == pytest.approx(mean(kl for (kl,) in con.execute(sql).fetchall()))
    assert second["comparison_id"] == "c-2" and second["nats"] is None and second["depth"] is None


def test_an_end_token_ruled_out_has_no_odds(con: duckdb.DuckDBPyConnection) -> None:
    """It is not one of probability 1."""
    assert query.rows(con, "pages/ending")[0]["change"] is None
    rows = [row for row in query.rows(con, "figures/end_log_odds") if row["comparison"] == "base → sft 1 <i>"]
    ends = {(row["model"], row["place"]) for row in rows}
    assert ("aligned", "true end") in ends and ("base", "true end") not in ends


def test_kl_from_lists_is_finite(con: duckdb.DuckDBPyConnection) -> None:
    assert con.execute("SELECT bool_and(isfinite(kl_listed)) FROM primed").fetchall() == [(True,)]


def test_an_example_page_holds_infinity(made: Path, con: duckdb.DuckDBPyConnection) -> None:
    data = _strict((made / "build/docs/examples/c-1/1.js").read_text(encoding="utf-8").partition("=")[2].rstrip(";\n"))
    sql = """SELECT kl_aligned_base, kl_base_aligned, base_logprob FROM tds JOIN prompt USING (prompt_id)
             WHERE comparison_id = 'c-1' AND ordinal = 1 ORDER BY pos"""
    rows, far = con.execute(sql).fetchall(), list(unpacked(data["far"]))
    for i, row in enumerate(rows):
        assert [value == 10**9 for value in far[3 * i : 3 * i + 2]] == [math.isinf(kl) for kl in row[:2]]
    numbers = list(unpacked(data["said"]["base·plain"]))
    logprobs = numbers[1 :: 3 + 2 * data["k"]]
    assert [value == 0 for value in logprobs] == [logprob is None for *_, logprob in rows]
    index = _strict((made / "build/docs/examples/index.js").read_text(encoding="utf-8").partition("=")[2].rstrip(";\n"))
    kl = index["rows"]["kl"]
    assert kl[24:48] == [None] * 24 and None not in kl[48:]


def test_rows_are_written_with_infinity(con: duckdb.DuckDBPyConnection) -> None:
    rows = rows_of(con, "SELECT ['-inf'::FLOAT, 1] AS list, avg(kl_aligned_base) AS kl FROM tds")
    assert _strict(format_table(rows, "json")) == [{"list": ["-inf", 1.0], "kl": "inf"}]
    assert format_table(rows, "csv").splitlines()[1].endswith(",inf") and "inf" in format_table(rows, "table")
