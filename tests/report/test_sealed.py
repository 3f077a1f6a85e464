"""A database from elsewhere: whatever was put into it, nothing else is read, written or deleted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from tds_atlas.domain import InputError
from tds_atlas.pipeline.store import is_current
from tds_atlas.record.browser_copy import write_browser_copy
from tds_atlas.record.catalog import reference
from tds_atlas.record.schema import SQL, create_views
from tds_atlas.record.sealed import identifier
from tds_atlas.report import query
from tds_atlas.report.cookbook import answer
from tds_atlas.report.examples.pages import paged_prompts, write_examples
from tds_atlas.report.export import write_export
from tds_atlas.report.materialise import materialise
from tests.report import synthetic

SECRET = "the-secret"
TABLES = "\"; COPY (SELECT 1) TO 'victim'; --", "../../../victim", "a/b", "a\nb", "it's", "Prompt ", "prömpt"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder with a secret and a victim, which stay as they are and stay alone."""
    for name in ("secret", "victim", "victim.parquet"):
        (tmp_path / name).write_text(SECRET)
    (tmp_path / "in").mkdir()
    yield tmp_path / "in"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "secret", "victim", "victim.parquet"]
    assert {path.read_text() for path in tmp_path.iterdir() if path.is_file()} == {SECRET}


def hostile(folder: Path, *statements: str) -> Path:
    """A database that was altered by these statements, in which FOLDER stands for the folder of secret and victim."""
    path = synthetic.write(folder / "made.duckdb", prompts=2, rich=True)
    with duckdb.connect(str(path)) as con:
        for statement in statements:
            con.execute(statement.replace("FOLDER", str(folder.parent)))
    return path


READS = (  # what would get a secret out
    "(SELECT content FROM read_text('FOLDER/secret'))",
    "(SELECT column0 FROM read_csv('FOLDER/secret', header = false))",
    "(SELECT file FROM glob('FOLDER/*') LIMIT 1)",
    "(SELECT filename FROM read_blob('FOLDER/secret'))",
)


def views() -> tuple[str, ...]:
    """Each view of the database again, with the same columns but one of READS in the place of every text."""
    with duckdb.connect() as con:
        con.execute(SQL["schema"])
        create_views(con)
        columns = con.execute("""
            SELECT table_name, list(column_name), list(data_type) FROM duckdb_columns()
            WHERE table_name IN (SELECT view_name FROM duckdb_views() WHERE NOT internal) GROUP BY ALL""").fetchall()
    return tuple(
        f"CREATE OR REPLACE VIEW {name} AS SELECT "
        + ", ".join(
            f'{READS[i % 4] if kind == "VARCHAR" else f"NULL::{kind}"} AS "{key}"'
            for key, kind in zip(keys, kinds, strict=True)
        )
        for i, (name, keys, kinds) in enumerate(columns)
    )


def test_views_of_the_file_are_never_run(folder: Path) -> None:
    database = hostile(folder, *views())
    clean = synthetic.write(folder / "clean.duckdb", prompts=2, rich=True)
    materialise(database, folder / "views.duckdb")
    for connection, own in (
        (query.connect(database), query.connect(clean)),
        (query.connect(database, folder / "views.duckdb"), query.connect(clean)),
    ):
        for view in ("tds", "word", "example", "stage_step"):
            assert (
                connection.sql(f"FROM {view} ORDER BY ALL").fetchall()
                == own.sql(f"FROM {view} ORDER BY ALL").fetchall()
            )
    assert write_export(database, folder / "set") > 10
    assert all(SECRET.encode() not in path.read_bytes() for path in (folder / "set").rglob("*") if path.is_file())
    with pytest.raises(InputError, match="disabled by configuration"):
        answer(database, "FROM word", None, False, "csv", None)
    assert SECRET not in str(answer(database, None, "figures/shift_by_comparison", False, "csv", None))


def test_the_published_copy_has_only_what_tds_writes(folder: Path) -> None:
    database = hostile(folder, *views(), "CREATE TABLE mine (a INT)")
    clean = synthetic.write(folder / "clean.duckdb", prompts=2, rich=True)
    assert write_browser_copy(database, folder / "copy.duckdb") == ""
    assert write_browser_copy(clean, folder / "same.duckdb") == ""
    assert (folder / "same.duckdb").read_bytes() == clean.read_bytes()
    with duckdb.connect(str(folder / "copy.duckdb")) as con, duckdb.connect(str(clean)) as own:
        for sql in (
            "FROM tds ORDER BY ALL",
            "FROM score ORDER BY ALL",
            "SELECT table_name FROM duckdb_tables() ORDER BY 1",
        ):
            assert con.execute(sql).fetchall() == own.execute(sql).fetchall()
    assert write_browser_copy(database, folder / "cut.duckdb", limit=1) != ""


