"""The false discovery rate of many tests at once: Benjamini-Hochberg, told apart from everything it could be taken for.

The data is drawn so that each neighbouring rule (no correction, Bonferroni's, places off by one, no way up from a larger
place) decides otherwise of at least one of the tests; a test says so, lest the others pass on data that tells nothing.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import duckdb
import pytest

from tds_atlas.report import query
from tests.report import synthetic
from tests.report.chance import drawn_p, word_p

TAGS = 12
SEED = 65  # of data that tells the rules apart
Rule = Callable[[Sequence[float]], list[bool]]


def benjamini_hochberg(ps: Sequence[float]) -> list[bool]:
    """From the textbook: the largest place i whose p is at most 0.05 i / m, and everything up to it."""
    ordered = sorted(ps)
    limit = max((p for i, p in enumerate(ordered, 1) if p <= 0.05 * i / len(ps)), default=-1.0)
    return [p <= limit for p in ps]


def by_place(shift: int, step_up: bool) -> Rule:
    def rule(ps: Sequence[float]) -> list[bool]:
        ordered = sorted(ps)
        kept = [p <= 0.05 * (i + shift) / len(ps) for i, p in enumerate(ordered, 1)]
        last = max((i for i, keeps in enumerate(kept) if keeps), default=-1)
        return [ordered.index(p) <= last if step_up else kept[ordered.index(p)] for p in ps]

    return rule


OTHERS: dict[str, Rule] = {
    "no correction": lambda ps: [p <= 0.05 for p in ps],
    "Bonferroni": lambda ps: [p <= 0.05 / len(ps) for p in ps],
    "a place too far": by_place(1, True),
    "a place too near": by_place(-1, True),
    "no way up": by_place(0, False),
}


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    """Each prompt has one tag: its task, topic and file, and the only word of its answer; some tags are shifted more."""
    path = synthetic.write(tmp_path_factory.mktemp("db") / "made.duckdb", prompts=TAGS * 10, comparisons=1)
    rng = random.Random(SEED)
    rates = [0.3 + 0.22 * rng.gauss(0, 1) * (k % 2) for k in range(TAGS)]
    with duckdb.connect(str(path)) as con:
        sql = "SELECT response_id, ordinal, n_tokens FROM response JOIN prompt USING (prompt_id) ORDER BY response_id"
        rows = []
        for r, ordinal, n in con.execute(sql).fetchall():
            rate = rates[(ordinal - 1) % TAGS] + rng.uniform(-0.25, 0.25)
            rows += [{"r": r, "p": p, "n": 4 if rng.random() < rate else 3} for p in range(n)]
        con.execute("CREATE TEMP TABLE drawn(r VARCHAR, p INTEGER, n INTEGER)")
        synthetic.insert(con, "drawn", rows)
        con.execute(
            "UPDATE score SET rank = n FROM drawn WHERE response_id = r AND pos = p AND condition_id = 'base·plain'"
        )
        tag = f"'tag ' || ((ordinal - 1) % {TAGS})"
        letter = f"chr(97 + (ordinal - 1) % {TAGS})"  # a word of its own for each tag, a token long
        con.execute(
            f"UPDATE response r SET text = repeat(' ' || {letter}, n_tokens) FROM prompt q WHERE q.prompt_id = r.prompt_id"
        )
        con.execute('UPDATE "position" SET token_id = 1, is_end = false, char_start = 2 * pos, char_end = 2 * pos + 2')
        con.execute(f'UPDATE prompt SET tasks = [{tag}], topics = [{tag}], "set" = {tag}')
    return query.connect(path)


@pytest.fixture(scope="module")
def ps(con: duckdb.DuckDBPyConnection) -> dict[str, float]:
    """A slow p for each tag: of the excess of its prompts over the overall share, against as many drawn at random."""
    sql = """SELECT "set", count(*), count(*) FILTER (base_rank >= 4) FROM tds JOIN prompt USING (prompt_id) GROUP BY prompt_id, "set" """
    prompts = con.execute(sql).fetchall()
    every = [(tag, (x, n)) for tag, n, x in prompts]
    return {tag: drawn_p([r for t, r in every if t == tag], [r for _, r in every]) for tag, _ in every}


@pytest.mark.parametrize("rule", OTHERS)
def test_the_data_tells_the_rule_from_its_neighbours(ps: dict[str, float], rule: str) -> None:
    values = list(ps.values())
    assert OTHERS[rule](values) != benjamini_hochberg(values), sorted(values)


@pytest.mark.parametrize("key", ["task", "topic", "set"])
def test_which_tags_stand_out(con: duckdb.DuckDBPyConnection, ps: dict[str, float], key: str) -> None:
    rows = query.rows(con, f"figures/shift_by_{key}")
    assert {row[key]: row["p"] for row in rows} == pytest.approx(ps, abs=2e-6)
    wanted = dict(zip(ps, benjamini_hochberg(list(ps.values())), strict=True))
    assert {row[key]: row["stands_out"] for row in rows} == wanted


def test_which_words_stand_out(con: duckdb.DuckDBPyConnection) -> None:
    rows = query.rows(con, "figures/shift_ratio_words")
    every: dict[str, list[bool]] = {}
    by_word: dict[str, dict[str, list[bool]]] = {}
    for prompt, word, hit in con.execute("SELECT prompt_id, word, shift = 'shifted' FROM word").fetchall():
        every.setdefault(prompt, []).append(hit)
        by_word.setdefault(word, {}).setdefault(prompt, []).append(hit)
    ps = {word: word_p(counts, every) for word, counts in by_word.items()}
    assert {row["word"]: row["p"] for row in rows} == pytest.approx(ps, rel=1e-4, abs=2e-6)
    wanted = dict(zip(ps, benjamini_hochberg(list(ps.values())), strict=True))
    assert {row["word"]: row["stands_out"] for row in rows} == wanted
    above = sum(row["share"] > row["overall_share"] for row in rows if row["stands_out"])
    assert {(row["above"], row["below"]) for row in rows} == {(above, sum(wanted.values()) - above)}
