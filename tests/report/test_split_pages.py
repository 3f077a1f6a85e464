"""The pages on prompt and weights, and on prompting the base, against loops over the rows of a made-up database."""

from __future__ import annotations

import math
from collections import defaultdict
from pathlib import Path

import duckdb
import pytest

from tds_atlas.report import query
from tests import intervals
from tests.report import synthetic
from tests.report.sheets import made_up, prose

PAGES = ("prompt-or-weights", "primed")
Clusters = dict[str, tuple[float, float]]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lists of six ids, so that two lists share some of their ids only."""
    path = synthetic.write(tmp_path_factory.mktemp("db") / "made.duckdb", rich=True, noise=True, further=True)
    with duckdb.connect(str(path)) as con:
        con.execute("UPDATE score SET top_ids = top_ids[1:6], top_logprobs = top_logprobs[1:6]")
        con.execute(
            'UPDATE score SET logprob = top_logprobs[1] FROM "position" p WHERE score.response_id = p.response_id AND score.pos = p.pos AND p.token_id = top_ids[1]'
        )
    return path


@pytest.fixture(scope="module")
def con(database: Path) -> duckdb.DuckDBPyConnection:
    return query.connect(database)


def clustered(groups: Clusters) -> tuple[float, float]:
    """Mean and half width of a ratio over clusters, as in the definitions."""
    sums = list(groups.values())
    return sum(x for x, _ in sums) / sum(n for _, n in sums), intervals.half_width(sums) or 0


def scores(con: duckdb.DuckDBPyConnection, condition: str) -> dict[tuple[str, int], tuple]:
    sql = "SELECT response_id, pos, rank, logprob, top_ids, top_logprobs FROM score WHERE condition_id = ?"
    return {(r, p): tuple(rest) for r, p, *rest in con.execute(sql, [condition]).fetchall()}


def slow_kl(aligned: tuple, base: tuple, token: int) -> float:
    """Over the ids in both lists, the answer's token, and a rest."""
    p, q = dict(zip(aligned[2], aligned[3], strict=True)), dict(zip(base[2], base[3], strict=True))
    cells = [(p[i], q[i]) for i in p if i in q]
    if not (token in p and token in q):
        cells.append((aligned[1], base[1]))
    kl = sum(math.exp(a) * (a - b) for a, b in cells)
    rest = [1 - sum(math.exp(cell[side]) for cell in cells) for side in (0, 1)]
    if rest[0] > 1e-7:
        kl += rest[0] * math.log(rest[0] / max(rest[1], 1e-7))
    return max(0.0, kl)


def test_parts_and_their_sum(con: duckdb.DuckDBPyConnection) -> None:
    own, aligned, prompted, swapped = (scores(con, c) for c in ("base·plain", "sft·chat", "base·chat", "sft·plain"))
    rows = [r for r in query.rows(con, "figures/split_parts") if r["comparison"] == "base → sft 1 <i>"]
    found = {(r["part"], r["order"]): (r["nats"], r["high_nats"] - r["nats"]) for r in rows}
    pairs = {("both together", "whole"): (aligned, own), ("the prompt", "prompt first"): (prompted, own)}
    pairs |= {("the weights", "prompt first"): (aligned, prompted), ("the weights", "weights first"): (swapped, own)}
    pairs |= {("the prompt", "weights first"): (aligned, swapped)}
    assert set(found) == set(pairs)
    for key, (after, before) in pairs.items():
        groups: Clusters = defaultdict(lambda: (0.0, 0.0))
        for at in own:
            x, n = groups[at[0]]
            groups[at[0]] = x + after[at][1] - before[at][1], n + 1
        assert found[key] == pytest.approx(clustered(groups), abs=1e-6)
    for order in ("prompt first", "weights first"):
        total = found["the prompt", order][0] + found["the weights", order][0]
        assert total == pytest.approx(found["both together", "whole"][0], abs=1e-6)


def test_equal_contexts_are_named_and_not_drawn(con: duckdb.DuckDBPyConnection) -> None:
    (equal,) = query.rows(con, "pages/split_equal")
    assert equal == {"label": "base → sft 51 <i>", "context": "chat"}
    for name in ("split_parts", "split_by_position", "prompt_explains", "prompt_explains_by_role"):
        assert equal["label"] not in {row["comparison"] for row in query.rows(con, f"figures/{name}")}


