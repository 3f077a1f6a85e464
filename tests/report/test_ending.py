"""The page on endings: outcomes and log-odds against slow versions."""

from __future__ import annotations

import math
from pathlib import Path

import duckdb
import pytest

from builder.report import query
from tests.report import synthetic


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthetic.write(tmp_path_factory.mktemp("db") / "made.duckdb", rich=True, noise=True, further=True)


def test_log_odds_at_the_true_end(database: Path) -> None:
    con = query.connect(database)
    sql = "SELECT base_logprob, aligned_logprob FROM tds WHERE comparison_id = 'c-1' AND is_end"
    changes = [_odds(a) - _odds(b) for b, a in con.execute(sql).fetchall()]
    row = query.rows(con, "pages/ending")[0]
    assert row["ends"] == len(changes) and row["change"] == pytest.approx(sum(changes) / len(changes))


def test_the_base_stops_at_its_first_sentence_end(database: Path) -> None:
    """In the made-up report the end token is always the first of the list: any sentence end within is earlier."""
    con = query.connect(database)
    sql = 'SELECT text, char_start FROM response JOIN "position" USING (response_id) WHERE NOT is_end AND pos > 0'
    early = {text for text, start in con.execute(sql).fetchall() if text[:start].endswith((".", "!", "?", "\n"))}
    answers = [text for (text,) in con.execute("SELECT text FROM response").fetchall()]
    row = query.rows(con, "figures/end_stop")[0]
    assert row["outcome"] == "earlier"
    assert row["share"] == pytest.approx(sum(text in early for text in answers) / len(answers))


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
