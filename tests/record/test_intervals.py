"""Intervals in SQL against slow versions, and their coverage in simulated reports."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from tests import calibrate, calibrate_clear, calibrate_parting, intervals

METHOD = (Path(__file__).parent.parent.parent / "site_src/method.md").read_text(encoding="utf-8")
QUICK = 1000  # reports


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    return calibrate.connection()


@pytest.mark.parametrize("df", [1, 2, 3, 5, 10, 11, 12, 19, 40, 150])
def test_the_quantile_of_student_against_its_integral(con: duckdb.DuckDBPyConnection, df: int) -> None:
    assert con.execute(f"SELECT t95({df})").fetchall()[0] == pytest.approx((intervals.t95(df),), abs=1e-4)


@pytest.mark.parametrize("seed", range(12))
def test_bounds_against_slow_versions(con: duckdb.DuckDBPyConnection, seed: int) -> None:
    draw = np.random.default_rng(seed)
    n = draw.integers(1, 60, draw.integers(3, 40)).astype(float)
    sums = list(
        zip(draw.binomial(n.astype(int), draw.beta(0.3, 1.5, len(n))).astype(float).tolist(), n.tolist(), strict=True)
    )
    values = ", ".join(f"({x}::DOUBLE, {n}::DOUBLE)" for x, n in sums)
    sql = "SELECT share_bounds(x, n), mean_low(x, n), mean_high(x, n), clustered_half_width(x, n) FROM (VALUES {}) AS t(x, n)"
    shares, low, high, half = con.execute(sql.format(values)).fetchall()[0]
    assert (shares["low"], shares["high"]) == pytest.approx(intervals.share_bounds(sums), abs=1e-5)
    assert shares["mean"] == pytest.approx(sum(x for x, _ in sums) / sum(n for _, n in sums))
    assert (low, high) == pytest.approx(intervals.mean_bounds(sums), abs=1e-5)
    assert half == pytest.approx(intervals.half_width(sums), rel=1e-4)


def test_the_difference_of_two_groups_against_a_slow_version(con: duckdb.DuckDBPyConnection) -> None:
    groups = [
        [(float(x), float(n)) for x, n in zip((1, 5, 0, 9), (9, 20, 7, 10), strict=True)],
        [(2.0, 9.0), (1.0, 30.0), (0.0, 5.0)],
    ]
    values = (", ".join(f"({x}::DOUBLE, {n}::DOUBLE)" for x, n in sums) for sums in groups)
    a, b = (f"(SELECT mean_bounds(x, n) FROM (VALUES {rows}) AS t(x, n))" for rows in values)
    (found,) = con.execute(f"SELECT difference_bounds({a}, {b})").fetchall()[0]
    assert (found["low"], found["high"]) == pytest.approx(intervals.difference_bounds(*groups), abs=1e-5)


@pytest.mark.parametrize(("hits", "low", "high"), [(0, 0, 0.16), (1, 0.84, 1)])
def test_a_share_of_none_or_all_has_an_interval(
    con: duckdb.DuckDBPyConnection, hits: int, low: float, high: float
) -> None:
    sql = f"SELECT share_bounds({hits}::DOUBLE * n, n) FROM (SELECT 7 AS n FROM range(24))"
    ((bounds,),) = con.execute(sql).fetchall()
    assert (bounds["low"], bounds["high"]) == pytest.approx((low, high), abs=0.01)


@pytest.mark.parametrize("prompts", [1, 2])
def test_two_prompts_say_nothing(con: duckdb.DuckDBPyConnection, prompts: int) -> None:
    columns = "clustered_half_width(x, 1), mean_low(x, 1), (share_bounds(x, 1)).high, (share_bounds(0 * x, 1)).low"
    assert con.execute(f"SELECT {columns} FROM (SELECT x / 4 AS x FROM range({prompts}) AS t(x))").fetchall()[0] == (
        None,
        None,
        None,
        None,
    )


@pytest.mark.parametrize("population", calibrate.POPULATIONS, ids=lambda p: p.name)
def test_intervals_cover_the_truth(con: duckdb.DuckDBPyConnection, population: calibrate.Population) -> None:
    """What the method page promises: 93 % from 20 prompts on, for KL 90 % from 50 on; by 300 no more than 97 %."""
    skewed = population.name.startswith("KL")
    assert calibrate.coverage(con, population, 50 if skewed else 20, QUICK)[0] >= (0.90 if skewed else 0.915)
    assert 0.93 <= calibrate.coverage(con, population, 300, QUICK)[0] <= 0.975


@pytest.mark.parametrize("population", calibrate.POPULATIONS, ids=lambda p: p.name)
def test_the_table_of_coverage_is_true(con: duckdb.DuckDBPyConnection, population: calibrate.Population) -> None:
    """Its rows are those of `make calibrate`, within the error of a quick run."""
    for prompts in (10, 50):
        found = calibrate.coverage(con, population, prompts, QUICK, seed=1)[0]
        assert written(population.interval, population.name)[prompts] == near(found)


@pytest.mark.parametrize("answers", calibrate_parting.ANSWERS, ids=lambda a: a.name)
def test_how_long_answers_agree_covers_the_truth_as_the_table_says(answers: calibrate_parting.Answers) -> None:
    for prompts in (10, 20, 50):
        found = calibrate_parting.coverage(answers, prompts, QUICK, seed=1)
        assert written("agreement", answers.name)[prompts] == near(found)
        assert found >= 0.93 or prompts < 20


@pytest.mark.parametrize("truth", calibrate_clear.TRUTHS, ids=lambda truth: truth.name)
def test_the_rule_calls_little_clear_that_is_chance(
    con: duckdb.DuckDBPyConnection, truth: calibrate_clear.Truth
) -> None:
    """Little of it is false, as the table of the method page says; by each interval alone far more is."""
    found = calibrate_clear.false_calls(con, truth, 20, QUICK)
    for name, rate in zip(("each interval alone", "the rule"), found, strict=True):
        (row,) = re.findall(rf"^\| {name} \| {re.escape(truth.name)} \|(.*)\|$", METHOD, re.MULTILINE)
        assert float(row.split("|")[1]) == near(rate)
    assert found[1] <= 0.05 + 3 * (0.05 * 0.95 / QUICK) ** 0.5 < found[0]


def written(interval: str, name: str) -> dict[int, float]:
    """A row of the method page's table, by the number of prompts."""
    (row,) = re.findall(rf"^\| {interval} \| {re.escape(name)} \|(.*)\|$", METHOD, re.MULTILINE)
    return dict(zip((5, 10, 20, 50, 100, 300), map(float, row.split("|")), strict=True))


def near(found: float) -> Any:
    return pytest.approx(found, abs=4 * (found * (1 - found) / QUICK) ** 0.5 + 0.004)
