"""How SQL is laid out: DuckDB's own signs survive sqlfmt, and a caption of several lines is read as one."""

from __future__ import annotations

import runpy

import pytest

from tds_atlas.report.query import caption
from tests.conftest import ROOT

lay_out = runpy.run_path(str(ROOT / ".ci" / "format_sql.py"))["lay_out"]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("from t select A // 2 as half", "FROM t SELECT A // 2 AS half\n"),
        ("select a[1:k], {'x': n, 'y': 2}", "SELECT a[1:k], {'x': n, 'y': 2}\n"),
        ("select list_filter(a, lambda x: x > 1)", "SELECT list_filter(a, lambda x: x > 1)\n"),
        ("select count(*)::DOUBLE from t where i = $id", "SELECT count(*)::DOUBLE FROM t WHERE i = $id\n"),
        ("-- Why.\nfrom t", "-- Why.\nFROM t\n"),
    ],
)
def test_a_query_keeps_its_signs(written: str, expected: str) -> None:
    assert lay_out(written) == expected
    assert lay_out(expected) == expected


def test_a_caption_ends_where_the_query_or_the_keys_of_a_question_begin() -> None:
    assert caption("-- One line\n-- and another.\nFROM t\n-- not this") == "One line and another."
    assert caption("-- How many?\n-- part: How much\n-- A remark.\nFROM t") == "How many?"
