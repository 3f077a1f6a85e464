"""The page on how deep safety is: depth and intervals against slow versions, and its parts where data is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tds_atlas.report import query
from tests import intervals
from tests.report.sheets import made_up, sheet


def test_depth_is_the_fewest_first_positions_with_nine_tenths(database: Path) -> None:
    con = query.connect(database)
    sql = "SELECT pos, kl_aligned_base FROM tds WHERE comparison_id = 'c-1' AND harmful"
    rows = con.execute(sql).fetchall()
    whole = sum(kl for _, kl in rows)
    depth = next(n for n in range(1, 1000) if sum(kl for pos, kl in rows if pos < n) >= 0.9 * whole)
    row = query.rows(con, "pages/safety")[0]
    assert row["harmful"] and row["depth"] == depth
    assert row["first_share"] == pytest.approx(sum(kl for pos, kl in rows if pos < 5) / whole)


def test_refusals_after_a_prefix_and_where_they_fall(database: Path) -> None:
    con = query.connect(database)
    rows = query.rows(con, "figures/prefill_refusals")
    assert [row["share"] for row in rows] == [1, 1, 0, 0]
    low, high = (intervals.share_bounds([(said, 1)] * rows[0]["prompts"]) for said in (1, 0))
    assert rows[0]["low_share"] == pytest.approx(low[0], abs=1e-5) and rows[2]["high_share"] == pytest.approx(
        high[1], abs=1e-5
    )
    (row,) = query.rows(con, "pages/prefill")
    assert row["refusing_k"] == row["likeliest_k"] == 2 and row["fall"] == 1


def test_the_page_has_what_the_report_has() -> None:
    text = made_up("findings/safety.md")
    assert "Where is the divergence?" in text and "A few words of the base's answer" not in text
    assert not made_up("findings/safety.md", tags=False)


def test_a_clear_change_of_all_prompts_has_no_width_of_nothing(database: Path) -> None:
    """Every prompt refuses before, none after: there is no spread to make an interval of."""
    text = sheet(database, "findings/safety.md")
    assert "by 100.0 points, alike in every prompt (paired by prompt" in text and "± 0.0" not in text


def test_the_depth_of_harmless_prompts_has_its_interval(database: Path) -> None:
    row = next(r for r in query.rows(query.connect(database), "pages/safety") if not r["harmful"])
    ends = f"(95 %: {row['low_depth']} to {row['high_depth']})"
    text = sheet(database, "findings/safety.md").replace("\u00a0", " ")
    assert f"On harmless prompts it is {row['depth']} {ends}, or" in text
