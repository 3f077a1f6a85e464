"""The published database: whole where small, else cut, never silently; and the index of words against a slow count."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from tds_atlas.record.browser_copy import write_browser_copy
from tds_atlas.report import query
from tds_atlas.report.concordance import write_words
from tests.report import synthetic


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("db")
    return synthetic.write(folder / "made's.duckdb", noise=True, further=True, rich=True)


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(path), read_only=True) as con:
        return con.execute(sql).fetchall()


SCHEMA = """
    SELECT table_name, column_name, data_type, comment FROM duckdb_columns() WHERE NOT internal
    UNION ALL SELECT function_name, NULL, macro_definition, NULL FROM duckdb_functions() WHERE function_type LIKE '%macro' AND NOT internal
    ORDER BY ALL"""


def test_a_small_database_is_published_whole(database: Path, tmp_path: Path) -> None:
    assert write_browser_copy(database, tmp_path / "tds.duckdb") == ""
    assert (tmp_path / "tds.duckdb").read_bytes() == database.read_bytes()


def test_a_cut_one_has_the_same_schema_and_says_what_is_missing(database: Path, tmp_path: Path) -> None:
    target = tmp_path / "tds.duckdb"
    said = write_browser_copy(database, target, database.stat().st_size - 1)
    assert said and rows(target, "SELECT value FROM run WHERE key = 'published'") == [(said,)]
    assert rows(target, SCHEMA) == rows(database, SCHEMA)
    assert "v1.4.0" in str(rows(target, "SELECT tags FROM duckdb_databases() WHERE NOT internal"))


def test_where_only_candidates_are_cut_every_row_is_there(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "tds.duckdb"
    monkeypatch.setattr("tds_atlas.record.browser_copy._extent", lambda _: (10, 24))
    monkeypatch.setattr(
        "tds_atlas.record.browser_copy._cuts",
        lambda *_: iter([__import__("tds_atlas.record.browser_copy", fromlist=["Cut"]).Cut(5)]),
    )
    assert "first 5 of 10 candidates" in write_browser_copy(database, target, 1)
    kept = "SELECT comparison_id, response_id, pos, token, base_rank, kl_aligned_base, base_top FROM tds ORDER BY ALL"
    assert rows(target, kept) == rows(database, kept)
    assert rows(target, "SELECT DISTINCT len(top_ids), len(top_logprobs) FROM score") == [(5, 5)]


def test_answers_go_last_and_evenly(database: Path, tmp_path: Path) -> None:
    target = tmp_path / "tds.duckdb"
    said = write_browser_copy(database, target, 1)
    assert "1 of 24 prompts" in said and "2 digits" in said
    assert rows(target, "SELECT count(*) FROM prompt") == [(1,)]
    assert rows(target, "SELECT count(DISTINCT prompt_id) FROM tds") == [(1,)]


def test_two_runs_hold_the_same_rows_in_the_same_order(database: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "one.duckdb", tmp_path / "two.duckdb"
    assert write_browser_copy(database, one, 1) == write_browser_copy(database, two, 1)
    for (table,) in rows(one, "SELECT table_name FROM duckdb_tables()"):
        assert rows(one, f'FROM "{table}"') == rows(two, f'FROM "{table}"'), table


def test_the_words_are_those_of_a_slow_count(database: Path, tmp_path: Path) -> None:
    write_words(query.connect(database), tmp_path / "words", frozenset(range(1, 9)))
    text = (tmp_path / "words/index.js").read_text(encoding="utf-8")
    index = json.loads(text.removeprefix("window.tdsWords=").rstrip().removesuffix(";"))
    found = {}
    for word, _, *rest in index["words"]:
        for i in range(0, len(rest), 3):
            found[word, index["comparisons"][rest[i]]] = (rest[i + 1], rest[i + 2])
    seen, shifted = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for word, comparison, shift in rows(database, "SELECT word, comparison_id, shift FROM word"):
        if word:
            seen[str(word), str(comparison)] += 1
            shifted[str(word), str(comparison)] += shift == "shifted"
    assert found == {key: (n, shifted[key]) for key, n in seen.items()}


def test_a_line_of_context_is_a_piece_of_its_answer(database: Path) -> None:
    answers = dict(rows(database, "SELECT page, text FROM response JOIN response_page USING (response_id)"))
    lines = query.rows(query.connect(database), "pages/concordance", comparison_id="c-1")
    assert lines
    for line in lines:
        assert line["before"] + line["word"] + line["after"] in str(answers[line["page"]])
