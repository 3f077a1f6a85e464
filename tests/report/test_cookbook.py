"""The cookbook and saved queries: each question runs, answers, is on its page; and what `tds query` does with rows."""

from __future__ import annotations

import io
import json
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from tds_atlas.domain import InputError
from tds_atlas.report import cookbook, query, table_formats
from tds_atlas.report.user_sql import rows_of


def test_there_are_many_questions_on_every_table_that_matters() -> None:
    questions = cookbook.cookbook()
    assert len(questions) >= 20 and all(q.question.endswith("?") for q in questions)
    text = " ".join(q.sql for q in questions)
    for name in (
        "tds",
        "word",
        "split",
        "stage",
        "noise",
        "prefill",
        "swap",
        "continuation",
        "candidate",
        "example",
        "counted_twice",
    ):
        assert f" {name}" in text, name


@pytest.fixture(scope="module")
def con(database: Path) -> duckdb.DuckDBPyConnection:
    return query.connect(database)


@pytest.mark.parametrize("name", [q.name for q in cookbook.cookbook()])
def test_every_question_has_an_answer_and_the_same_one_again(con: duckdb.DuckDBPyConnection, name: str) -> None:
    table = rows_of(con, cookbook.sql_of(name))
    shown = table_formats.format_table(table, "table")  # sums of floats differ in their last digits from run to run
    assert table.num_rows and shown == table_formats.format_table(rows_of(con, cookbook.sql_of(name)), "table")


def test_questions_without_data_are_left_out(made_project: Path, con: duckdb.DuckDBPyConnection) -> None:
    assert {q["name"] for q in cookbook.answered_questions(con)} == {q.name for q in cookbook.cookbook()}
    docs = made_project / "build" / "docs"
    page = (docs / "cookbook.md").read_text(encoding="utf-8")
    without = {q.name for q in cookbook.cookbook() if q.needs in ("swap", "prefill", "noise", "stage", "continuation")}
    assert without and not any(f"#{name} " in page for name in without)
    assert {p.stem for p in (docs / "cookbook").glob("*.sql")} == {
        q.name for q in cookbook.cookbook() if f"#{q.name} " in page
    }


def ask(database: Path, **given: object) -> str | None:
    wanted = {"sql": None, "saved": None, "names": False, "style": "table", "output": None} | given
    return cookbook.answer(database, **wanted)  # type: ignore[arg-type]


def test_saved_queries_by_name(database: Path) -> None:
    listed = ask(database, names=True) or ""
    assert all(name in listed for name in ("figures/shift_by_comparison", cookbook.cookbook()[0].name))
    assert json.loads(ask(database, saved="figures/shift_by_comparison", style="json") or "")
    with pytest.raises(InputError, match=r"no saved query ../x; `tds query --list` lists them"):
        ask(database, saved="../x")


def test_a_terminal_has_each_question_beside_its_name() -> None:
    questions = cookbook.questions_by_name()
    column = max(map(len, questions)) + 2
    lines = cookbook.listed(questions, 80).splitlines()
    assert max(map(len, lines)) <= 80 and [line[:column].strip() for line in lines if line[0] != " "] == list(questions)
    assert " ".join(line[column:] for line in lines).split() == " ".join(questions.values()).split()
    assert all(line[:column].isspace() for line in lines if line[0] == " ")
    assert len(cookbook.listed(questions, None).splitlines()) == len(questions)


@pytest.mark.parametrize("given", [{}, {"sql": "SELECT 1", "names": True}, {"sql": "SELECT 1", "saved": "x"}])
def test_one_thing_is_asked_at_a_time(database: Path, given: dict[str, object]) -> None:
    with pytest.raises(InputError, match="give one of: SQL"):
        ask(database, **given)


def test_files_appear_whole(database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="name a file with --output"):
        ask(database, sql="FROM tds", style="parquet")
    target = tmp_path / "rows.parquet"
    assert ask(database, sql="SELECT comparison_id, pos FROM tds ORDER BY ALL", style="parquet", output=target) is None
    with duckdb.connect(str(database), read_only=True) as con:
        expected = con.execute("SELECT comparison_id, pos FROM tds ORDER BY ALL").fetchall()
    assert [tuple(row.values()) for row in pq.read_table(target).to_pylist()] == expected
    before = target.read_bytes()
    with pytest.raises(InputError):
        ask(database, sql="SELECT error('stop') FROM tds", style="parquet", output=target)
    assert target.read_bytes() == before and list(tmp_path.iterdir()) == [target]
    ask(database, sql="SELECT 1 AS a", style="csv", output=tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text(encoding="utf-8").splitlines() == ["a", "1"]
    monkeypatch.setattr("sys.stdin", io.StringIO("SELECT 2 AS b"))
    assert json.loads(ask(database, sql="-", style="json") or "") == [{"b": 2}]
