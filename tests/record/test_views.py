"""What the views compute against independent slow versions: AlignTDS's numbers, the split by prompt and weights, A/A checks."""

from __future__ import annotations

import math
import random
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from tds_atlas.record.schema import SQL
from tests.report import synthetic
from tests.report.synthetic import insert

Side = list[tuple[int, str, float]]  # ids, what each decodes to, and probabilities, likeliest first


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.execute(SQL["schema"] + SQL["views"])
    return con


def side(draw: random.Random, words: list[str], size: int) -> Side:
    """A list of `size` ids and probabilities, renormalised over them."""
    weights = sorted((draw.random() ** 4 for _ in range(size)), reverse=True)
    ids = draw.sample(range(len(words)), size)
    return [(i, words[i], x / sum(weights)) for i, x in zip(ids, weights, strict=True)]


def slow(b: Side, a: Side, k: int) -> dict[str, float]:
    """AlignTDS's definitions (facts/aligntds.md) over sets of strings, each standing for the likeliest id that decodes to it.

    nDCG compares ids and reads the whole of both lists, which are equally long: gain = the sum over the base's list of
    relevance / log2(place + 1), relevance = 1 / log2(place in the aligned list + 1) or 0, divided by the gain of equal lists.
    """
    first, second = [w for _, w, _ in b[:k]], [w for _, w, _ in a[:k]]
    pb, pa = (
        (lambda w: b[first.index(w)][2] if w in first else 0.0),
        (lambda w: a[second.index(w)][2] if w in second else 0.0),
    )
    either = set(first) | set(second)
    relevance = {i: 1 / math.log2(place + 1) for place, (i, _, _) in enumerate(a, 1)}
    gain = sum(relevance.get(i, 0) / math.log2(place + 1) for place, (i, _, _) in enumerate(b, 1))
    return {
        "jaccard": len(set(first) & set(second)) / len(either),
        "ws": sum(pb(w) * pa(w) for w in either),
        "kl": sum(pb(w) * math.log(pb(w) / pa(w)) for w in either if pb(w) > 0 and pa(w) > 0),
        "tr": first.index(second[0]) if second[0] in first else k,
        "tp": pb(second[0]),
        "btp": (pb(second[0]) + pa(first[0])) / 2,
        "ndcg": gain / sum(1 / math.log2(place + 1) ** 2 for place in range(1, len(a) + 1)),
    }


def macros(con: duckdb.DuckDBPyConnection, b: Side, a: Side, k: int) -> dict[str, float]:
    (bi, bw, bp), (ai, aw, ap) = (zip(*s, strict=True) for s in (b, a))
    lists = {"b": bw, "pb": bp, "a": aw, "pa": ap, "bi": bi, "ai": ai}
    sql = """SELECT aligntds_jaccard(b, a, k), aligntds_ws(b, pb, a, pa, k), aligntds_kl(b, pb, a, pa, k), aligntds_tr(b, a, k),
             aligntds_tp(b, pb, a, k), (aligntds_tp(b, pb, a, k) + aligntds_tp(a, pa, b, k)) / 2, aligntds_ndcg(bi, ai)
             FROM (SELECT $b AS b, $pb AS pb, $a AS a, $pa AS pa, $bi AS bi, $ai AS ai, $k AS k)"""
    (row,) = con.execute(sql, {name: list(values) for name, values in lists.items()} | {"k": k}).fetchall()
    return dict(zip(("jaccard", "ws", "kl", "tr", "tp", "btp", "ndcg"), row, strict=True))


@pytest.mark.parametrize("seed", range(40))
def test_aligntds_numbers_equal_their_definitions(con: duckdb.DuckDBPyConnection, seed: int) -> None:
    draw = random.Random(seed)
    words = [f"w{i}" for i in range(draw.choice([30, 40, 90]))] + ["\ufffd"] * (seed % 9)  # one string of several ids
    b, a = side(draw, words, 30), side(draw, words, 30)
    for k in (1, 5, 10, 30, 50):
        assert macros(con, b, a, k) == pytest.approx(slow(b, a, k), abs=1e-12)


def test_aligntds_quirks_by_hand(con: duckdb.DuckDBPyConnection) -> None:
    """Equal lists: WS Σp² and not 1. Disjoint lists: KL 0. KL on the intersection goes below 0. A probability of 0 is no
    division. Ids that decode alike are one string, the likeliest, for all but nDCG."""
    b, other = [(1, "x", 0.5), (2, "y", 0.5)], [(3, "z", 0.7), (4, "v", 0.3)]
    same = {"jaccard": 1, "ws": 0.5, "kl": 0, "tr": 0, "tp": 0.5, "btp": 0.5, "ndcg": 1}
    assert macros(con, b, b, 2) == pytest.approx(same)
    assert macros(con, b, other, 2) == pytest.approx(dict.fromkeys(same, 0) | {"tr": 2})
    below = macros(con, [(1, "x", 0.2), (2, "y", 0.8)], [(1, "x", 0.9), (3, "z", 0.1)], 2)
    assert below["kl"] == pytest.approx(0.2 * math.log(2 / 9))
    assert macros(con, [(1, "x", 1.0), (2, "y", 0.0)], [(1, "x", 1.0), (2, "y", 0.0)], 2)["kl"] == 0
    alike = macros(con, [(7, "?", 0.6), (8, "?", 0.4)], [(8, "?", 0.9), (9, "x", 0.1)], 2)
    ndcg = 1 / math.log2(3) / (1 + 1 / math.log2(3) ** 2)  # id 8: first in the aligned list, second in the base's
    assert alike == pytest.approx(
        {"jaccard": 0.5, "ws": 0.54, "kl": 0.6 * math.log(2 / 3), "tr": 0, "tp": 0.6, "btp": 0.75, "ndcg": ndcg}
    )


