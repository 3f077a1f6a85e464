"""Where a token stands in its text, from the shard over the database to the page: spans by hand and by slicing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from tds_atlas.domain import Response
from tds_atlas.record import shards
from tds_atlas.record.shards import Shard
from tds_atlas.record.store import store
from tds_atlas.report import query
from tests.record.made import made_records
from tests.report import synthetic
from tests.report.synthetic import insert

# "🙂" is written by four tokens, of which the last has it; the end token writes nothing.
PIECES = ["A", " fine", " 天", "", "", "", "🙂", "! ", "So", "\n", ""]
TEXT = "".join(PIECES)


def spans() -> tuple[tuple[int, int], ...]:
    ends = [len("".join(PIECES[: i + 1])) for i in range(len(PIECES))]
    return tuple(zip([0, *ends[:-1]], ends, strict=True))


@pytest.mark.parametrize("has_end", [True, False])
def test_the_table_of_positions_has_the_spans_of_the_answer(tmp_path: Path, has_end: bool) -> None:
    ids = tuple(range(7, 7 + len(PIECES)))
    answers = Shard(tmp_path, "responses", "by-hand")
    finish = "stop" if has_end else "length"
    answers.write(
        {"response": shards.response_table([Response("a/1", "1", "a", None, TEXT, ids, spans(), has_end, finish)])}
    )
    store(tmp_path / "x.duckdb", replace(made_records(tmp_path, 1), responses=[answers], scores=[]))
    with duckdb.connect(str(tmp_path / "x.duckdb"), read_only=True) as con:
        rows = con.execute('SELECT pos, token_id, char_start, char_end, is_end FROM "position" ORDER BY pos').fetchall()
        stored = con.execute("SELECT text, n_tokens, finish FROM response").fetchall()
    assert stored == [(TEXT, len(PIECES), finish)]
    assert [row[:2] for row in rows] == list(enumerate(ids))
    assert tuple(row[2:4] for row in rows) == spans() and [TEXT[a:b] for _, _, a, b, _ in rows] == PIECES
    assert [pos for pos, *_, is_end in rows if is_end] == [len(PIECES) - 1] * has_end


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    """The synthetic report with one answer in place of its first: the pieces above, every one of them shifted."""
    path = synthetic.write(tmp_path_factory.mktemp("db") / "made.duckdb", comparisons=1)
    with duckdb.connect(str(path)) as con:
        n, at = len(PIECES), {"response_id": "sft·chat/p1"}
        for table in ("position", "score", "divergence"):
            con.execute(f"""DELETE FROM "{table}" WHERE response_id = 'sft·chat/p1' AND pos >= {n}""")
        con.execute(
            "UPDATE response SET text = $text, n_tokens = $n WHERE response_id = 'sft·chat/p1'", {"text": TEXT, "n": n}
        )
        con.execute("""DELETE FROM "position" WHERE response_id = 'sft·chat/p1'""")
        token = {"tokenizer_id": "tok", "is_special": False}
        insert(
            con,
            "token",
            [token | {"token_id": 50 + i, "text": p, "is_word_start": p[:1] == " "} for i, p in enumerate(PIECES)],
        )
        places = [{"pos": i, "char_start": a, "char_end": b, "token_id": 50 + i} for i, (a, b) in enumerate(spans())]
        insert(con, "position", [at | row | {"is_end": row["pos"] == n - 1, "role": "glue"} for row in places])
        con.execute("UPDATE score SET rank = 9 WHERE response_id = 'sft·chat/p1'")
    return query.connect(path)


def test_words_are_cut_out_of_the_text_by_their_spans(con: duckdb.DuckDBPyConnection) -> None:
    sql = "SELECT word, char_start, char_end FROM word WHERE response_id = 'sft·chat/p1' ORDER BY pos, char_start"
    found = con.execute(sql).fetchall()
    assert all(TEXT[a:b].strip(" ") == word for word, a, b in found)
    assert [word for word, *_ in found if word.strip()] == ["A", "fine", "天", "🙂", "!", "So"]


def test_a_sentence_ends_where_the_character_before_a_token_says_so(con: duckdb.DuckDBPyConnection) -> None:
    """Not behind "! ": the character before `So` is a space. Behind the line break stands the end itself."""
    sql = "SELECT pos, is_end FROM sentence_end WHERE response_id = $name ORDER BY pos"
    assert con.execute(sql, {"name": "sft·chat/p1"}).fetchall() == [(len(PIECES) - 1, True)]
    for name, text in con.execute("SELECT response_id, text FROM response").fetchall():
        starts = 'SELECT pos, char_start, is_end FROM "position" WHERE response_id = $name AND pos > 0 ORDER BY pos'
        places = con.execute(starts, {"name": name}).fetchall()
        wanted = [(pos, end) for pos, start, end in places if end or text[start - 1 : start] in list(".!?\n")]
        assert con.execute(sql, {"name": name}).fetchall() == wanted


def test_lines_of_context_hold_the_word_in_its_own_text(con: duckdb.DuckDBPyConnection) -> None:
    texts = dict(con.execute("SELECT ordinal, r.text FROM response r JOIN prompt USING (prompt_id)").fetchall())
    sql = "SELECT ordinal, shifted_pos, char_start, char_end FROM word JOIN prompt USING (prompt_id)"
    words = {(n, pos): texts[n][a:b] for n, pos, a, b in con.execute(sql).fetchall()}
    examples = [e for row in query.rows(con, "pages/substitutions") for e in row["examples"]]
    assert examples
    for e in examples:
        assert e["before"] + e["said"] + e["after"] in texts[e["ordinal"]]
        assert e["said"] == words[e["ordinal"], e["pos"]]


def test_the_pieces_of_the_first_page_are_those_of_its_answer(con: duckdb.DuckDBPyConnection) -> None:
    rows = query.rows(con, "pages/home_example")
    sql = """SELECT r.text, list((char_start, char_end) ORDER BY pos) FROM response r JOIN prompt USING (prompt_id)
             JOIN "position" USING (response_id) WHERE ordinal = $n GROUP BY ALL"""
    ((text, places),) = con.execute(sql, {"n": rows[0]["ordinal"]}).fetchall()
    assert len(rows) > 3 and [row["piece"] for row in rows] == [text[a:b] for a, b in places[: len(rows)]]
