"""Answers cut before their end: what is not known of them is not counted, wherever an answer's end matters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tds_atlas.report import figures, query
from tests.report import synthetic
from tests.report.sheets import sheet

# How an answer ended, how many tokens it has, and where it first leaves the base's own choice (from 0).
CASES: list[tuple[str, int, int | None]] = [
    ("stop", 6, 1),  # parts at its second token
    ("length", 3, None),  # cut after three: out of the count there, but never parted
    ("stop", 4, None),  # ended by itself as the base would have: never parts
    ("length", 6, 4),  # parts at its fifth token, before its cut
    ("unknown", 5, None),  # as one that was cut
    ("stop", 7, 5),  # parts at its sixth
]
Z = 1.959964


def database(path: Path, cases: Sequence[tuple[str, int, int | None]]) -> duckdb.DuckDBPyConnection:
    """One comparison, an answer for each case: rank 1 up to where it parts, and 2 there."""
    synthetic.write(path, prompts=len(cases), comparisons=1, shifted=False)
    with duckdb.connect(str(path)) as con:
        for i, (finish, n, parts) in enumerate(cases, 1):
            of = f"response_id = 'sft·chat/p{i}'"
            con.execute(f"UPDATE response SET finish = '{finish}', n_tokens = {n} WHERE {of}")
            for table in ("position", "score", "divergence"):
                con.execute(f'DELETE FROM "{table}" WHERE {of} AND pos >= {n}')
            if finish == "stop":  # token 0 of the made-up vocabulary ends an answer
                con.execute(f"""UPDATE "position" SET is_end = true, token_id = 0 WHERE {of} AND pos = {n - 1}""")
            if parts is not None:
                con.execute(f"UPDATE score SET rank = 2 WHERE {of} AND pos = {parts} AND condition_id = 'base·plain'")
    return query.connect(path)


def test_an_answer_that_was_cut_has_not_parted(tmp_path: Path) -> None:
    """Kaplan-Meier by hand: 6 at risk, one parts at 2; one is cut at 3, one at 5, where of 4 one parts; one of 2 at 6."""
    curve = query.rows(database(tmp_path / "x.duckdb", CASES), "figures/first_divergence")
    shares = {0: 1, 2: 5 / 6, 3: 5 / 6, 5: 5 / 6 * 3 / 4, 6: 5 / 6 * 3 / 4 * 1 / 2, 7: 5 / 6 * 3 / 4 * 1 / 2}
    assert {row["tokens"]: row["share"] for row in curve} == pytest.approx(shares)
    counts = {row["tokens"]: (row["parted_answers"], row["answers_at_risk"]) for row in curve if row["tokens"] < 7}
    assert counts == {0: (0, 6), 2: (1, 6), 3: (0, 5), 5: (1, 4), 6: (1, 2)}
    greenwood = 1 / (6 * 5) + 1 / (4 * 3)
    low, high = (shares[5] ** math.exp(s * Z * math.sqrt(greenwood) / abs(math.log(shares[5]))) for s in (1, -1))
    row = next(row for row in curve if row["tokens"] == 5)
    assert (row["low_share"], row["high_share"]) == pytest.approx((low, high))


@pytest.mark.parametrize(("finish", "share"), [("stop", 2 / 3), ("length", 0), ("unknown", 0)])
def test_how_an_answer_ended_decides_what_is_left(tmp_path: Path, finish: str, share: float) -> None:
    """Of three answers two never part. Ended, they stay the base's text; cut before the third parts, they say nothing."""
    cases = [(finish, 3, None), (finish, 3, None), ("stop", 6, 4)]
    table = query.table(database(tmp_path / "x.duckdb", cases), "figures/first_divergence")
    page = sheet(tmp_path / "x.duckdb", "findings/where.md")
    parted = (
        "half of the answers have diverged by token 5"
        if share == 0
        else "fewer than half of the answers have diverged by token 6, the last one seen"
    )
    left = f"{100 * share:.1f} % have not" if share else "all that could be followed have by token 5"
    assert f"In base → sft 1 <i>, {parted}; {left}" in page
    assert table.to_pylist()[-1]["share"] == pytest.approx(share)
    spec = figures.build("first_divergence", table, "Caption.", ["base → sft 1 <i>"]).to_dict()
    half = "half have diverged by token 5" if share == 0 else "fewer than half have diverged by token 6"
    assert f"{half}, {100 * share:.1f}% have not at the end." in spec["description"]


