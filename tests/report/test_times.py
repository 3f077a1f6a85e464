"""Times of `tds query`: what DuckDB shows, in every format but Parquet, which holds them as they are."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow.parquet
import pytest

from tds_atlas.report.cookbook import answer
from tds_atlas.report.times import times_as_text
from tests.report import synthetic

TIMES = (
    "TIME '24:00:00'",
    "TIMETZ '10:00:00.5+02'",
    "INTERVAL '1 month 2 days 3 hours'",
    "DATE 'infinity'",
    "DATE '0044-03-15 (BC)'",
    "DATE '290000-01-01'",
    "TIMESTAMP '-infinity'",
    "TIMESTAMP '2026-11-27 10:00:00.25'",
    "TIMESTAMP_NS '2026-11-27 10:00:00.123456789'",
)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthetic.write(tmp_path_factory.mktemp("times") / "made.duckdb", prompts=1)


@pytest.mark.parametrize("time", TIMES)
def test_a_time_is_what_duckdb_shows(database: Path, time: str) -> None:
    [(shown,)] = duckdb.sql(f"SELECT CAST({time} AS VARCHAR)").fetchall()
    printed = [answer(database, f"SELECT {time} AS t", None, False, style, None) for style in ("csv", "json", "table")]
    assert printed[0] == f"t\n{shown}" and f'"t": "{shown}"' in (printed[1] or "")
    assert (printed[2] or "").splitlines()[2] == shown


@pytest.mark.parametrize("time", TIMES)
@pytest.mark.parametrize(
    "within", ["[{}]", "[[{}]]", "array_value({0}, {0})", "map {{1: {}}}", "{{'a \"b': {}, 'n': 1}}"]
)
def test_a_time_within_a_value_is_what_duckdb_shows(time: str, within: str) -> None:
    got = times_as_text(duckdb.sql(f"SELECT {within.format(time)} AS t, 'DATE'::ENUM('DATE') AS e, 1 AS t"))
    expected = duckdb.sql(f"SELECT {within.format(f'CAST({time} AS VARCHAR)')} AS t, 'DATE' AS e, 1 AS t")
    assert got.columns == expected.columns and got.fetchall() == expected.fetchall()


def test_a_tuple_with_a_time_is_text_and_rows_without_times_stay() -> None:
    assert times_as_text(duckdb.sql("SELECT row(1, INTERVAL 1 DAY) AS t")).fetchall() == [("(1, 1 day)",)]
    rows = duckdb.sql("SELECT 1 AS a, ['x'] AS b")
    assert times_as_text(rows) is rows


def test_parquet_holds_times_as_they_are(database: Path, tmp_path: Path) -> None:
    answer(database, "SELECT DATE '2026-11-27' AS t", None, False, "parquet", tmp_path / "rows.parquet")
    assert str(pyarrow.parquet.read_schema(tmp_path / "rows.parquet").field("t").type) == "date32[day]"