Lists = dict[int, tuple[Side, Side]]  # both models' lists by position


def listed(kept: int) -> tuple[duckdb.DuckDBPyConnection, Lists]:
    """A database with `kept` candidates of both sides at 40 positions, the last the end token; some mass is elsewhere."""
    draw, con, words = random.Random(kept), duckdb.connect(), [f"w{i % 70}" for i in range(100)]
    con.execute(SQL["schema"] + SQL["views"])
    synthetic.describe(con, ["base·plain", "sft·chat"], len(words))
    unknown = {"tokenizer_id": "tok", "is_word_start": False, "is_special": False}
    insert(con, "token", [unknown | {"token_id": i, "decoded": w if i < 97 else None} for i, w in enumerate(words)])
    words[97:] = [""] * 3  # ids that the tokenizer does not have decode to nothing
    names = {"comparison_id": "c", "base_condition_id": "base·plain", "aligned_condition_id": "sft·chat"}
    insert(con, "comparison", [names | {"ordinal": 1, "label": "c", "kind": "tuning", "source": "s"}])
    answer = {"response_id": "s/1", "prompt_id": "1", "source": "s", "text": "", "n_tokens": 40, "finish": "stop"}
    insert(con, "response", [answer | {"boundary": False}])
    spans = {"response_id": "s/1", "token_id": 1, "char_start": 0, "char_end": 0, "role": "glue"}
    insert(con, "position", [spans | {"pos": pos, "is_end": pos == 39} for pos in range(40)])
    scores, lists = [], Lists()
    for pos in range(40):
        lists[pos] = b, a = tuple([(i, w, 0.9 * p) for i, w, p in side(draw, words, kept)] for _ in range(2))
        for c, said in (("base·plain", b), ("sft·chat", a)):
            row = {"response_id": "s/1", "pos": pos, "condition_id": c, "logprob": -1.0, "rank": 1, "entropy": 1.0}
            scores.append(row | {"top_ids": [i for i, *_ in said], "top_logprobs": [math.log(p) for *_, p in said]})
    insert(con, "score", scores)
    return con, lists


def renormalised(lists: tuple[Side, Side], size: int) -> tuple[Side, Side]:
    b, a = ([(i, w, p / sum(q for *_, q in s[:size])) for i, w, p in s[:size]] for s in lists)
    return b, a


def class_of(tr: float) -> str:
    return "unshifted" if tr < 1 else "marginal" if tr < 3 else "shifted"


@pytest.mark.parametrize("kept", [20, 30, 40])
def test_the_aligntds_view_against_its_definitions(kept: int) -> None:
    """From stored ids and log-probabilities: the first 30 decoded and renormalised, the end token left out."""
    con, lists = listed(kept)
    expected = {}
    for pos, both in lists.items():
        b, a = renormalised(both, 30)
        at10, at50 = slow(b, a, 10), slow(b, a, 50)
        numbers = (at50["tr"], at50["tp"], at10["btp"], at10["jaccard"], at10["ws"], at10["kl"], at50["ndcg"])
        expected[pos] = (class_of(at10["tr"]), *numbers)
    found = con.execute(
        "SELECT pos, shift, tr, tp, btp, jaccard_10, ws_10, kl_10, ndcg FROM aligntds ORDER BY pos"
    ).fetchall()
    assert [row[0] for row in found] == list(range(39))
    for pos, shift, *values in found:
        assert shift == expected[pos][0] and values == pytest.approx(expected[pos][1:], rel=1e-5, abs=1e-6)
    assert 50 in {row[2] for row in found} and len({row[1] for row in found}) > 1


@pytest.mark.parametrize("k", [10, 30, 50])
def test_aligntds_numbers_at_any_k_against_their_definitions(k: int) -> None:
    """Of 50 stored: lists of 30 are renormalised as the code does, longer ones over what is asked for."""
    con, lists = listed(50)
    names = ("tr", "tp", "btp", "jaccard", "ws", "kl", "ndcg")
    found = con.execute(f"SELECT pos, shift, {', '.join(names)} FROM aligntds_at({k}) ORDER BY pos").fetchall()
    assert [row[0] for row in found] == list(range(39))
    for pos, shift, *values in found:
        numbers = slow(*renormalised(lists[pos], max(k, 30)), k)
        assert shift == class_of(numbers["tr"])
        assert values == pytest.approx([numbers[name] for name in names], rel=1e-5, abs=1e-6)
    assert len({row[1] for row in found}) > 1


