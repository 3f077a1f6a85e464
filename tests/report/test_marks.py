"""Bands, intervals, dots and noted points land where their numbers are: each figure drawn, and measured in its data."""

from __future__ import annotations

from typing import Any

import duckdb
import pyarrow as pa
import pytest

from tds_atlas.report import query
from tds_atlas.report.figures.marks import extreme, percent
from tests.report import synthetic
from tests.report.drawn import Drawn, draw, drawn

# Figures with intervals: the axis, the kind of mark that is the interval, and the columns of its two ends.
INTERVALS = [
    ("shift_by_position", "y", "area", "low_share", "high_share"),
    ("base_probability_by_position", "y", "area", "low_probability", "high_probability"),
    ("kl_by_position", "y", "area", "low_nats", "high_nats"),
    ("entropy_by_position", "y", "area", "low_nats", "high_nats"),
    ("kl_in_first", "y", "area", "low_share", "high_share"),
    ("passage_share", "y", "area", "low_share", "high_share"),
    ("first_divergence", "y", "area", "low_share", "high_share"),
    ("kl_depth", "y", "area", "low_share", "high_share"),
    ("split_by_position", "y", "area", "low_nats", "high_nats"),
    ("shift_by_tenth", "y", "rule", "low_share", "high_share"),
    ("prefill_refusals", "y", "rule", "low_share", "high_share"),
    ("prefill_opening", "y", "rule", "low_probability", "high_probability"),
    ("recovery_by_tokens", "y", "rule", "low_share", "high_share"),
    ("amplified_planted", "y", "rule", "low_share", "high_share"),
    ("amplified_shift", "y", "rule", "low_share", "high_share"),
    ("amplified_texts", "y", "rule", "low_share", "high_share"),
    ("disagreement_by_confidence", "y", "rule", "low_share", "high_share"),
    ("shift_by_confidence", "y", "rule", "low_share", "high_share"),
    ("shift_by_entropy", "y", "rule", "low_share", "high_share"),
    ("stage_first_choice", "x", "rule", "low_share", "high_share"),
    ("stage_credit", "x", "rule", "low_nats", "high_nats"),
    ("stage_promoted", "x", "rule", "low_nats", "high_nats"),
    ("split_parts", "x", "rule", "low_nats", "high_nats"),
    ("end_stop", "x", "rule", "low_share", "high_share"),
    ("end_log_odds", "x", "rule", "low_nats", "high_nats"),
    ("primed_shift", "x", "rule", "low_share", "high_share"),
    ("primed_recovered", "x", "rule", "low_share", "high_share"),
    ("primed_by_role", "x", "rule", "low_share", "high_share"),
    ("primed_by_topic", "x", "rule", "low_share", "high_share"),
    ("prompt_explains_by_role", "x", "rule", "low_share", "high_share"),
    ("shift_by_task", "x", "rule", "low_share", "high_share"),
    ("shift_by_topic", "x", "rule", "low_share", "high_share"),
    ("shift_by_set", "x", "rule", "low_share", "high_share"),
    ("shift_by_role", "x", "rule", "low_share", "high_share"),
    ("shift_ratio_words", "x", "rule", "low_share", "high_share"),
    ("forking_overlap", "x", "rule", "low_share", "high_share"),
    ("calibration_rates", "x", "rule", "low_share", "high_share"),
    ("calibration_precision", "x", "rule", "low_share", "high_share"),
    ("divergence_means", "x", "rule", "low_nats", "high_nats"),
    ("changed_shares", "x", "rule", "low_share", "high_share"),
    ("support_by_role", "x", "rule", "low_share", "high_share"),
    ("primed_left", "x", "rule", "left_nats", "own_nats"),
]


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    path = synthetic.write(
        tmp_path_factory.mktemp("db") / "made.duckdb", prompts=30, rich=True, noise=True, further=True
    )
    return query.connect(path)


def near(pair: tuple[float, float], spans: list[tuple[float, float]]) -> bool:
    return any(pair == pytest.approx(span, rel=1e-6, abs=1e-6) for span in spans)


@pytest.mark.parametrize(("name", "axis", "kind", "low", "high"), INTERVALS, ids=[case[0] for case in INTERVALS])
def test_an_interval_reaches_from_its_low_to_its_high_end(
    con: duckdb.DuckDBPyConnection, name: str, axis: str, kind: str, low: str, high: str
) -> None:
    figure, rows = draw(con, name, axis)
    if kind == "area" and "line" in rows[0]:  # the band is of the first line alone
        first = {"kl_by_position": "KL(aligned‖base)", "entropy_by_position": "aligned"}[name]
        rows = [row for row in rows if row["line"] == first]
    if name == "kl_depth":
        rows = [row for row in rows if row["prompts"] == "harmful"]
    ends = {(row[low], row[high]) for row in rows if row[low] is not None and row[high] is not None}
    assert any(a != b for a, b in ends)
    spans = list(set(figure.spans(kind)))
    missing = [pair for pair in ends if not near(pair, spans)]
    assert not missing, (missing[:3], spans[:3])