def test_only_answers_that_end_by_themselves_say_where_the_base_would_end(tmp_path: Path) -> None:
    """Every place is a sentence end. The base would end at the first answer's end, within the last, and within two cut ones."""
    database(tmp_path / "x.duckdb", CASES).close()
    ends = [("p1", 5), ("p2", 1), ("p5", 2), ("p6", 2)]
    with duckdb.connect(str(tmp_path / "x.duckdb")) as write:
        write.execute("UPDATE response SET text = repeat('.', 100)")
        write.execute("UPDATE score SET top_ids = [3, 4] WHERE condition_id = 'base·plain'")
        for prompt, pos in ends:
            at = f"condition_id = 'base·plain' AND response_id = 'sft·chat/{prompt}' AND pos = {pos}"
            write.execute(f"UPDATE score SET top_ids = [0, 4] WHERE {at}")
    con = query.connect(tmp_path / "x.duckdb")
    rows = {row["outcome"]: row for row in query.rows(con, "figures/end_stop")}
    assert {name: (row["answers"], row["share"]) for name, row in rows.items()} == {
        name: (3, pytest.approx(1 / 3)) for name in ("earlier", "at the same place", "later")
    }
    (row,) = query.rows(con, "pages/ending")
    assert (row["ends"], row["base_end"]) == (3, pytest.approx(1 / 3))
    assert row["others"] == sum(n - 1 - (finish == "stop") for finish, n, _ in CASES)
    assert sum(r["answers"] for r in query.rows(con, "figures/end_rank")) == 3


def test_pages_count_the_cut_and_the_unknown(tmp_path: Path) -> None:
    con = database(tmp_path / "x.duckdb", CASES)
    wanted: dict[str, dict[str, Any]] = {
        "totals": {"cut": 2},
        "counted": {"answers": 6, "cut": 2, "unknown": 1},
        "sources": {"answers": 6, "cut": 2, "unknown": 1},
        "lengths": {"answers": 6, "stopped": 3, "cut": 2, "unknown": 1, "middle": 5.5},
    }
    for name, counts in wanted.items():
        (row,) = query.rows(con, f"pages/{name}")
        assert counts.items() <= row.items(), name
    assert [r["finish"] for r in query.rows(con, "pages/examples")] == [finish for finish, *_ in CASES]


def test_a_swapped_text_that_was_cut_has_not_ended(tmp_path: Path) -> None:
    path = synthetic.write(tmp_path / "x.duckdb", prompts=8, rich=True)
    with duckdb.connect(str(path)) as con:
        con.execute("UPDATE swap SET finish = 'length' WHERE prompt_id IN ('p1', 'p2') AND method = 'random'")
    con = query.connect(path)
    for row in query.rows(con, "figures/swap_ended"):
        between = row["method"] == "random" and 0 < row["target_share"] < 1
        assert row["outcome_share"] == (0.75 if between else 1)
    for row in (r for r in query.rows(con, "pages/swap_outcomes") if r["outcome"] == "ended"):
        assert row["mean"] == (0.75 if row["method"] == "random" else 1)
    clear = [row for row in query.rows(con, "pages/swap_gap") if row["outcome"] == "ended"]
    assert clear and all(row["reached"] == (0.75 if row["method"] == "random" else 1) for row in clear)


def test_answers_to_one_text_alone_have_no_interval(tmp_path: Path) -> None:
    """Their influences cancel, but for a rounding whose root is no number."""
    database = synthetic.write(tmp_path / "made.duckdb", prompts=10)
    with duckdb.connect(str(database)) as con:
        con.execute("UPDATE prompt SET text = 'one'")
    with closing(query.connect(database)) as con:
        found = query.table(con, "figures/first_divergence").to_pylist()
    assert any(0 < row["share"] < 1 for row in found)
    assert {row["low_share"] for row in found} | {row["high_share"] for row in found} == {None}