@pytest.mark.parametrize("k", [0, 31, 50])
def test_more_candidates_than_were_stored_is_said(k: int) -> None:
    con, _ = listed(30)
    assert con.execute("SELECT count(*) FROM aligntds_at(30)").fetchall() == [(39,)]
    with pytest.raises(duckdb.InvalidInputException, match=rf"aligntds_at\({k}\): k is 1 to 30, which score.top_k stored"):
        con.execute(f"SELECT count(*) FROM aligntds_at({k})").fetchall()


def test_checks_of_arithmetic_stand_in_noise_and_nowhere_else(tmp_path: Path) -> None:
    with duckdb.connect(str(synthetic.write(tmp_path / "made.duckdb", prompts=4, noise=True))) as con:
        for name in ("tds", "example", "split", "aligntds"):
            found = con.execute(f"SELECT DISTINCT comparison_id FROM {name} ORDER BY ALL").fetchall()
            assert found == [("c-1",), ("c-2",)], name
        rows = con.execute("SELECT rank, rank_again, class_flips, arithmetic, comparison_id FROM noise").fetchall()
        assert {row[3:] for row in rows} == {("rebatched", "noise-1")}
        assert all(flips == ((a > 3, a > 1) != (b > 3, b > 1)) for a, b, flips, *_ in rows) and any(r[2] for r in rows)


def test_the_split_adds_up_and_is_null_where_a_condition_is_missing(tmp_path: Path) -> None:
    """Both orders add up, every term against the scores themselves; without the further conditions only delta is there."""
    terms = "delta, context, weights, weights_first, context_after, interaction"
    with duckdb.connect(str(synthetic.write(tmp_path / "a.duckdb", prompts=5, noise=True))) as con:
        bare = con.execute(f"SELECT {terms} FROM split").fetchall()
    assert bare and all(row[0] is not None and row[1:] == (None,) * 5 for row in bare)
    with duckdb.connect(str(synthetic.write(tmp_path / "b.duckdb", prompts=5, noise=True, further=True))) as con:
        said: dict[tuple[str, int], dict[str, float]] = {}
        for response, pos, condition, x in con.execute(
            "SELECT response_id, pos, condition_id, logprob FROM score"
        ).fetchall():
            said.setdefault((response, pos), {})[condition] = x
        found = con.execute(f"SELECT response_id, pos, {terms} FROM split WHERE comparison_id = 'c-1'").fetchall()
        assert len(found) == len(said)
        for response, pos, delta, context, weights, weights_first, context_after, interaction in found:
            x = said[response, pos]
            assert delta == pytest.approx(x["sft·chat"] - x["base·plain"], abs=1e-6)
            assert context == pytest.approx(x["base·chat"] - x["base·plain"], abs=1e-6)
            assert weights_first == pytest.approx(x["sft·plain"] - x["base·plain"], abs=1e-6)
            assert context + weights == pytest.approx(delta, abs=1e-5)
            assert weights_first + context_after == pytest.approx(delta, abs=1e-5)
            assert interaction == pytest.approx(weights - weights_first, abs=1e-9)
        con.execute("DELETE FROM score WHERE condition_id = 'sft·plain'")
        assert con.execute(
            "SELECT count(weights) > 0, count(weights_first), count(interaction) FROM split"
        ).fetchall() == [(True, 0, 0)]
        con.execute(
            "UPDATE score SET logprob = NULL WHERE condition_id = 'base·plain' AND pos = 1"
        )  # the base lacks the token
        row = con.execute(f"SELECT DISTINCT {terms.split(', weights')[0]} FROM split WHERE pos = 1").fetchall()
        assert row == [(None, None)] and con.execute("SELECT count(*) FROM split").fetchall() == [(2 * len(said),)]


def test_between_equal_contexts_the_split_is_all_weights(tmp_path: Path) -> None:
    with duckdb.connect(str(synthetic.write(tmp_path / "made.duckdb", prompts=5, comparisons=1, further=True))) as con:
        con.execute("UPDATE comparison SET base_condition_id = 'base·chat'")
        rows = con.execute(
            "SELECT delta, context, weights, weights_first, context_after, interaction FROM split"
        ).fetchall()
    assert rows and all(row == (row[0], 0, row[0], row[0], 0, 0) for row in rows)
    assert any(row[0] != 0 for row in rows)


@pytest.mark.parametrize(
    "view", ["tds", "paired", "noise", "split", "stage", "primed", "word", "candidate", "example", "aligntds"]
)
def test_a_limit_over_a_view_comes_back(view: str, tmp_path: Path) -> None:
    """In a process of its own: where DuckDB takes equal parts of a view together, a LIMIT never ends."""
    path = synthetic.write(tmp_path / "made.duckdb", noise=True, further=True, rich=True)
    code = f"import duckdb; print(len(duckdb.connect({str(path)!r}, read_only=True).execute('FROM {view} LIMIT 2').fetchall()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "2", done.stderr
