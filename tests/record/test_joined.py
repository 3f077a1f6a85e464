"""Two databases as one: whose records are in it, and that they say what they said."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from tds_atlas.domain import InputError
from tds_atlas.record.joined import Pair, write_joined
from tds_atlas.report import query
from tests.report import synthetic

_ROWS = """SELECT q.text, pos, token, shift, js, kl_aligned_base, base_logprob, aligned_logprob, base_top, role
    FROM tds JOIN prompt q USING (prompt_id) WHERE comparison_id = ? AND q.text IN (SELECT unnest(?)) ORDER BY ALL"""
_AGAIN = """
    INSERT INTO prompt SELECT * REPLACE ('again' AS prompt_id, 99 AS ordinal) FROM prompt WHERE prompt_id = 'p3';
    INSERT INTO response SELECT * REPLACE ('again' AS prompt_id, 'sft·chat/again' AS response_id) FROM response
    WHERE prompt_id = 'p3';
    INSERT INTO reading SELECT * REPLACE ('again' AS prompt_id) FROM reading WHERE prompt_id = 'p3';
    INSERT INTO "position" SELECT * REPLACE ('sft·chat/again' AS response_id) FROM "position"
    WHERE response_id = 'sft·chat/p3';
    INSERT INTO score SELECT * REPLACE ('sft·chat/again' AS response_id) FROM score WHERE response_id = 'sft·chat/p3';
    INSERT INTO divergence SELECT * REPLACE ('sft·chat/again' AS response_id, js / 2 AS js) FROM divergence
    WHERE response_id = 'sft·chat/p3';
    UPDATE token SET text = ' otherwise' WHERE token_id = 1"""


@pytest.fixture
def both(tmp_path: Path) -> tuple[Path, Path, list[str]]:
    """A, and B with a prompt that is given twice, and another text for a token; the texts of most prompts."""
    a = synthetic.write(tmp_path / "a.duckdb", rich=True, noise=True)
    b = Path(shutil.copyfile(a, tmp_path / 'it\'s "b".duckdb'))
    with duckdb.connect(str(b)) as con:
        con.execute(_AGAIN)
        texts = [text for (text,) in con.execute("SELECT text FROM prompt WHERE ordinal < 20 ORDER BY ALL").fetchall()]
    return a, b, texts


def test_each_record_says_what_it_said(both: tuple[Path, Path, list[str]], tmp_path: Path) -> None:
    a, b, texts = both
    pairs = [Pair("c-1", "c-1", texts), Pair("c-dpo", "c-2", texts[:5])]
    write_joined(tmp_path / "joined.duckdb", a, b, pairs, {"report_title": "Both"})
    joined = query.connect(tmp_path / "joined.duckdb")
    for database, place in ((a, 0), (b, 1)):
        con = query.connect(database)
        for pair in pairs:
            asked = [(pair.a_id, pair.b_id)[place], list(pair.texts)]
            rows = con.execute(_ROWS, asked).fetchall()
            assert rows and joined.execute(_ROWS, [pair.names[place], list(pair.texts)]).fetchall() == rows
            ((others,),) = joined.execute(
                "SELECT count(*) FROM tds JOIN prompt q USING (prompt_id) WHERE comparison_id = ? AND q.text NOT IN (SELECT unnest(?))",
                [pair.names[place], list(pair.texts)],
            ).fetchall()
            assert others == 0
    names = joined.execute("SELECT comparison_id FROM comparison ORDER BY ordinal").fetchall()
    assert [name for (name,) in names] == ["a-c-1", "b-c-1", "a-c-dpo", "b-c-dpo"]
    ids = joined.execute("SELECT prompt_id FROM prompt WHERE ordinal = 3").fetchall()
    assert ids == [("p3",)]  # A's, once
    pages = "SELECT page FROM response_page JOIN response USING (response_id) WHERE prompt_id = 'p3' AND source LIKE 'B1%' ORDER BY 1"
    assert joined.execute(pages).fetchall() == [("3",), ("3-2",)]
    turns = "SELECT number, speaker, text FROM turn WHERE prompt_id = 'p4' ORDER BY ALL"
    assert joined.execute(turns).fetchall() == query.connect(a).execute(turns).fetchall() != []


def test_a_file_that_is_no_database_is_one_line(both: tuple[Path, Path, list[str]], tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "other.duckdb")) as con:
        con.execute("CREATE TABLE prompt (text VARCHAR)")
    with pytest.raises(InputError, match=r"other\.duckdb: stored by another version"):
        write_joined(tmp_path / "j.duckdb", both[0], tmp_path / "other.duckdb", [Pair("c-1", "c-1", both[2])], {})
