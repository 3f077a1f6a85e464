"""Numbers as pages write them, and the words beside them."""

from __future__ import annotations

import pytest

from tds_atlas.report.numbers import counted, plural, plus_minus, within


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 words stand"), (1, "1 word stands"), (2, "2 words stand"), (1234, "1,234 words stand")]
)
def test_one_has_another_word_than_none_or_several(count: int, said: str) -> None:
    assert f"{counted(count, 'word')} {plural(count, 'stands', 'stand')}" == said
    assert counted(count, "word stands", "words stand") == said


def test_an_interval_without_ends_is_not_written() -> None:
    assert within({"low": 0.021, "high": 1.0}) == within({"low_share": 0.021, "high_share": 1.0}) == "\u00a0(2.1–100.0)"
    assert within({"low": None, "high": None}) == within(None) == ""


@pytest.mark.parametrize(
    ("half", "written"),
    [
        (0.021, " ± 2.1 points"),
        (0.0004, " ± under 0.1 points"),
        (0.0, " points, alike in every prompt"),
        (None, " points"),
    ],
)
def test_half_of_an_interval_is_never_written_as_nothing(half: float | None, written: str) -> None:
    assert plus_minus(half, "points").replace("\u00a0", " ") == written
