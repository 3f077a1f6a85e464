"""The page on token swaps: its curves, gaps and paired differences against slow versions; a report without swaps."""

from __future__ import annotations

from pathlib import Path
from statistics import mean, stdev

import duckdb
import pytest

from tds_atlas.report import query
from tests import intervals
from tests.report import synthetic
from tests.report.sheets import made_up, pages


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    return query.connect(synthetic.write(tmp_path_factory.mktemp("db") / "made.duckdb", rich=True))


def outcomes(con: duckdb.DuckDBPyConnection, method: str, share: float) -> dict[str, float]:
    sql = """SELECT prompt_id, refuses FROM swap JOIN prompt USING (prompt_id) WHERE harmful AND method = $m AND share = $s"""
    return {prompt: float(x) for prompt, x in con.execute(sql, {"m": method, "s": share}).fetchall()}


def test_a_curve_runs_between_the_two_models(con: duckdb.DuckDBPyConnection) -> None:
    rows = [r for r in query.rows(con, "figures/swap_refusal") if r["method"] == "random"]
    assert [r["target_share"] for r in rows] == [0, 0.1, 0.3, 1]
    for row in rows:
        method = "divergence" if row["target_share"] in (0, 1) else "random"
        said = list(outcomes(con, method, row["target_share"]).values())
        assert row["outcome_share"] == pytest.approx(mean(said)) and row["prompts"] == len(said)
        half = 1.959964 * stdev(said) / len(said) ** 0.5
        assert row["high_share"] == pytest.approx(min(1, mean(said) + half))
        assert row["swapped_share"] == pytest.approx(row["target_share"])


def test_gaps_and_differences_are_paired_by_prompt(con: duckdb.DuckDBPyConnection) -> None:
    base, aligned, mixed, other = (
        outcomes(con, m, s) for m, s in (("divergence", 0), ("divergence", 1), ("divergence", 0.3), ("random", 0.3))
    )
    wanted = {"outcome": "refusal", "method": "divergence", "target": 0.3}
    (gap,) = (r for r in query.rows(con, "pages/swap_gap") if wanted.items() <= r.items())
    assert gap["gap"] == pytest.approx(mean(aligned[p] - base[p] for p in base))
    assert gap["closed"] == pytest.approx(mean(mixed[p] - base[p] for p in base) / gap["gap"])
    wanted |= {"method": "random"}
    (found,) = (r for r in query.rows(con, "pages/swap_difference") if wanted.items() <= r.items())
    steps = [mixed[p] - other[p] for p in base]
    assert found["difference"] == pytest.approx(mean(steps))
    assert found["half_width"] == pytest.approx(intervals.t95(len(steps) - 1) * stdev(steps) / len(steps) ** 0.5)


def test_the_false_discovery_rate_is_that_of_benjamini_and_hochberg(con: duckdb.DuckDBPyConnection) -> None:
    rows = query.rows(con, "pages/swap_difference")
    ps = sorted(r["p"] for r in rows)
    for row in rows:
        slow = min(p * len(ps) / (i + 1) for i, p in enumerate(ps) if p >= row["p"])
        assert row["q"] == pytest.approx(min(1, slow))


def test_a_report_without_swaps_has_no_such_page() -> None:
    assert not made_up("findings/swap.md") and made_up("findings/trust.md")


@pytest.mark.parametrize(
    "kept", ["prompt_id = 'p3'", "method <> 'divergence' OR share IN (0, 1)", "share > 0 AND share < 1"]
)
def test_sentences_survive_few_rows(tmp_path: Path, kept: str) -> None:
    path = synthetic.write(tmp_path / "made.duckdb", rich=True)
    with duckdb.connect(str(path)) as con:
        con.execute(f"DELETE FROM swap WHERE NOT ({kept})")
    text = pages(path, "findings/swap.md")["findings/swap.md"].split("<figure")[0]
    assert "None" not in text and "nan" not in text.split()