def test_macros_of_the_file_are_never_run(folder: Path) -> None:
    """One that has the name of a function would answer in its place, also whether the connection is locked."""
    bodies = {"sum(x)": "99", "round(x, y)": "5", "current_setting(x)": "true", "shift_class(rank)": "'shifted'"}
    macros = [f"CREATE OR REPLACE MACRO {name} AS {body}" for name, body in bodies.items()]
    database = hostile(folder, *macros)
    clean = query.connect(synthetic.write(folder / "clean.duckdb", prompts=2, rich=True))
    for name in ("figures/shift_by_comparison", "pages/headline"):
        assert query.rows(query.connect(database), name) == query.rows(clean, name)
    with pytest.raises(InputError, match="disabled by configuration"):
        answer(database, f"FROM read_text('{folder.parent}/secret')", None, False, "csv", None)


def test_names_of_tables_are_names_alone(folder: Path) -> None:
    database = hostile(folder, *(f"CREATE TABLE {identifier(name)} AS SELECT 1 AS a" for name in TABLES))
    files = write_export(database, folder / "set")
    assert files == len(list((folder / "set").rglob("*.parquet"))) + 1
    write_browser_copy(database, folder / "copy.duckdb", limit=1)
    materialise(database, folder / "views.duckdb")
    assert not is_current(database, "another")


@pytest.mark.parametrize(
    "name", ["../../../../x", "/x", "..", ".x", "a/b", "", "a\nb", "a\x1b[2J", "C-1", "ü", "c\u202e1", "c-1 "]
)
def test_an_id_that_names_a_folder_is_refused_in_one_line(folder: Path, name: str) -> None:
    quoted = name.replace("'", "''")
    database = hostile(folder, f"UPDATE comparison SET comparison_id = '{quoted}' WHERE comparison_id = 'c-2'")
    for act in (lambda: query.check(database), lambda: write_export(database, folder / "set")):
        with pytest.raises(
            InputError, match=r"made.duckdb: comparison_id .*: names a folder; it must have only letters, "
        ) as caught:
            act()
        assert str(caught.value).isprintable()
    assert not (folder / "set").exists()


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("DROP TABLE swap CASCADE", "there is no table swap"),
        (
            "DROP TABLE swap CASCADE; CREATE VIEW swap AS SELECT content FROM read_text('FOLDER/secret')",
            "there is no table swap",
        ),
        ("ALTER TABLE run ALTER value TYPE BLOB", "the table run has other columns"),
        ("ALTER TABLE context DROP template_of", "the table context has other columns"),
        (
            "DROP TABLE run; CREATE TABLE run (key VARCHAR, value VARCHAR AS (current_setting('home_directory')))",
            "run has",
        ),
        ("DROP TABLE run; CREATE TABLE run (key VARCHAR, value VARCHAR)", "the table run has other columns"),
        (
            "CREATE SCHEMA other; DROP TABLE run; CREATE TABLE other.run (key VARCHAR, value VARCHAR)",
            "there is no table run",
        ),
    ],
)
def test_tables_that_are_not_the_packages_are_refused_in_one_line(folder: Path, statement: str, what: str) -> None:
    database = hostile(folder, *statement.split("; "))
    for act in (
        lambda: query.check(database),
        lambda: query.connect(database),
        lambda: materialise(database, folder / "views.duckdb"),
        lambda: write_export(database, folder / "set"),
        lambda: write_browser_copy(database, folder / "copy.duckdb"),
    ):
        with pytest.raises(InputError, match=rf"^\S+made.duckdb: stored by another version of tds \(.*{what}.*\); run"):
            act()
    assert [path.name for path in folder.iterdir() if path.suffix != ".part"] == ["made.duckdb"]


def test_a_default_or_a_check_of_a_table_is_not_run(folder: Path) -> None:
    database = hostile(folder, "ALTER TABLE run ALTER value SET DEFAULT current_setting('home_directory')")
    write_browser_copy(database, folder / "copy.duckdb", limit=1)
    with duckdb.connect(str(folder / "copy.duckdb")) as con:
        sql = "SELECT table_name, column_name, column_default FROM duckdb_columns() WHERE column_default IS NOT NULL"
        found = con.sql(sql).fetchall()
        assert found == reference().sql(sql).fetchall() and not any("home" in default for _, _, default in found)


