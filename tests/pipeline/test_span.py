"""Rows by number: the shards that hold them are worked on, and no others; numbers beyond the file are one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tds_atlas.domain import InputError
from tds_atlas.pipeline.plan import read_plan
from tds_atlas.pipeline.work import Span, in_parts
from tests.command import tds


@given(st.integers(1, 30), st.integers(1, 9), st.data())
def test_a_span_takes_the_parts_that_hold_its_rows(rows: int, size: int, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, rows - 1))
    end = data.draw(st.integers(start + 1, rows))
    parts, wanted = list(in_parts(range(rows), size)), set(range(start, end))
    Span(start, end).check(rows)
    assert list(Span(start, end).of(parts)) == [part for part in parts if wanted & set(part)]
    assert list(Span(start).of(parts)) == [part for part in parts if part[-1] >= start]


@pytest.mark.parametrize(
    ("span", "message"),
    [
        (Span(4), r"--start 4: the report has 4 rows, counted from 0 to 3"),
        (Span(-1), r"--start -1: the report has 4 rows"),
        (Span(0, 5), r"--end 5: rows are counted from 0; give 1 to 4"),
        (Span(2, 2), r"--end 2: rows are counted from 0; give 3 to 4"),
        (Span(2, -1), r"--end -1: rows are counted from 0; give 3 to 4"),
    ],
)
def test_rows_that_are_not_there_are_one_line(span: Span, message: str, project: Path) -> None:
    with pytest.raises(InputError, match=message):
        read_plan(project / "report.yml").within(span)


def test_runs_over_rows_make_the_shards_of_the_whole(project: Path) -> None:
    """Four prompts in shards of two: row 1 is in the first, row 2 in the second."""

    def done() -> list[tuple[bool, bool]]:
        plan = read_plan(project / "report.yml")
        answers = [shard for _, shard in plan.response_shards()]
        scored = [work.shard.exists() for work in plan.scorings()] if all(s.exists() for s in answers) else [False] * 2
        return list(zip([shard.exists() for shard in answers], scored, strict=True))

    assert tds("generate", "-r", "report.yml", "--start", "0", "--end", "1").returncode == 0
    assert done() == [(True, False), (False, False)]
    assert tds("score", "-r", "report.yml", "--start", "2").returncode == 0
    assert done() == [(True, False), (True, True)]
    line = tds("score", "-r", "report.yml", "--end", "9")
    assert (line.returncode, line.stderr) == (2, "tds: --end 9: rows are counted from 0; give 1 to 4\n")
