"""Controls: what is found of what was planted, and what is named besides, against a slow version; the page on trust."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tds_atlas.report import query
from tests.report import synthetic
from tests.report.chance import drawn_p, word_p
from tests.report.sheets import sheet
from tests.report.test_false_discoveries import benjamini_hochberg

LETTERS = "abcdefgh"  # the word, topic and task of every eighth prompt
OFTEN = {"a": 0.95, "b": 0.9, "h": 0.02}  # how often a letter's tokens are shifted; the others: 0.3
PLANTED = [
    ("c-1", "value", "red", "p1"),
    ("c-1", "value", "red <b>", "p2"),
    ("c-1", "value", "red", "p64"),
    ("c-1", "value", "red", "p999"),  # has no answer
    ("c-2", "phrase", "A a, c zebra!", None),
    ("c-3", "topic", "topic a", None),
    ("c-3", "task", "task c", None),
    ("c-4", "nothing", None, None),
]
Items = dict[tuple[str, str, str], tuple[bool, bool]]  # comparison, kind, item -> planted, found


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four comparisons with equal numbers. Half of the prompts have truths; their answers begin with two values."""
    path = synthetic.write(tmp_path_factory.mktemp("db") / "made.duckdb", prompts=96, comparisons=4)
    rng = random.Random(1)
    with duckdb.connect(str(path)) as con:
        letter = f"substr('{LETTERS}', 1 + (ordinal - 1) % {len(LETTERS)}, 1)"
        sql = f"SELECT response_id, n_tokens, {letter} FROM response JOIN prompt USING (prompt_id) ORDER BY response_id"
        rows = [
            {"r": r, "p": p, "n": 4 if rng.random() < OFTEN.get(name, 0.3) else 3}
            for r, n, name in con.execute(sql).fetchall()
            for p in range(n)
        ]
        con.execute("CREATE TEMP TABLE drawn(r VARCHAR, p INTEGER, n INTEGER)")
        synthetic.insert(con, "drawn", rows)
        con.execute("UPDATE score SET rank = n FROM drawn WHERE response_id = r AND pos = p AND condition_id = 'base·plain'")
        con.execute(f"UPDATE response r SET text = repeat(' ' || {letter}, n_tokens) FROM prompt q WHERE q.prompt_id = r.prompt_id")
        roles = "CASE pos WHEN 0 THEN 'knowledge' WHEN 2 THEN 'mistake' ELSE 'content' END"
        spans = "token_id = 1, is_end = false, char_start = 2 * pos, char_end = 2 * pos + 2"
        con.execute(f'UPDATE "position" SET {spans}, role = {roles}')
        con.execute(f"UPDATE prompt SET topics = ['topic ' || {letter}], tasks = ['task ' || {letter}]")
        con.execute("UPDATE prompt SET truths = ['x'] WHERE ordinal % 2 = 1 OR ordinal IN (2, 64)")
        names = ("comparison_id", "kind", "planted", "prompt_id")
        synthetic.insert(con, "control", [dict(zip(names, row, strict=True)) for row in PLANTED])
    return path


def slow(path: Path) -> Items:
    """Every item, from the flat record of one of the comparisons, which are equal."""
    with closing(query.connect(path)) as con:
        sql = """SELECT prompt_id, q.topics[1][-1:], role, base_rank > 3, len(q.truths) > 0 FROM tds JOIN prompt q USING (prompt_id)
            WHERE comparison_id = 'c-1' ORDER BY prompt_id, pos"""
        tokens = con.execute(sql).fetchall()
    every: dict[str, list[bool]] = {}
    letters, asked = dict[str, str](), dict[str, bool]()
    for prompt, letter, role, shifted, has_truths in tokens:
        every.setdefault(prompt, []).append(shifted)
        letters[prompt] = letter
        if has_truths:
            asked[prompt] = asked.get(prompt, False) or (shifted and role in ("knowledge", "mistake"))
    of = {x: {prompt: hits for prompt, hits in every.items() if letters[prompt] == x} for x in LETTERS}
    overall = sum(map(sum, every.values())) / sum(map(len, every.values()))
    sums = {prompt: (sum(hits), len(hits)) for prompt, hits in every.items()}
    words = up({x: word_p(of[x], every) for x in LETTERS}, of, overall)
    tags = up({x: drawn_p([sums[p] for p in of[x]], list(sums.values())) for x in LETTERS}, of, overall)
    seen = {("value", prompt): hit for prompt, hit in asked.items()} | {("phrase", x): hit for x, hit in words.items()}
    seen |= {(kind, f"{kind} {x}"): hit for kind in ("topic", "task") for x, hit in tags.items()}
    planted = {("c-1", "value"): {"p1", "p2", "p64"}, ("c-2", "phrase"): {"A", "a", "c", "zebra"}}
    planted |= {("c-3", "topic"): {"topic a"}, ("c-3", "task"): {"task c"}}
    planted |= {("c-4", kind): set[str]() for kind in ("value", "phrase", "topic", "task")}
    return {
        (comparison, kind, item): (item in mine, seen.get((kind, item), False))
        for (comparison, kind), mine in planted.items()
        for item in mine | {item for k, item in seen if k == kind}
    }


