"""The bounds between the classes, 1 | 2-3 | 4 and above: everywhere that a rank becomes a class, over ranks 1 to 5.

Each expectation is a count over the table of scores, by `named`: the definition in README.md and nothing of the project's.
"""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import numpy as np
import pytest

from tds_atlas.domain import Comparison, Condition, Divergence, Prompt, Response, Score
from tds_atlas.pipeline import ask, probes
from tds_atlas.record import score_tables, shards
from tds_atlas.record.shards import Shard
from tds_atlas.report import query
from tests.report import synthetic

RANKS = [1, 2, 3, 4, 5, 4, 1, 3, 4]
BASE, ALIGNED = Condition("base", "plain"), Condition("sft", "chat")
PAIR = Comparison("c", "c", "tuning", BASE, ALIGNED, "sft·chat")
Key = tuple[str, int]  # response, position


def named(rank: int) -> str:
    return ["unshifted", "marginal", "marginal", "shifted"][min(rank, 4) - 1]


def numbers(condition: Condition, ranks: list[int]) -> Score:
    n = len(ranks)
    zeros, top = np.zeros(n, np.float32), np.tile(np.arange(10, 20, dtype=np.int32), (n, 1))
    return Score("r", condition.condition_id, zeros, np.array(ranks, np.int32), zeros, top, np.zeros((n, 10)))


def far(kl: list[float]) -> Divergence:
    values = np.array(kl, np.float32)
    return Divergence("r", "c", values, values, values, values)


def answer() -> Response:
    n = len(RANKS)
    return Response("r", "p", "s", None, "x" * n, tuple(range(n)), tuple((i, i + 1) for i in range(n)), False, "length")


def test_show_names_a_token_by_its_base_rank() -> None:
    scores = {"base·plain": numbers(BASE, RANKS), "sft·chat": numbers(ALIGNED, RANKS[::-1])}
    tokens = tuple(ask.scored_tokens(PAIR, answer(), scores, far([0.0] * len(RANKS)), {}))
    assert [t.shift for t in tokens] == [named(t.base_rank) for t in tokens] == [named(rank) for rank in RANKS]
    shown = ask.ScoredAnswer("?", "c", "base·plain", "sft·chat", "x" * len(RANKS), "length", tokens)
    assert shown.shares == {c: n / len(RANKS) for c, n in Counter(map(named, RANKS)).items()}
    marked = ask.render(shown, 200, colour=False).plain
    assert marked.count("«") - 1 == sum(rank >= 4 for rank in RANKS)  # one stands in the legend


@pytest.mark.parametrize(
    ("ranks", "places"),
    [([4, 4, 1, 4], (0, 3)), ([3, 4, 4, 3, 4], (1, 4)), ([2, 3, 2, 3], ()), ([1, 4, 2, 5, 3, 4, 4], (1, 3, 5))],
)
def test_the_base_goes_on_where_a_run_of_shifted_tokens_begins(
    tmp_path: Path, ranks: list[int], places: tuple[int, ...]
) -> None:
    response = answer()
    n = len(ranks)
    response = Response("r", "p", "s", None, "", response.token_ids[:n], response.spans[:n], False, "length")
    answers, scores = Shard(tmp_path, "responses", "k"), Shard(tmp_path, "scores", "k")
    answers.write({"response": shards.response_table([response])})
    tables = {"score": score_tables.score_table([numbers(BASE, ranks), numbers(ALIGNED, [9] * n)])}
    scores.write(tables | {"divergence": score_tables.divergence_table([far([0.1 * (t + 1) for t in range(n)])])})
    plan: Any = SimpleNamespace(prompts={"p": Prompt("p", "?", "s")})
    work: Any = SimpleNamespace(answers=answers, shard=scores)
    for most in (8, 1):  # where there are many, those of the largest KL, which here grows along the answer
        branches = list(probes._branches(plan, PAIR, work, most))
        assert [b.positions for b in branches] == ([places[-most:]] if places else [])
        assert all(b.firsts == (10,) * len(b.positions) for b in branches)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[duckdb.DuckDBPyConnection, dict[str, dict[Key, int]]]:
    """A report whose conditions have ranks 1 to 5 alike often, and all those ranks by condition."""
    path = synthetic.write(tmp_path_factory.mktemp("db") / "made.duckdb", further=True, rich=True)
    rng = random.Random(7)
    with duckdb.connect(str(path)) as con:
        keys = con.execute("SELECT response_id, pos, condition_id FROM score ORDER BY ALL").fetchall()
        rows = [dict(zip(("r", "p", "c"), key, strict=True), n=rng.randrange(1, 6)) for key in keys]
        con.execute("CREATE TEMP TABLE drawn(r VARCHAR, p INTEGER, c VARCHAR, n INTEGER)")
        synthetic.insert(con, "drawn", rows)
        con.execute("UPDATE score SET rank = n FROM drawn WHERE response_id = r AND pos = p AND condition_id = c")
    ranks: dict[str, dict[Key, int]] = {}
    for row in rows:
        ranks.setdefault(row["c"], {})[row["r"], row["p"]] = row["n"]
    return query.connect(path), ranks


