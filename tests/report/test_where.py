"""The page on where in the answer: numbers against slow versions."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from tds_atlas.report import query
from tests.report import synthetic
from tests.report.sheets import made_up, pages


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    path = tmp_path_factory.mktemp("db") / "made.duckdb"
    return query.connect(synthetic.write(path, rich=True, noise=True, further=True))


def _positions(con: duckdb.DuckDBPyConnection) -> list[dict]:
    sql = """SELECT t.*, label AS comparison, finish FROM tds t JOIN comparison USING (comparison_id)
             JOIN response r USING (response_id) WHERE comparison_id = 'c-1' ORDER BY response_id, pos"""
    return con.sql(sql).to_arrow_table().to_pylist()


def _own(con: duckdb.DuckDBPyConnection, name: str, comparison: str) -> list[dict]:
    return [row for row in query.rows(con, f"figures/{name}") if row["comparison"] == comparison]


def test_curves_against_slow_versions(con: duckdb.DuckDBPyConnection) -> None:
    rows = _positions(con)
    name, total = rows[0]["comparison"], sum(r["kl_aligned_base"] for r in rows)
    for row in _own(con, "kl_in_first", name):
        early = [r for r in rows if r["pos"] < row["tokens"]]
        assert row["share"] == pytest.approx(sum(r["kl_aligned_base"] for r in early) / total)
        assert row["positions_share"] == pytest.approx(len(early) / len(rows))
    for row in _own(con, "shift_by_tenth", name):
        here = [r for r in rows if 10 * r["pos"] // r["n_tokens"] + 1 == row["tenth"]]
        assert row["share"] == pytest.approx(sum(r["base_rank"] > 3 for r in here) / len(here))
    for figure, keys in (
        ("kl_by_position", {"KL(aligned‖base)": "kl_aligned_base", "KL(base‖aligned)": "kl_base_aligned"}),
        ("entropy_by_position", {"aligned": "aligned_entropy", "base": "base_entropy"}),
    ):
        for row in _own(con, figure, name):
            here = [r[keys[row["line"]]] for r in rows if r["pos"] == row["position"]]
            assert row["nats"] == pytest.approx(sum(here) / len(here)) and row["responses"] == len(here) >= 20


def test_first_divergence_against_a_slow_version(con: duckdb.DuckDBPyConnection) -> None:
    """Kaplan-Meier by hand, for answers that the aligned condition wrote; those of another source are left out."""
    answers: dict[str, list[dict]] = {}
    for row in _positions(con):
        answers.setdefault(row["response_id"], []).append(row)
    lives = []
    for rows in answers.values():
        parts = next((r["pos"] + 1 for r in rows if r["base_rank"] > 1), None)
        ended = float("inf") if rows[0]["finish"] == "stop" else len(rows)
        lives.append((ended if parts is None else parts, parts is not None))
    curve = _own(con, "first_divergence", next(iter(answers.values()))[0]["comparison"])
    for row in curve:
        share = 1.0
        for time in sorted({t for t, parted in lives if parted and t <= row["tokens"]}):
            share *= 1 - sum(t == time and parted for t, parted in lives) / sum(t >= time for t, _ in lives)
        assert row["share"] == pytest.approx(share)
        if row["low_share"] is not None:
            assert 0 <= row["low_share"] <= share <= row["high_share"] <= 1
    assert not {"base → sft 50 <i>"} & {row["comparison"] for row in query.rows(con, "figures/first_divergence")}


def test_early_and_late_against_a_slow_version(con: duckdb.DuckDBPyConnection) -> None:
    rows = _positions(con)
    (found,) = (row for row in query.rows(con, "pages/early_late") if row["label"] == rows[0]["comparison"])
    for key, part in (("early", [r for r in rows if r["pos"] < 5]), ("late", [r for r in rows if r["pos"] >= 5])):
        assert found[key] == pytest.approx(sum(r["base_rank"] > 3 for r in part) / len(part))
    assert found["difference"] == pytest.approx(found["early"] - found["late"]) and found["half_width"] > 0


def test_answers_from_a_file_have_no_first_divergence(tmp_path: Path) -> None:
    path = synthetic.write(tmp_path / "x.duckdb")
    with duckdb.connect(str(path)) as con:
        con.execute("UPDATE response SET condition_id = NULL")
    page = pages(path, "findings/where.md")["findings/where.md"]
    assert "own greedy text" not in page and "first_divergence" not in page


def test_without_a_shift_none_ever_parts() -> None:
    page = made_up("findings/where.md", shifted=False)
    assert "no clear difference" in page and "None" not in page


def test_curves_of_long_answers_stay_drawable(con: duckdb.DuckDBPyConnection) -> None:
    """Altair takes 5,000 rows: three comparisons with two lines each, over answers of 4,000 tokens, are fewer."""
    drawn = [p for (p,) in con.execute("SELECT pos FROM range(4000) t(pos) WHERE drawn_position(pos)").fetchall()]
    assert drawn[:100] == list(range(100)) and drawn[100:103] == [100, 104, 108] and drawn[-2:] == [3968, 3984]
    assert drawn == sorted(set(drawn)) and 6 * len(drawn) < 5000