def up(ps: Mapping[str, float], of: Mapping[str, Mapping[str, list[bool]]], overall: float) -> dict[str, bool]:
    """What stands out upwards."""
    high = {x: sum(map(sum, of[x].values())) / sum(map(len, of[x].values())) > overall for x in ps}
    return {x: out and high[x] for x, out in zip(ps, benjamini_hochberg(list(ps.values())), strict=True)}


def test_every_item_against_a_slow_version(database: Path) -> None:
    with closing(query.connect(database)) as con:
        rows = con.execute("FROM control_items()").fetchall()
    found = {tuple(row[:3]): tuple(row[3:]) for row in rows}
    wanted = slow(database)
    assert found == wanted and len(rows) == len(found)
    cases = {(kind, *flags) for (_, kind, _), flags in wanted.items()}
    assert cases >= {(k, p, f) for k in ("value", "phrase") for p in (True, False) for f in (True, False)}
    assert cases >= {("topic", True, True), ("task", True, False), ("task", False, True), ("topic", False, False)}


def test_the_page_says_what_is_found_missed_and_named_besides(database: Path) -> None:
    text, items = sheet(database, "findings/trust.md"), slow(database)

    def counts(comparison: str, kind: str, planted: bool) -> str:
        hits = [f for (c, k, _), (p, f) in items.items() if (c, k) == (comparison, kind) and p == planted]
        return f"{sum(hits)} of {len(hits)}"

    assert f"4 values: “red”, “red”, “red”, “red <b>” | answers with a shifted value | {counts('c-1', 'value', True)}" in text
    assert f"1 phrase: “A a, c zebra!” | words that stand out | {counts('c-2', 'phrase', True)}" in text
    for kind in ("topic", "task"):
        assert f"| nothing | {kind}s that stand out | – | – | {counts('c-4', kind, False)} (" in text
    assert f"1 task: “task c” | tasks that stand out | 0 of 1 | 100.0 % | {counts('c-3', 'task', False)} (" in text
    assert "words that stand out: missed “A”, “c”, “zebra”; named besides “b”." in text
    (missed,) = {item for (_, kind, item), flags in items.items() if kind == "value" and flags == (True, False)}
    assert f"answers with a shifted value: missed “Prompt {missed[1:]}: " in text
    with closing(query.connect(database)) as con:
        (most,) = (row["words"] for row in query.rows(con, "pages/words") if "sft 2" in row["label"])
    listed = ", ".join(f"{word['word']} ({word['shifted']})" for word in most)
    assert f"the words most often shifted: {listed}." in text
    assert f"Of {count(p for p, _ in items.values())} planted items {count(p and f for p, f in items.values())} are found, and " in text


def count(flags: Iterable[bool]) -> int:
    return sum(flags)


def test_a_tag_of_all_prompts_is_no_item(tmp_path: Path) -> None:
    path = synthetic.write(tmp_path / "made.duckdb")  # one topic, two tasks
    with duckdb.connect(str(path)) as con:
        con.execute("INSERT INTO control VALUES ('c-1', 'nothing', NULL, NULL)")
    with closing(query.connect(path)) as con:
        kinds: dict[str, Any] = dict(con.execute("SELECT kind, count(*) FROM control_items() GROUP BY ALL").fetchall())
    assert "topic" not in kinds and kinds["task"] == 2
    assert "planted on purpose" in sheet(path, "findings/trust.md")


def test_without_controls_the_page_does_not_mention_them(tmp_path: Path) -> None:
    assert "planted on purpose" not in sheet(synthetic.write(tmp_path / "made.duckdb"), "findings/trust.md")


def test_of_many_items_the_page_lists_the_first(tmp_path: Path) -> None:
    path = synthetic.write(tmp_path / "made.duckdb", prompts=40)
    with duckdb.connect(str(path)) as con:
        con.execute("UPDATE prompt SET truths = ['x']")
        con.execute("INSERT INTO control SELECT 'c-1', 'value', format('value {:02}', ordinal), prompt_id FROM prompt")
        con.execute("UPDATE \"position\" SET role = 'content'")  # no answer states a value
    text = sheet(path, "findings/trust.md")
    assert "40 values: “value 01”, " in text and "“value 12” and 28 more | answers with a shifted value | 0 of 40 | 100.0 %" in text
    assert text.count("and 28 more") == 2 and "value 13" not in text