def two(value: str) -> pa.Table:
    """Three positions of one comparison; the second is the lowest, the third the highest."""
    rows: list[dict[str, Any]] = [
        {"position": 0, value: 0.5, f"low_{value}": 0.4, f"high_{value}": 0.65},
        {"position": 1, value: 0.2, f"low_{value}": 0.05, f"high_{value}": 0.3},
        {"position": 2, value: 0.7, f"low_{value}": 0.6, f"high_{value}": 0.9},
    ]
    return pa.Table.from_pylist([row | {"comparison": "a", "responses": 20} for row in rows])


def noted(figure: Drawn) -> tuple[float, float, int, str]:
    """The ring's value; the value where the note is anchored, whether it stands above (-1) or below (1), and its words."""
    (ring,) = figure.points("symbol")
    text = next(item for item in figure.items("text") if "dy" in item)
    return ring, figure.value(text["y"]), 1 if text["dy"] > 0 else -1, text["text"]


def test_the_point_to_note_is_ringed_and_its_words_stand_beyond_the_interval() -> None:
    highest = noted(drawn("shift_by_position", two("share"), ["a"], "y"))
    assert highest == (pytest.approx(0.7), pytest.approx(0.9), -1, "70% at 2")
    lowest = noted(drawn("base_probability_by_position", two("probability"), ["a"], "y"))
    assert lowest == (pytest.approx(0.2), pytest.approx(0.05), 1, "20% at 1")


@pytest.mark.parametrize("name", ["swap_refusal", "swap_style", "swap_agreement", "swap_right", "swap_ended"])
def test_the_band_of_a_swap_is_around_its_line(con: duckdb.DuckDBPyConnection, name: str) -> None:
    """A panel for each writer: the zero of the first is that of the axis, and the next is 1.3 below."""
    figure, rows = draw(con, name, "y")
    lifts = [-1.3 * (r["writer"] == "aligned") for r in rows]
    assert len(set(lifts)) == 2
    ends = {(r["low_share"] + y, r["high_share"] + y) for r, y in zip(rows, lifts, strict=True) if r["low_share"] is not None}
    assert not [pair for pair in ends if not near(pair, figure.spans("area"))]
    points = sorted(r["outcome_share"] + y for r, y in zip(rows, lifts, strict=True))
    assert sorted(figure.points("symbol")) == pytest.approx(points)


def test_a_grader_that_gives_numbers_has_an_axis_of_its_own(con: duckdb.DuckDBPyConnection) -> None:
    figure, rows = draw(con, "swap_graded", "y")
    panels = list(dict.fromkeys(r["panel"] for r in rows))
    assert [name.rpartition(", ")[2] for name in panels] == ["polite <b>", "polite <b>", "score", "score"]
    wanted = []
    for i, name in enumerate(panels):
        mine = [r for r in rows if r["panel"] == name]
        alike = [r for r in rows if r["outcome"] == mine[0]["outcome"]]  # one axis for both writers
        low, high = (f(r[k] for r in alike for k in ("low_share", "high_share")) for f in (min, max))
        low, high = (low, high) if name.endswith("score") else (0, 1)
        wanted += [(r["outcome_share"] - low) / (high - low) - 1.3 * i for r in mine]
    assert sorted(figure.points("symbol")) == pytest.approx(sorted(wanted))


def test_dots_and_lines_stand_at_the_number_itself(con: duckdb.DuckDBPyConnection) -> None:
    for name, axis, kind, column in (
        ("shift_by_tenth", "y", "line", "share"),
        ("shift_by_position", "y", "line", "share"),
        ("stage_first_choice", "x", "symbol", "share"),
        ("shift_by_confidence", "y", "line", "share"),
        ("changed_shares", "x", "symbol", "share"),
    ):
        figure, rows = draw(con, name, axis)
        assert sorted(figure.points(kind)) == pytest.approx(sorted(r[column] for r in rows), abs=1e-6), name


def test_numbers_are_written_behind_the_end_of_the_interval(con: duckdb.DuckDBPyConnection) -> None:
    figure, rows = draw(con, "changed_shares", "x")
    assert sorted(figure.points("text")) == pytest.approx(sorted(r["high_share"] for r in rows), abs=1e-6)
    figure, rows = draw(con, "stage_promoted", "x")
    bounds = [r["high_nats" if r["direction"] == "promoted" else "low_nats"] for r in rows]
    assert sorted(figure.points("text")) == pytest.approx(sorted(bounds), abs=1e-6)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ((0.5,), "highest a"),
        ((0.5, 0.7), "highest b"),
        ((0.7, 0.7), "all 2 alike"),
        ((0.7, 0.2, 0.7001), "highest 2 of 3"),
    ],
)
def test_what_is_equal_as_written_has_no_highest(values: tuple[float, ...], says: str) -> None:
    ranked = [{"name": name, "value": value} for name, value in zip("abc", values, strict=False)]
    assert extreme("highest", ranked, "name", "value", percent) == says
