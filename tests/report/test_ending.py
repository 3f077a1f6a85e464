"""The page on endings: outcomes and log-odds against slow versions."""

from __future__ import annotations

import math
from pathlib import Path

import duckdb
import pytest

from tds_atlas.report import query


def test_log_odds_at_the_true_end(database: Path) -> None:
    con = query.connect(database)
    sql = "SELECT base_logprob, aligned_logprob FROM tds WHERE comparison_id = 'c-1' AND is_end"
    changes = [_odds(a) - _odds(b) for b, a in con.execute(sql).fetchall()]
    row = query.rows(con, "pages/ending")[0]
    assert row["ends"] == len(changes) and row["change"] == pytest.approx(sum(changes) / len(changes))


def test_the_base_stops_at_its_first_sentence_end(database: Path) -> None:
    """Earlier where the end token, id 0 of the made-up vocabulary, is the base's first choice at a sentence end within."""
    con = query.connect(database)
    sql = """SELECT response_id, text, char_start, is_end, top_ids[1] FROM response JOIN "position" USING (response_id)
             JOIN score USING (response_id, pos) WHERE score.condition_id = 'base·plain' AND pos > 0"""
    rows = con.execute(sql).fetchall()
    at = [
        (name, end, first)
        for name, text, start, end, first in rows
        if end or text[:start].endswith((".", "!", "?", "\n"))
    ]
    answers = {name for name, end, _ in at if end}
    early = {name for name, end, first in at if not end and first == 0}
    row = query.rows(con, "figures/end_stop")[0]
    assert row["outcome"] == "earlier"
    assert row["share"] == pytest.approx(len(early & answers) / len(answers))


def test_a_token_beyond_the_list_is_censored(database: Path, tmp_path: Path) -> None:
    path = tmp_path / "censored.duckdb"
    path.write_bytes(database.read_bytes())
    with duckdb.connect(str(path)) as con:
        con.execute("UPDATE score SET top_ids = list_transform(top_ids, lambda i: i + 1)")
    row = query.rows(query.connect(path), "figures/end_log_odds")[0]
    assert row["place"] == "sentence end" and row["censored_share"] == 1
    assert row["nats"] == pytest.approx(_odds(math.log(2.0**-10)), rel=1e-5)


def _odds(logprob: float) -> float:
    return logprob - math.log(1 - math.exp(logprob))