@pytest.mark.parametrize(
    "sql",
    [
        "FROM read_text('FOLDER/secret')",
        "COPY (SELECT 1) TO 'FOLDER/victim'",
        "COPY (SELECT 1) TO 'FOLDER/in/made.duckdb' (USE_TMP_FILE false)",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO 'FOLDER/in/made.duckdb' (USE_TMP_FILE false)",
        "PREPARE p AS COPY (SELECT 1) TO 'FOLDER/in/made.duckdb' (USE_TMP_FILE false); EXECUTE p; SELECT 1",
        "copy/**/(PIVOT run ON key USING count(*)) TO 'FOLDER/in/made.duckdb.wal' (USE_TMP_FILE false)",
        "EXPORT DATABASE 'FOLDER/victim'",
        "IMPORT DATABASE 'FOLDER'",
        "ATTACH 'FOLDER/victim' AS x",
        "ATTACH ':memory:' AS x",
        "SET enable_external_access = true",
        "RESET lock_configuration",
        "INSTALL httpfs",
        "LOAD 'FOLDER/victim'",
        "CALL enable_logging(storage = 'file', storage_path = 'FOLDER/victim')",
        "PRAGMA enable_profiling = 'json'",
        "CREATE PERSISTENT SECRET s (TYPE s3)",
        "CREATE TABLE x AS SELECT 1",
        "FROM 'https://example.org/x.csv'",
        "SELECT getenv('HOME')",
        "SELECT 1; SELECT 2",
        "FROM sql",
        "FROM query('COPY (SELECT 1) TO ''FOLDER/victim''')",
    ],
)
def test_a_users_query_can_do_nothing_but_read_the_database(folder: Path, sql: str) -> None:
    database = hostile(folder)
    before = database.read_bytes()
    with pytest.raises(InputError) as caught:
        answer(database, sql.replace("FOLDER", str(folder.parent)), None, False, "json", None)
    assert len(str(caught.value).splitlines()) == 1
    assert database.read_bytes() == before and [path.name for path in folder.iterdir()] == ["made.duckdb"]


@pytest.mark.parametrize("harm", ["cut short", "a bad block"])
def test_a_damaged_file_is_not_called_a_full_disk(folder: Path, harm: str) -> None:
    """DuckDB finds it where it opens the file, or only where a query reads it: the header is sound."""
    path = synthetic.write(folder / "made.duckdb", prompts=20)
    data = path.read_bytes()
    middle = 12_288 + 10 * 262_144  # after the headers, ten blocks
    bad = b"".join(b"\0" * 400 + data[i + 400 : i + 262_144] for i in range(middle, len(data), 262_144))
    path.write_bytes(data[:middle] + (bad[:-262_144] + data[-262_144:] if harm == "a bad block" else b""))
    damaged = r"made.duckdb: is damaged \(.*(Corrupt|enough bytes).*\); run `tds store` again$"
    with pytest.raises(InputError, match=damaged), query.consistent(path):
        for name in ("figures/shift_by_comparison", "pages/headline", "figures/end_rank"):
            query.table(query.connect(path), name)
    with pytest.raises(
        InputError,
        match=r"is damaged.*(Corrupt|enough bytes).*run `tds store` again$|(Corrupt|enough bytes).*; the database is damaged",
    ):
        answer(path, "SELECT sum(logprob), sum(entropy) FROM score", None, False, "csv", None)


def test_rows_that_contradict_one_another_are_one_line(folder: Path) -> None:
    def lost_title() -> None:
        write_export(hostile(folder, "DELETE FROM run WHERE key = 'report_title'"), folder / "set")

    def no_number() -> None:
        database = hostile(folder, "INSERT INTO run VALUES ('example_pages', 'many')")
        with query.consistent(database), closing(query.connect(database)) as con:
            paged_prompts(con)

    def lost_scores() -> None:
        database = hostile(folder, "DELETE FROM score WHERE condition_id = 'base·plain' AND pos = 0")
        with query.consistent(database), closing(query.connect(database)) as con:
            list(write_examples(con, folder / "examples", query.rows(con, "pages/examples")))

    for act in (lost_title, no_number, lost_scores):
        with pytest.raises(InputError, match=r"made.duckdb: its rows contradict one another \(") as caught:
            act()
        assert str(caught.value).isprintable()
    assert not (folder / "set").exists()


def test_a_word_that_begins_like_copy_is_no_copy(folder: Path) -> None:
    text = answer(hostile(folder), "SELECT 'copy' AS copy", None, False, "json", None)
    assert json.loads(str(text)) == [{"copy": "copy"}]