def test_the_views_and_the_page_of_examples_count_the_classes(made: Any) -> None:
    con, ranks = made
    assert con.execute("SELECT shift_class(r) FROM (SELECT unnest([1, 2, 3, 4, 5, 32001]) AS r)").fetchall() == [
        (named(rank),) for rank in (1, 2, 3, 4, 5, 32001)
    ]
    sql = "SELECT response_id, pos, shift FROM tds WHERE comparison_id = 'c-1'"
    assert {(r, p): c for r, p, c in con.execute(sql).fetchall()} == {
        k: named(n) for k, n in ranks["base·plain"].items()
    }
    for row in (r for r in query.rows(con, "pages/examples") if r["comparison_id"] == "c-1"):
        mine = [named(n) for (r, _), n in ranks["base·plain"].items() if r == row["response_id"]]
        for name in ("unshifted", "marginal", "shifted"):
            assert row[f"{name}_share"] == pytest.approx(mine.count(name) / len(mine))
        assert row["first_shifted_pos"] == (mine.index("shifted") if "shifted" in mine else None)


def test_what_a_prompt_explains_by_class(made: Any) -> None:
    """Of the tokens shifted in the base's own context, their classes once it reads the aligned one."""
    con, ranks = made
    own, given = ranks["base·plain"], ranks["base·chat"]
    after = Counter(named(given[k]) for k, n in own.items() if n >= 4)
    rows = [r for r in query.rows(con, "figures/prompt_explains") if " 1 <i>" in r["comparison"]]
    assert {r["shift"]: r["positions"] for r in rows} == after
    names = 'SELECT response_id, pos, role FROM "position"'
    roles = {(r, p): role for r, p, role in con.execute(names).fetchall()}
    for row in (r for r in query.rows(con, "figures/prompt_explains_by_role") if " 1 <i>" in r["comparison"]):
        mine = [named(given[k]) for k, n in own.items() if n >= 4 and row["role"] in ("all", roles[k])]
        assert row["share"] == pytest.approx(1 - mine.count("shifted") / len(mine))


def test_contexts_and_stages_count_the_shifted(made: Any) -> None:
    con, ranks = made
    size = len(ranks["base·plain"])
    share = {c: sum(named(n) == "shifted" for n in mine.values()) / size for c, mine in ranks.items()}
    for row in (r for r in query.rows(con, "figures/primed_shift") if " 1 <i>" in r["comparison"]):
        assert row["share"] == pytest.approx(share[f"base·{row['context']}"])
    for row in (r for r in query.rows(con, "pages/primed_difference") if " 1 <i>" in r["label"]):
        assert row["difference"] == pytest.approx(share[f"base·{row['context']}"] - share["base·plain"])
    sql = "SELECT response_id, pos, token FROM tds WHERE comparison_id = 'c-1'"
    said = {(r, p): token for r, p, token in con.execute(sql).fetchall()}
    steps = {1: ("base·plain", "sft·chat"), 2: ("sft·chat", "dpo·chat")}
    for row in query.rows(con, "pages/stage_set"):
        before, after = (ranks[c] for c in steps[row["place"]])
        made_first = [k for k in after if after[k] == 1 and before[k] != 1]
        assert row["made"] == pytest.approx(len(made_first) / size)
        assert row["from_shifted"] == pytest.approx(sum(named(before[k]) == "shifted" for k in made_first) / size)
        mine = [r for r in query.rows(con, "pages/stage_tokens") if r["comparison"] == row["comparison"]]
        for token in mine:
            here = [k for k in made_first if said[k] == token["token"]]
            assert token["made"] == len(here) and len(mine) == 5
            assert token["from_shifted"] == sum(named(before[k]) == "shifted" for k in here)
