"""The page on how much changes: numbers against slow versions, and intervals that hold what they promise."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from tds_atlas.record.schema import SQL
from tds_atlas.report import figures, query
from tests import intervals
from tests.report import synthetic
from tests.report.sheets import made_up


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    path = tmp_path_factory.mktemp("db") / "made.duckdb"
    return query.connect(synthetic.write(path, rich=True, noise=True, further=True))


def _positions(con: duckdb.DuckDBPyConnection) -> list[dict]:
    sql = "SELECT t.*, label AS comparison FROM tds t JOIN comparison USING (comparison_id) WHERE comparison_id = 'c-1'"
    return con.sql(sql).to_arrow_table().to_pylist()


def _own(con: duckdb.DuckDBPyConnection, name: str, comparison: str) -> list[dict]:
    return [row for row in query.rows(con, f"figures/{name}") if row["comparison"] == comparison]


def test_ranks_and_shares_against_a_slow_version(con: duckdb.DuckDBPyConnection) -> None:
    rows = _positions(con)
    for row in _own(con, "rank_distribution", rows[0]["comparison"]):
        assert row["share"] == pytest.approx(sum(r["base_rank"] <= row["k"] for r in rows) / len(rows))
    found = {row["measure"]: row for row in _own(con, "changed_shares", rows[0]["comparison"])}
    changed = [r for r in rows if r["base_top_id"] != r["aligned_top_id"]]
    assert found["JS > 0.1"]["share"] == pytest.approx(sum(r["js"] > 0.1 for r in rows) / len(rows))
    assert found["other first choice"]["positions"] == len(changed)
    by_prompt = {
        p: (sum(r["js"] > 0.1 for r in rows if r["prompt_id"] == p), sum(r["prompt_id"] == p for r in rows))
        for p in {r["prompt_id"] for r in rows}
    }
    bounds = found["JS > 0.1"]["low_share"], found["JS > 0.1"]["high_share"]
    assert bounds == pytest.approx(intervals.share_bounds(list(by_prompt.values())), abs=1e-5)


def test_the_few_positions_that_carry_half_against_a_slow_version(con: duckdb.DuckDBPyConnection) -> None:
    rows = _positions(con)
    values = sorted((r["kl_aligned_base"] for r in rows), reverse=True)
    for mark in (r for r in _own(con, "kl_concentration", rows[0]["comparison"]) if r["carries_share"] is not None):
        carried, needed = 0.0, 0
        while carried < mark["carries_share"] * sum(values):
            carried, needed = carried + values[needed], needed + 1
        assert mark["positions"] == needed and mark["positions_share"] == pytest.approx(needed / len(rows))


def test_the_distribution_has_every_position_once_and_the_floor(con: duckdb.DuckDBPyConnection) -> None:
    rows = _positions(con)
    bins = _own(con, "kl_distribution", rows[0]["comparison"])
    assert sum(b["positions"] for b in bins) == len(rows) and sum(b["share"] for b in bins) == pytest.approx(1)
    ((floor,),) = con.execute("SELECT max(kl_again_first)::DOUBLE FROM noise").fetchall()
    assert bins[0]["floor_nats"] == pytest.approx(floor)
    assert bins[0]["under_floor_share"] == pytest.approx(sum(r["kl_aligned_base"] <= floor for r in rows) / len(rows))


def test_the_numbers_beside_aligntds_leave_out_the_end(con: duckdb.DuckDBPyConnection) -> None:
    rows = _positions(con)
    found = {r["counted"]: r for r in _own(con, "aligntds_beside", rows[0]["comparison"]) if r["measure"] == "shifted"}
    assert found["ours"]["positions"] == len(rows) and found["AlignTDS"]["positions"] == sum(
        not r["is_end"] for r in rows
    )
    assert found["ours"]["mean"] == pytest.approx(sum(r["base_rank"] > 3 for r in rows) / len(rows))


def test_an_answer_counted_twice_is_its_rows_of_both_views(con: duckdb.DuckDBPyConnection) -> None:
    name = "(comparison_id, response_id)"
    sql = f"""SELECT {name}, pos, is_end, tds.shift, token_id = aligned_top_id, tds.jaccard_10, aligntds.shift, aligntds.tp, aligntds.kl_10
              FROM tds LEFT JOIN aligntds USING (comparison_id, response_id, pos)"""
    answers: dict[tuple[str, str], list[tuple[Any, ...]]] = {}
    for answer, *row in con.execute(sql).fetchall():
        answers.setdefault(answer, []).append(tuple(row))
    found = con.execute(
        f"SELECT {name}, * EXCLUDE (comparison_id, prompt_id, response_id) FROM counted_twice"
    ).fetchall()
    assert len(found) == len(answers)
    for answer, ours, theirs, ends, others, moved, moved_alone in found:
        rows = answers[answer]
        counted = [row for row in rows if not row[1]]
        for side, column, of in ((ours, 2, rows), (theirs, 5, counted)):
            assert side["positions"] == len(of)
            assert [side[c] for c in ("unshifted", "marginal", "shifted")] == [
                sum(row[column] == c for row in of) for c in ("unshifted", "marginal", "shifted")
            ]
        assert ours["jaccard_10"] == pytest.approx(sum(row[4] for row in rows))
        assert theirs["base_probability"] == pytest.approx(sum(row[6] for row in counted))
        assert theirs["kl_base_aligned"] == pytest.approx(sum(row[7] for row in counted))
        assert ends == len(rows) - len(counted) and others == sum(not row[3] for row in counted)
        assert moved == sum(row[2] != row[5] for row in counted)
        assert moved_alone == sum(row[2] != row[5] and row[3] for row in counted)


def _simulated(**columns: np.ndarray) -> duckdb.DuckDBPyConnection:
    """A connection with the table sim: a row for each answer of each run."""
    con, (runs, answers) = duckdb.connect(), next(iter(columns.values())).shape
    con.execute(SQL["schema"] + SQL["views"])
    rows = {"run": np.repeat(np.arange(runs), answers)} | {name: values.ravel() for name, values in columns.items()}
    con.register("sim", pa.table(rows))
    return con


def test_intervals_of_a_paired_difference_cover_the_truth() -> None:
    """Two shares over the same prompts, whose levels go together; the second is truly 0.05 higher."""
    draw, size = np.random.default_rng(3), (1200, 150)
    rate, fn, n = draw.beta(2, 8, size), draw.integers(20, 60, size), draw.integers(20, 60, size)
    more = np.minimum(1, rate * 1.25)
    con = _simulated(fx=draw.binomial(fn, rate), fn=fn, x=draw.binomial(n, more), n=n)
    (error,) = re.findall(r"round\((clustered_error\(.*first_size\)), 10\) AS error", SQL["views"])
    found = con.execute(
        f"""WITH totals AS (SELECT run, sum(x) / sum(n) AS mean, sum(n) AS size, sum(fx) / sum(fn) AS first_mean,
                            sum(fn) AS first_size FROM sim GROUP BY run)
            SELECT any_value(mean - first_mean), z95() * {error} FROM sim JOIN totals USING (run) GROUP BY run"""
    ).fetchall()
    assert 0.93 <= sum(abs(difference - 0.05) <= half for difference, half in found) / len(found) <= 0.97


def test_differences_over_the_prompts_that_both_have(con: duckdb.DuckDBPyConnection) -> None:
    assert all(
        row["difference"] == pytest.approx(0) or row["half_width"] > 0 for row in query.rows(con, "pages/difference")
    )


@pytest.mark.parametrize("options", [{"prompts": 1, "comparisons": 1}, {"shifted": False}])
def test_every_figure_says_something_of_extreme_data(tmp_path: Path, options: dict) -> None:
    con = query.connect(synthetic.write(tmp_path / "x.duckdb", **options))
    for name in ("rank_distribution", "kl_distribution", "divergence_means", "changed_shares", "kl_concentration"):
        table = query.table(con, f"figures/{name}")
        if table.num_rows:
            spec = figures.build(name, table, "Caption.", ["base → sft 1 <i>"]).to_dict()
            assert "None" not in spec["description"] and "nan" not in spec["description"]


def test_without_a_check_the_page_says_that_it_knows_no_floor() -> None:
    assert "its noise floor is unknown" in made_up("findings/how-much.md")
