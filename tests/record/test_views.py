"""What the views compute against independent slow versions: AlignTDS's numbers, the split by prompt and weights, A/A checks."""

from __future__ import annotations

import math
import random
from pathlib import Path

import duckdb
import pytest

from builder.record.store import SQL
from tests.report import synthetic

Side = list[tuple[str, float]]  # strings with their probabilities, likeliest first


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.execute(SQL["schema"] + SQL["views"])
    return con


def side(draw: random.Random, words: list[str], size: int) -> Side:
    """A list of `size` words and probabilities, renormalised over them."""
    weights = sorted((draw.random() ** 4 for _ in range(size)), reverse=True)
    return [(w, x / sum(weights)) for w, x in zip(draw.sample(words, size), weights, strict=True)]


def slow(b: Side, a: Side, k: int) -> dict[str, float]:
    """The definitions, over dictionaries by string; of equal strings the first counts."""
    pb, pa = (dict(reversed(s[:k])) for s in (b, a))
    both = pb.keys() & pa.keys()
    found = {
        "jaccard": len(both) / len(pb.keys() | pa.keys()),
        "ws": sum(pb[w] * pa[w] for w in both),
        "kl": sum(pb[w] * math.log(pb[w] / pa[w]) for w in both),
        "tr": next((i for i, (w, _) in enumerate(b[:k]) if w == a[0][0]), k),
    }
    relevance: dict[str, float] = {}
    for rank, (w, _) in enumerate(a):
        relevance.setdefault(w, 1 / math.log2(rank + 2))
    gain = sum(relevance.get(w, 0) / math.log2(i + 2) for i, (w, _) in enumerate(b))
    ideal = sum(1 / math.log2(i + 2) ** 2 for i in range(len(a)))
    return found | {"ndcg": gain / ideal}


def macros(con: duckdb.DuckDBPyConnection, b: Side, a: Side, k: int) -> dict[str, float]:
    lists = {"b": [w for w, _ in b], "pb": [p for _, p in b], "a": [w for w, _ in a], "pa": [p for _, p in a], "k": k}
    sql = """SELECT aligntds_jaccard(b, a, k), aligntds_ws(b, pb, a, pa, k), aligntds_kl(b, pb, a, pa, k),
             aligntds_tr(b, a, k), aligntds_ndcg(b, a) FROM (SELECT $b AS b, $pb AS pb, $a AS a, $pa AS pa, $k AS k)"""
    (row,) = con.execute(sql, lists).fetchall()
    return dict(zip(("jaccard", "ws", "kl", "tr", "ndcg"), row, strict=True))


@pytest.mark.parametrize("seed", range(40))
def test_aligntds_numbers_equal_their_definitions(con: duckdb.DuckDBPyConnection, seed: int) -> None:
    draw = random.Random(seed)
    words = [f"w{i}" for i in range(draw.choice([30, 40, 90]))] + ["\ufffd"] * (seed % 3)  # strings of several ids
    b, a = side(draw, words, 30), side(draw, words, 30)
    for k in (1, 5, 10, 30):
        assert macros(con, b, a, k) == pytest.approx(slow(b, a, k), abs=1e-12)


def test_aligntds_quirks_by_hand(con: duckdb.DuckDBPyConnection) -> None:
    """Equal lists: Jaccard 1, KL 0, WS Σp² and not 1, nDCG 1. Disjoint lists: KL 0. KL on the intersection goes below 0."""
    b, other = [("x", 0.5), ("y", 0.5)], [("z", 0.7), ("v", 0.3)]
    assert macros(con, b, b, 2) == pytest.approx({"jaccard": 1, "ws": 0.5, "kl": 0, "tr": 0, "ndcg": 1})
    assert macros(con, b, other, 2) == pytest.approx({"jaccard": 0, "ws": 0, "kl": 0, "tr": 2, "ndcg": 0})
    assert macros(con, [("x", 0.2), ("y", 0.8)], [("x", 0.9), ("z", 0.1)], 2)["kl"] == pytest.approx(
        0.2 * math.log(2 / 9)
    )


def test_aligntds_view_takes_the_aligned_models_first_choice_and_leaves_out_the_end(tmp_path: Path) -> None:
    with duckdb.connect(str(synthetic.write(tmp_path / "made.duckdb", prompts=3, noise=True))) as con:
        rows = con.execute("SELECT comparison_id, shift, tr, tp, jaccard_10, ndcg FROM aligntds").fetchall()
        (positions,) = con.execute('SELECT count(*) FROM "position" WHERE NOT is_end').fetchone() or (0,)
    assert len(rows) == 2 * positions and {row[0] for row in rows} == {"c-1", "c-2"}
    for _, shift, tr, tp, jaccard, ndcg in rows:  # both sides have the same lists in the made-up report
        assert (shift, tr, jaccard) == ("unshifted", 0, 1) and ndcg == pytest.approx(1)
        assert tp == pytest.approx(0.5 / (1 - 2**-10))


def test_checks_of_arithmetic_stand_in_noise_and_nowhere_else(tmp_path: Path) -> None:
    with duckdb.connect(str(synthetic.write(tmp_path / "made.duckdb", prompts=4, noise=True))) as con:
        for name in ("tds", "example", "split", "aligntds"):
            found = con.execute(f"SELECT DISTINCT comparison_id FROM {name} ORDER BY ALL").fetchall()
            assert found == [("c-1",), ("c-2",)], name
        rows = con.execute("SELECT rank, rank_again, class_flips, arithmetic, comparison_id FROM noise").fetchall()
        assert {row[3:] for row in rows} == {("rebatched", "noise-1")}
        assert all(flips == ((a > 3, a > 1) != (b > 3, b > 1)) for a, b, flips, *_ in rows) and any(r[2] for r in rows)


def test_the_split_adds_up_and_is_null_where_a_condition_is_missing(tmp_path: Path) -> None:
    with duckdb.connect(str(synthetic.write(tmp_path / "made.duckdb", prompts=5))) as con:
        whole = con.execute("SELECT delta FROM split ORDER BY comparison_id, response_id, pos").fetchall()
        assert whole and con.execute("SELECT count(context), count(weights_first) FROM split").fetchall() == [(0, 0)]
        for model, context in (("base", "chat"), ("sft", "plain")):
            name = f"{model}·{context}"
            con.execute("INSERT INTO condition VALUES (?, ?, ?, '', '', [], [], 0, '')", [name, model, context])
            con.execute(
                "INSERT INTO score SELECT response_id, pos, ?, logprob - random(), rank, entropy, top_ids, top_logprobs "
                "FROM score WHERE condition_id = 'base·plain'",
                [name],
            )
        assert con.execute("SELECT delta FROM split ORDER BY comparison_id, response_id, pos").fetchall() == whole
        (one, other, apart) = con.execute(
            """SELECT max(abs(context + weights - delta)), max(abs(weights_first + context_after - delta)),
               max(abs(weights - weights_first - interaction)) FROM split"""
        ).fetchall()[0]
        assert max(one, other, apart) < 1e-5
        check = """SELECT max(abs(s.weights - (a.logprob - b.logprob))) FROM split s
                   JOIN score a ON a.response_id = s.response_id AND a.pos = s.pos AND a.condition_id = 'sft·chat'
                   JOIN score b ON b.response_id = s.response_id AND b.pos = s.pos AND b.condition_id = 'base·chat'"""
        assert con.execute(check).fetchall()[0][0] < 1e-5
