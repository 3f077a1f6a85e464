"""The method page's shares with other choices, and how often intervals hold in reports drawn from this one, by loops."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import duckdb
import pytest

from tds_atlas.report import query
from tests import intervals
from tests.report import synthetic

Sums = dict[str, tuple[float, float]]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = synthetic.write(tmp_path_factory.mktemp("db") / "made.duckdb", comparisons=1)
    with duckdb.connect(str(path)) as con:
        con.execute("UPDATE prompt SET topics = [concat('topic ', ordinal % 5), 'another']")
    return path


def sums(con: duckdb.DuckDBPyConnection, by: str, where: str = "true") -> Sums:
    sql = f"""SELECT {by}, count(*) FILTER (base_rank > 3)::DOUBLE, count(*)::DOUBLE FROM tds JOIN prompt q USING (prompt_id)
        WHERE {where} GROUP BY ALL ORDER BY ALL"""
    return {str(key): (x, n) for key, x, n in con.execute(sql).fetchall()}


def test_shares_with_other_choices(path: Path) -> None:
    con = query.connect(path)
    (row,) = query.rows(con, "pages/choices")
    shares = sums(con, "prompt_id")
    kinds = sums(con, "(q.tasks[1], q.topics[1])")
    ways = {"reported": shares, "without_end": sums(con, "prompt_id", "NOT is_end"), "by_kind": kinds}
    ways["alike"] = {prompt: (x / n, 1.0) for prompt, (x, n) in shares.items()}
    for way, found in ways.items():
        total, size = (sum(pair[i] for pair in found.values()) for i in (0, 1))
        assert row[way]["mean"] == pytest.approx(total / size), way
        assert (row[way]["low"], row[way]["high"]) == pytest.approx(
            intervals.share_bounds(list(found.values())), abs=1e-5
        )
    assert (row["kinds"], row["prompts"]) == (len(kinds), len(shares)) and 2 < len(kinds) < len(shares)
    assert len({round(row[way]["low"], 4) for way in ways}) == len(ways)


def test_coverage_in_reports_drawn_from_this_one(path: Path) -> None:
    con = query.connect(path)
    known = list(sums(con, "cluster_id").values())
    truth = sum(x for x, _ in known) / sum(n for _, n in known)
    drawn: dict[int, list[tuple[float, float]]] = defaultdict(list)
    sql = "SELECT r, hash(concat_ws(' ', 10, r, i)) % $n FROM range(200) a(r), range(10) b(i)"
    for report, nth in con.execute(sql, {"n": len(known)}).fetchall():
        drawn[report].append(known[nth])
    held = [low <= truth <= high for low, high in map(intervals.share_bounds, drawn.values())]
    rows = query.rows(con, "pages/coverage_here")
    assert {(row["measure"], row["size"]) for row in rows} == {
        (m, s) for m in ("shifted", "KL(aligned‖base)") for s in (10, 20)
    }
    found = next(row["coverage"] for row in rows if (row["measure"], row["size"]) == ("shifted", 10))
    assert found == pytest.approx(sum(held) / 200) and 0.5 < found < 1
