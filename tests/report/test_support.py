"""The page on what both models' likeliest tokens share: slow versions, lists and words planted by hand, and what is not known."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest

from tds_atlas.report import query
from tests import intervals
from tests.report import synthetic
from tests.report.sheets import made_up, sheet

List = list[tuple[int, float]]  # ids and probabilities, likeliest first
NUMBERS = "k, shared, base_mass, aligned_mass, favoured_base, favoured_aligned"


def slow(base: List, aligned: List, k: int) -> tuple[float, ...]:
    """By the definitions, over sets: S and T are the first k; favoured is what the base gives more for certain."""
    k = min(k, len(base), len(aligned))
    p, q, last = dict(base), dict(aligned), aligned[-1][1]
    common = {i for i, _ in base[:k]} & {i for i, _ in aligned[:k]}
    favoured = [i for i in p if p[i] > q.get(i, last)]
    masses = [sum(p[i] for i in common), sum(q[i] for i in common)]
    return k, len(common), *masses, sum(p[i] for i in favoured), sum(q.get(i, last) for i in favoured)


def drawn(draw: random.Random, size: int) -> List:
    weights = sorted((draw.random() ** 3 for _ in range(40)), reverse=True)
    return [(i, w / sum(weights)) for i, w in zip(draw.sample(range(60), size), weights, strict=False)]


def put(con: duckdb.DuckDBPyConnection, condition: str, at: tuple[str, int], listed: List | None) -> None:
    ids, logs = ([i for i, _ in listed], [math.log(p) for _, p in listed]) if listed is not None else (None, None)
    sql = "UPDATE score SET top_ids = ?, top_logprobs = ? WHERE condition_id = ? AND response_id = ? AND pos = ?"
    con.execute(sql, [ids, logs, condition, *at])


@pytest.fixture
def con(tmp_path: Path) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(synthetic.write(tmp_path / "made.duckdb", rich=True, noise=True)))


def test_the_view_against_sets(con: duckdb.DuckDBPyConnection) -> None:
    """Lists of several lengths, one of them empty and one not known: no row there."""
    draw, wanted = random.Random(5), {}
    for n, (base_size, aligned_size) in enumerate([(12, 12), (10, 30), (30, 3), (1, 1), (5, 0), (7, None), (40, 40)]):
        at = ("sft·chat/p2", n)
        base, aligned = drawn(draw, base_size), None if aligned_size is None else drawn(draw, aligned_size)
        put(con, "base·plain", at, base)
        put(con, "sft·chat", at, aligned)
        if aligned:
            wanted[n] = base, aligned
    for k, source in ((10, "support"), (3, "support_at(3)")):
        sql = f"SELECT pos, {NUMBERS} FROM {source} WHERE comparison_id = 'c-1' AND response_id = 'sft·chat/p2' AND pos < 7"
        found = {pos: numbers for pos, *numbers in con.execute(sql).fetchall()}
        assert found.keys() == wanted.keys()
        for pos, lists in wanted.items():
            assert found[pos] == pytest.approx(slow(*lists, k), abs=1e-6)


def _plant(con: duckdb.DuckDBPyConnection) -> None:
    """In the first five tokens the lists share one of ten; later all ten, in the same order and with the same numbers."""
    for condition, turn in (("base·plain", 0), ("sft·chat", 9)):
        ids = f"list_transform(range(10), lambda i: i + CASE WHEN pos < 5 THEN {turn} ELSE 0 END)"
        logs = "list_transform(range(10), lambda i: ln(power(2.0, -1 - i)))"
        con.execute(f"UPDATE score SET top_ids = {ids}, top_logprobs = {logs} WHERE condition_id = '{condition}'")


def test_planted_lists_are_found(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    _plant(con)
    con.close()
    text = sheet(tmp_path / "made.duckdb", "findings/support.md")
    said = "10.0 % are shared among the first five tokens of an answer and 100.0 % among the later ones: fewer, by 90.0 points, alike in every prompt"
    assert f"- **base → sft 1 <i>**: {said}" in text
    report = query.connect(tmp_path / "made.duckdb")
    name, half = "base → sft 1 <i>", 2.0**-10
    curve = [r for r in query.rows(report, "figures/support_by_position") if r["comparison"] == name]
    assert {r["position"] < 5: r["share"] for r in curve} == pytest.approx({True: 0.1, False: 1.0})
    lines = {
        (r["line"], r["position"] < 5): r["share"] for r in query.rows(report, "figures/support_mass")[: len(curve) * 2]
    }
    assert lines["base", True] == pytest.approx(half) and lines["aligned", True] == pytest.approx(0.5)
    taken = {
        (r["line"], r["position"] < 5): r["share"]
        for r in query.rows(report, "figures/suppressed_mass")[: len(curve) * 2]
    }
    # The aligned list ends at 2^-10, so of the base's ten all but the last (which both have) are known to lose.
    assert taken["base", True] == pytest.approx(1 - 2 * half) and taken["base", False] == 0


def test_shares_are_clustered_by_prompt(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    draw = random.Random(7)
    places = con.execute('SELECT response_id, pos FROM "position" ORDER BY ALL').fetchall()
    for at in places:
        put(con, "base·plain", at, drawn(draw, 12))
    con.close()
    report = query.connect(tmp_path / "made.duckdb")
    rows = report.sql(
        "SELECT cluster_id, role, shared / s.k AS x FROM support s JOIN tds USING (comparison_id, response_id, pos)"
        " WHERE comparison_id = 'c-1'"
    ).fetchall()
    assert query.rows(report, "pages/support")[0]["shared"] == pytest.approx(_bounds(rows), abs=1e-5)
    styled = next(r for r in query.rows(report, "figures/support_by_role") if r["role"] == "style")
    found = {"mean": styled["share"], "low": styled["low_share"], "high": styled["high_share"]}
    assert found == pytest.approx(_bounds([row for row in rows if row[1] == "style"]), abs=1e-5)


def _bounds(rows: Sequence[tuple[str, str, float]]) -> dict[str, float]:
    sums = {prompt: [x for name, _, x in rows if name == prompt] for prompt, _, _ in rows}
    low, high = intervals.share_bounds([(sum(x), len(x)) for x in sums.values()])
    return {"mean": sum(x for _, _, x in rows) / len(rows), "low": low, "high": high}


def test_decision_words_at_high_disagreement(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Every answer closes with "let": JS is put there, or is the same everywhere."""
    words = con.execute(
        "SELECT response_id, pos, word, decides FROM decisions() WHERE comparison_id = 'c-1'"
    ).fetchall()
    deciding = [(r, pos) for r, pos, word, decides in words if decides]
    assert len(deciding) > 15 and {word for _, _, word, decides in words if decides} == {"let"}
    con.execute("UPDATE divergence SET js = 0.1 + 0.2 * (hash(response_id, pos) % 100) / 100")
    con.executemany(
        "UPDATE divergence SET js = 0.6 WHERE response_id = ? AND pos = ? AND comparison_id = 'c-1'", deciding
    )
    con.execute("UPDATE divergence SET js = 0.1 WHERE comparison_id = 'c-2'")
    con.close()
    report = query.connect(tmp_path / "made.duckdb")
    rows = {r["comparison"]: r for r in query.rows(report, "figures/decision_words")}
    row, high = rows["base → sft 1 <i>"], math.ceil(len(words) / 10)
    assert row["times"] == pytest.approx(len(words) / high, rel=0.1) and row["low_times"] > 1 and row["q"] < 1e-6
    assert "base → sft 2 <i>" not in rows  # no disagreement is high where all are the same
    assert "more often there than elsewhere" in sheet(tmp_path / "made.duckdb", "findings/support.md")


def test_what_is_not_known_is_not_said(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    con.execute("UPDATE score SET top_ids = NULL, top_logprobs = NULL")
    con.close()
    text = sheet(tmp_path / "made.duckdb", "findings/support.md")
    assert "decision words" in text and "likeliest tokens at" not in text and "went elsewhere" not in text
    assert "no A/A check" in made_up("findings/support.md")