def test_shifted_tokens_that_the_prompt_explains(con: duckdb.DuckDBPyConnection) -> None:
    own, prompted = scores(con, "base·plain"), scores(con, "base·chat")
    groups: Clusters = defaultdict(lambda: (0.0, 0.0))
    for at in (at for at in own if own[at][0] > 3):
        x, n = groups[at[0]]
        groups[at[0]] = x + (prompted[at][0] == 1), n + 1
    row = next(r for r in query.rows(con, "figures/prompt_explains") if r["shift"] == "unshifted")
    assert (row["low_share"], row["high_share"]) == pytest.approx(
        intervals.share_bounds(list(groups.values())), abs=1e-5
    )
    assert row["share"] == pytest.approx(clustered(groups)[0], abs=1e-8)


def test_recovered_share_against_a_slow_version(con: duckdb.DuckDBPyConnection) -> None:
    aligned, own = scores(con, "sft·chat"), scores(con, "base·plain")
    tokens = {(r, p): t for r, p, t in con.execute('SELECT response_id, pos, token_id FROM "position"').fetchall()}
    for context in ("chat", "few-shot"):
        given, groups = scores(con, f"base·{context}"), defaultdict(lambda: (0.0, 0.0))
        for at in own:
            x, n = groups[at[0]]
            left, whole = (slow_kl(aligned[at], base[at], tokens[at]) for base in (given, own))
            groups[at[0]] = x + whole - left, n + whole
        (row,) = (
            r
            for r in query.rows(con, "figures/primed_recovered")
            if r["context"] == context and r["comparison"] == "base → sft 1 <i>"
        )
        mean, half = clustered(groups)
        assert row["share"] == pytest.approx(mean, abs=1e-6)
        assert row["share"] - row["low_share"] == pytest.approx(half, abs=1e-6)


def test_differences_of_contexts_are_paired(con: duckdb.DuckDBPyConnection) -> None:
    own, given = scores(con, "base·plain"), scores(con, "base·few-shot")
    groups: Clusters = defaultdict(lambda: (0.0, 0.0))
    for at in own:
        x, n = groups[at[0]]
        groups[at[0]] = x + (given[at][0] > 3) - (own[at][0] > 3), n + 1
    row = next(r for r in query.rows(con, "pages/primed_difference") if r["context"] == "few-shot")
    assert (row["difference"], row["half_width"]) == pytest.approx(clustered(groups), abs=1e-5)


def test_the_estimate_from_lists_is_at_most_the_full_kl() -> None:
    """Two distributions over 40 ids: merging ids into cells can only lose."""
    con = duckdb.connect()
    con.execute("SELECT setseed(0.5)")
    for _ in range(50):
        draws = con.execute("SELECT random() * 6, random() * 6 FROM range(40)").fetchall()
        p, q = ([math.exp(d[s]) / sum(math.exp(e[s]) for e in draws) for d in draws] for s in (0, 1))
        full = sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))
        sides = []
        for side in (p, q):
            best = sorted(range(40), key=lambda i, side=side: -side[i])[:8]
            sides.append((1, math.log(side[3]), best, [math.log(side[i]) for i in best]))
        assert slow_kl(sides[0], sides[1], 3) <= full + 1e-9


@pytest.mark.parametrize("options", [{}, {"prompts": 1}, {"rich": True, "shifted": False, "tags": False}])
def test_reports_with_less_have_fewer_pages(options: dict) -> None:
    assert bool(made_up("findings/primed.md", **options)) == options.get("rich", False)
    assert not made_up("findings/prompt-or-weights.md", **options)


@pytest.mark.parametrize("options", [{"prompts": 1}, {"shifted": False}, {"tags": False}, {}])
def test_sentences_survive_any_data(options: dict) -> None:
    for page in PAGES:
        text = prose(made_up(f"findings/{page}.md", rich=True, further=True, **options))
        assert "None" not in text and "nan" not in text.split() and "– of" not in text
        assert "tds-answer-line" in text
