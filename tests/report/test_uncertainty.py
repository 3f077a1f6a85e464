"""The page on uncertainty: the area under the curve and the overlap against slow versions."""

from __future__ import annotations

from pathlib import Path

import pytest

from tds_atlas.report import query


def test_the_chance_of_a_higher_entropy_against_all_pairs(database: Path) -> None:
    con = query.connect(database)
    sql = "SELECT base_entropy, shift = 'shifted' FROM tds WHERE comparison_id = 'c-1'"
    rows = con.execute(sql).fetchall()
    yes, no = ([h for h, shifted in rows if shifted is wanted] for wanted in (True, False))
    pairs = [1.0 if a > b else 0.5 if a == b else 0.0 for a in yes for b in no]
    assert query.rows(con, "pages/uncertainty")[0]["shifted_auc"] == pytest.approx(sum(pairs) / len(pairs))


def test_overlap_of_the_least_sure_fifths(database: Path) -> None:
    con = query.connect(database)
    sql = "SELECT base_entropy, aligned_entropy FROM tds WHERE comparison_id = 'c-1' ORDER BY response_id, pos"
    rows = con.execute(sql).fetchall()
    size = -(-len(rows) // 5)
    base, aligned = (set(sorted(range(len(rows)), key=lambda i: -rows[i][side])[:size]) for side in (0, 1))
    row = query.rows(con, "figures/forking_overlap")[0]
    assert row["share"] == pytest.approx(len(base & aligned) / size)
    assert row["jaccard"] == pytest.approx(len(base & aligned) / len(base | aligned))
