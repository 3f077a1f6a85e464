"""The page on what is shifted: words, substitutions and roles against slow versions, and its sentences under extreme data."""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from itertools import product
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tds_atlas.report import query
from tests import intervals
from tests.report import synthetic
from tests.report.chance import comparisons, define, fill, word_p
from tests.report.sheets import made_up


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("db") / "made.duckdb"
    return synthetic.write(path, prompts=60, rich=True, noise=True, further=True)


def ask(database: Path, sql: str) -> list[tuple[Any, ...]]:
    return query.connect(database).execute(sql).fetchall()


def stratum(pos: int, times: int) -> tuple[int, int]:
    return (0 if pos < 5 else 1 + (pos // 5).bit_length() - 1), (times.bit_length() - 1) // 2


def test_words_that_stand_out_against_a_slow_version(database: Path) -> None:
    found = ask(
        database, "SELECT prompt_id, word, shift = 'shifted' FROM word WHERE comparison_id = 'c-1' AND word <> ''"
    )
    counts: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    every: dict[str, list[bool]] = defaultdict(list)
    for prompt, word, hit in found:
        counts[word][prompt].append(hit)
        every[prompt].append(hit)
    overall = sum(hit for *_, hit in found) / len(found)
    tests = {}
    for word, prompts in counts.items():
        if len(prompts) >= 10:
            tests[word] = word_p(prompts, every)
    ordered = sorted(tests.values())
    limit = max((p for i, p in enumerate(ordered, 1) if p * len(ordered) / i <= 0.05), default=-1.0)
    rows = [r for r in query.rows(query.connect(database), "figures/shift_ratio_words") if " 1 <i>" in r["comparison"]]
    assert rows and len(tests) == rows[0]["tests"] > 1
    for row in rows:
        places = [hit for hits in counts[row["word"]].values() for hit in hits]
        assert row["share"] == pytest.approx(sum(places) / len(places)) and row["places"] == len(places)
        assert row["p"] == pytest.approx(tests[row["word"]], abs=1e-6) and row["overall_share"] == pytest.approx(
            overall
        )
        assert row["stands_out"] == (tests[row["word"]] <= limit)
        assert 0 <= row["low_share"] <= row["share"] <= row["high_share"] <= 1


# Each with a text of its own, and one answer.
PROMPT = "prompt_id VARCHAR, cluster_id VARCHAR AS (prompt_id)"


def drawn_words(reports: int, prompts: int, words: int, rate: float, alike: float) -> duckdb.DuckDBPyConnection:
    """Reports of words by Zipf's law, all of one true ratio; answers differ in theirs by a beta distribution."""
    draw, rows, kinds = random.Random(3), [], ("unshifted", "shifted")
    a = (1 - alike) / alike
    for c in range(reports):
        for g in range(prompts):
            chance = draw.betavariate(rate * a, (1 - rate) * a)
            said = draw.choices(range(words), [1 / (w + 1) for w in range(words)], k=draw.randint(30, 100))
            rows += [
                {"comparison_id": f"c{c}", "prompt_id": f"{g}", "word": f"w{w}", "shift": kinds[draw.random() < chance]}
                for w in said
            ]
    con = duckdb.connect()
    fill(
        con,
        "word",
        f"comparison_id VARCHAR, {PROMPT}, response_id VARCHAR AS (prompt_id), word VARCHAR, shift VARCHAR",
        rows,
    )
    comparisons(con, reports)
    define(con)
    return con


def naming(con: duckdb.DuckDBPyConnection) -> set[str]:
    rows = query.rows(con, "figures/shift_ratio_words")
    return {row["comparison"] for row in rows if row["above"] + row["below"]}


@pytest.mark.parametrize(
    ("prompts", "words", "rate", "alike"), [(24, 100, 0.2, 0.1), (100, 300, 0.05, 0.3), (60, 100, 0.5, 0.1)]
)
def test_words_of_one_true_ratio_rarely_stand_out(prompts: int, words: int, rate: float, alike: float) -> None:
    assert len(naming(drawn_words(20, prompts, words, rate, alike))) <= 1


def test_a_word_that_is_nearly_always_shifted_stands_out() -> None:
    con = drawn_words(10, 40, 150, 0.2, 0.1)
    con.execute("UPDATE word SET shift = CASE WHEN hash(rowid) % 10 > 0 THEN 'shifted' ELSE '' END WHERE word = 'w20'")
    rows = [row for row in query.rows(con, "figures/shift_ratio_words") if row["word"] == "w20"]
    assert len(rows) > 5 and all(row["stands_out"] for row in rows)


def test_substitutions_against_a_slow_version(database: Path) -> None:
    sql = """SELECT w.base_top, t.token, q.ordinal, t.pos FROM word w JOIN tds t ON t.comparison_id = w.comparison_id
             AND t.response_id = w.response_id AND t.pos = w.shifted_pos JOIN prompt q ON q.prompt_id = w.prompt_id
             WHERE w.comparison_id = 'c-1' AND w.shift = 'shifted'"""
    places = ask(database, sql)
    base, said, pairs = (Counter(key(p) for p in places) for key in (lambda p: p[0], lambda p: p[1], lambda p: p[:2]))
    rows = [r for r in query.rows(query.connect(database), "pages/substitutions") if r["comparison_id"] == "c-1"]
    assert sorted((r["places"] for r in rows), reverse=True) == sorted(pairs.values(), reverse=True)[:10]
    for row in rows:
        pair = (row["base"], row["aligned"])
        assert row["places"] == pairs[pair]
        assert row["lift"] == pytest.approx(pairs[pair] * len(places) / (base[pair[0]] * said[pair[1]]))
        assert row["p"] == pytest.approx(pair_p(pair, places), rel=1e-6)
        assert len({e["ordinal"] for e in row["examples"]}) == len(row["examples"]) <= 3
        assert all((*pair, e["ordinal"], e["pos"]) in places for e in row["examples"])
    ps = sorted(pair_p(pair, places) for pair in pairs)
    clear = max((i for i, p in enumerate(ps, 1) if p * len(ps) / i <= 0.05), default=0)
    assert {(r["tests"], r["standing_out"]) for r in rows} == {(len(ps), clear)}
    assert all(r["stands_out"] == (clear > 0 and r["p"] <= ps[clear - 1] * (1 + 1e-9)) for r in rows)


def pair_p(pair: tuple[str, str], places: list[tuple[Any, ...]]) -> float:
    """The chance of at least as many prompts with the pair, of those where the base says its token: a sum of chances."""
    share = sum(said == pair[1] for _, said, *_ in places) / len(places)
    times = Counter(prompt for base, _, prompt, _ in places if base == pair[0])
    n, k = len(times), len({prompt for base, said, prompt, _ in places if (base, said) == pair})
    chance = sum(1 - (1 - share) ** t for t in times.values()) / n
    return math.fsum(math.comb(n, i) * chance**i * (1 - chance) ** (n - i) for i in range(k, n + 1))


@pytest.mark.parametrize("bound", [False, True])
def test_pairs_that_do_not_depend_on_each_other_are_rarely_beyond_chance(bound: bool) -> None:
    """30 reports; each prompt has words of its own that it repeats. Bound: one token of the base always gives one answer."""
    draw, words, tds = random.Random(6), [], []
    for c, g in product(range(30), range(60)):
        weights = [[draw.gammavariate(0.5, 1) / (w + 1) for w in range(40)] for _ in "ab"]
        for pos in range(draw.randint(3, 20)):
            base, said = (draw.choices(range(40), w)[0] for w in weights)
            key = {"comparison_id": f"c{c}", "response_id": f"{g}"}
            words.append(key | {"prompt_id": f"{g}", "shifted_pos": pos, "word": "w", "shift": "shifted"})
            tds.append(key | {"pos": pos, "base_top": f"b{base}", "token": f"a{7 if bound and base == 3 else said}"})
    con = duckdb.connect()
    columns = "comparison_id VARCHAR, response_id VARCHAR, "
    kept = f"{PROMPT}, shifted_pos INTEGER, word VARCHAR, shift VARCHAR"
    places = ", n_tokens INTEGER DEFAULT 1, char_start INTEGER DEFAULT 0, char_end INTEGER DEFAULT 1"
    fill(con, "word", columns + kept + places, words)
    fill(con, "tds", columns + "pos INTEGER, base_top VARCHAR, token VARCHAR", tds)
    fill(con, "prompt", "prompt_id VARCHAR, ordinal INTEGER", [{"prompt_id": f"{g}", "ordinal": g} for g in range(60)])
    fill(
        con, "response", "response_id VARCHAR, text VARCHAR", [{"response_id": f"{g}", "text": "w"} for g in range(60)]
    )
    fill(con, "response_page", "response_id VARCHAR, page VARCHAR", [{"response_id": f"{g}", "page": f"{g}"} for g in range(60)])
    comparisons(con, 30)
    define(con)
    rows = query.rows(con, "pages/substitutions")
    found = {row["label"] for row in rows if row["standing_out"]}
    assert len(found) == 30 if bound else len(found) <= 2
    if bound:
        assert {
            row["label"] for row in rows if row["stands_out"] and (row["base"], row["aligned"]) == ("b3", "a7")
        } == found


def test_words_shifted_as_often_as_the_last_are_counted(tmp_path: Path) -> None:
    path = synthetic.write(tmp_path / "made.duckdb", rich=True)
    counts = Counter(
        word
        for (word,) in ask(
            path, "SELECT word FROM word WHERE shift = 'shifted' AND word <> '' AND comparison_id = 'c-1'"
        )
    )
    row = query.rows(query.connect(path), "pages/words")[0]
    last = row["words"][-1]
    same = [w for w, n in counts.items() if n == last["shifted"] and has_letter(w) == has_letter(last["word"])]
    shown = [w["word"] for w in row["words"]]
    assert len(shown) == 5 and row["tied"] == len(set(same) - set(shown))


def has_letter(word: str) -> bool:
    return any(sign.isalpha() for sign in word)


def test_adjusted_roles_and_their_difference_against_a_slow_version(database: Path) -> None:
    tokens = ask(
        database, "SELECT prompt_id, role, pos, token_id, shift = 'shifted' FROM tds WHERE comparison_id = 'c-1'"
    )
    times = Counter(t[3] for t in tokens)
    size: Counter[tuple[int, int]] = Counter()
    cells: dict[tuple[str, tuple[int, int]], dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for prompt, role, pos, token, hit in tokens:
        s = stratum(pos, times[token])
        size[s] += 1
        cells[role, s][prompt].append(hit)
    rates = {key: [h for x in c.values() for h in x] for key, c in cells.items() if len(c) >= 5}

    def standard(role: str, strata: list[tuple[int, int]]) -> tuple[float, dict[str, float]]:
        total, share, parts = sum(size[s] for s in strata), 0.0, defaultdict(float)
        for s in strata:
            p = sum(rates[role, s]) / len(rates[role, s])
            share += size[s] / total * p
            for prompt, hits in cells[role, s].items():
                parts[prompt] += size[s] / total * (sum(hits) - p * len(hits)) / len(rates[role, s])
        return share, parts

    con = query.connect(database)
    rows = {
        r["role"]: r
        for r in query.rows(con, "figures/shift_by_role")
        if " 1 <i>" in r["comparison"] and r["counted_as"] == "adjusted"
    }
    assert {"style", "content", "knowledge", "glue"} <= set(rows)
    for role, row in rows.items():
        share, parts = standard(role, [s for r, s in rates if r == role])
        half = intervals.t95(len(parts) - 1) * math.sqrt(
            len(parts) / (len(parts) - 1) * sum(e * e for e in parts.values())
        )
        assert row["share"] == pytest.approx(share, abs=1e-8)
        if 0 < share < 1:
            assert row["low_share"] == pytest.approx(max(0, share - half), abs=1e-5)
    for row in query.rows(con, "pages/role_difference"):
        if " 1 <i>" in row["label"] and row["way"] == "matched":
            strata = [s for r, s in rates if r == "style" and (row["other"], s) in rates]
            (style, a), (other, b) = (standard(role, strata) for role in ("style", row["other"]))
            e = [a.get(p, 0) - b.get(p, 0) for p in a | b]
            assert row["difference"] == pytest.approx(style - other)
            assert row["half_width"] == pytest.approx(
                intervals.t95(len(e) - 1) * math.sqrt(len(e) / (len(e) - 1) * sum(x * x for x in e))
            )
            assert row["covered_share"] == pytest.approx(sum(size[s] for s in strata) / len(tokens))


@pytest.mark.parametrize("options", [{"prompts": 1}, {"shifted": False}, {"comparisons": 1, "tags": False}])
def test_the_page_survives_extreme_data(options: dict[str, Any]) -> None:
    page = made_up("findings/what.md", **options)
    assert bool(page) == options.get("shifted", True)
    if page:
        text = page.split("<figure")[0]
        assert "None" not in text and "most often shifted" in text and "stand out" not in text
