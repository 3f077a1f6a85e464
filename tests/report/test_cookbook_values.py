"""Every question of the cookbook, its rows compared with those that pandas makes of the tables alone."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from tds_atlas.report import cookbook
from tests.report import varied
from tests.report.answers import ANSWERS, Answer, both_said, cause_and_basis, how_much, louder, where, words_and_tokens
from tests.report.frames import Frames

PARTS = (both_said, cause_and_basis, how_much, louder, where, words_and_tokens)  # importing them registers their answers
Row = dict[str, Any]


@pytest.fixture(scope="session")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Frames:
    return Frames(varied.write(tmp_path_factory.mktemp("varied") / "varied.duckdb"))


def test_no_answer_is_without_its_question() -> None:
    assert set(ANSWERS) == {q.name for q in cookbook.cookbook()} and all(part.__doc__ for part in PARTS)


@pytest.mark.parametrize("question", cookbook.cookbook(), ids=lambda q: q.name)
def test_rows_are_those_of_the_tables(frames: Frames, question: cookbook.Question) -> None:
    check(question.sql, ANSWERS[question.name], frames)


def check(sql: str, answer: Answer, frames: Frames) -> None:
    """Compare the rows as asked, and all of them where the question shows only the first."""
    rows = answer.rows(frames)
    compare(frames.con.sql(sql).to_arrow_table(), rows, answer, answer.limit)
    if answer.limit:
        whole = frames.con.sql(re.sub(r"LIMIT \d+\s*$", "", sql)).to_arrow_table()
        compare(whole, rows, answer, None)


def compare(table: pa.Table, rows: pd.DataFrame, answer: Answer, limit: int | None) -> None:
    """Columns, values, number and order of the rows; the order by the query's own numbers, so that near ties do not matter."""
    shown = [name for name in rows.columns if not name.startswith("_")]
    assert sorted(table.column_names) == sorted(shown)
    close = {name: _tolerance(rows[name]) for name in rows.columns}
    wanted = {tuple(map(plain, row[answer.key])): row for _, row in rows.astype(object).iterrows()}
    assert len(wanted) == len(rows) and table.num_rows == min(len(rows), limit or len(rows)) > 0
    found: list[Row] = []
    for got in table.to_pylist():
        row = wanted.pop(tuple(plain(got[name]) for name in answer.key))
        for name in shown:
            assert same(plain(got[name]), plain(row[name]), close[name]), (name, got, row[name])
        found.append({name: plain(got.get(name, row.get(name))) for name in rows.columns})
    for one, next_one in pairwise(found):
        assert precedes(one, next_one, answer.order, {}), (one, next_one)
    for row in wanted.values():
        left_out = {name: plain(row[name]) for name in rows.columns}
        assert precedes(found[-1], left_out, answer.order, close), (found[-1], left_out)


def _tolerance(values: pd.Series) -> float | None:
    """How far numbers of a column may be apart: a hundred thousandth of the largest one. Nothing for what is counted."""
    known = [plain(v) for v in values.dropna()]
    if not any(isinstance(v, float) for v in known):
        return None
    numbers = np.abs(np.array(known, float))
    return 1e-5 * float(numbers.max(initial=0.0)) + 1e-12


def plain(value: Any) -> Any:
    """A value of either side in Python's own types; None where there is none."""
    if isinstance(value, list | np.ndarray):
        return [plain(v) for v in value]
    if value is None or value is pd.NA or (isinstance(value, float | np.floating) and math.isnan(value)):
        return None
    return value.item() if isinstance(value, np.generic) else value


def same(got: Any, wanted: Any, tolerance: float | None) -> bool:
    if tolerance is None or None in (got, wanted):
        return bool(got == wanted)
    return abs(got - wanted) <= tolerance


def precedes(one: Row, other: Row, order: list[str], close: dict[str, float | None]) -> bool:
    """Whether a row may stand before another; numbers within the tolerances given may come either way round."""
    for part in order:
        name = part.removeprefix("-")
        a, b = one[name], other[name]
        if None in (a, b) and a != b:
            return b is None
        if a != b:
            near = abs(a - b) <= (close.get(name) or 0.0) if isinstance(a, float) else False
            return near or (a > b if part != name else a < b)
    return True


def test_a_wrong_order_or_a_missing_row_is_seen() -> None:
    rows: list[Row] = [{"n": 2, "x": 0.5}, {"n": 1, "x": None}]
    assert precedes(rows[0], rows[1], ["-n"], {}) and not precedes(rows[1], rows[0], ["-n"], {})
    assert precedes(rows[0], rows[1], ["-x"], {}) and not precedes(rows[1], rows[0], ["x"], {})
    assert precedes({"x": 0.5}, {"x": 0.4999999}, ["x"], {"x": 1e-6})


def test_the_data_tell_classes_apart(frames: Frames) -> None:
    rows: pd.DataFrame = frames.tds
    assert {1, 2, 3, 4} <= set(rows.base_rank) and set(frames.table("response").finish) == {"stop", "length", "unknown"}
    assert rows.base_logprob.isna().any() and rows.base_top.isna().any() and rows.harmful.isna().any()
