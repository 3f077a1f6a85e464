"""The views that a report holds as tables: what is in them, and where names are looked up."""

from __future__ import annotations

import itertools
import os
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tds_atlas.domain import InputError
from tds_atlas.parts import new_part
from tds_atlas.record.catalog import excluded_in_order
from tds_atlas.report import materialise, query
from tests.report import synthetic

VIEWS = ("end_token", *materialise._VIEWS)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthetic.write(tmp_path_factory.mktemp("db") / "it's.duckdb", rich=True, noise=True, further=True)


def ten_digits(value: Any) -> Any:
    """Sums of floats differ in their last digits by the order in which a query meets its rows."""
    if isinstance(value, float):
        return float(f"{value:.10g}")
    if isinstance(value, dict):
        return {key: ten_digits(x) for key, x in value.items()}
    return [ten_digits(x) for x in value] if isinstance(value, list | tuple) else value


@pytest.fixture(scope="module")
def whole(database: Path) -> dict[str, Any]:
    """The rows of the views themselves."""
    with closing(duckdb.connect(str(database), read_only=True)) as con:
        return {view: ten_digits(con.sql(f'FROM "{view}" ORDER BY ALL').fetchall()) for view in VIEWS}


@pytest.mark.parametrize("at_once", [1, 70, 100_000])  # an answer at a time, some, all of them
def test_held_views_have_the_rows_of_the_views(
    database: Path, whole: dict[str, Any], tmp_path: Path, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(materialise, "_AT_ONCE", at_once)
    part = new_part(tmp_path / "views.duckdb").name.replace(
        f"-{os.getpid()}-", "-999999999-"
    )  # of a run that was killed
    for leftover in ("views.duckdb", part, f"{part}.wal"):
        (tmp_path / leftover).write_text("half")
    (tmp_path / f"{part}.tmp").mkdir()
    materialise.materialise(database, tmp_path / "views.duckdb")
    with duckdb.connect(str(tmp_path / "views.duckdb"), read_only=True) as con:
        for view in VIEWS:
            kept = con.sql(f'FROM held."{view}" ORDER BY ALL').fetchall()
            assert (kept or view in ("token_path", "likelihood")) and ten_digits(kept) == whole[view], view
    assert [path.name for path in tmp_path.iterdir()] == ["views.duckdb"]


def test_later_connections_have_the_definitions_of_the_first(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which makes them itself; the others attach a file."""
    own = "AND NOT internal AND database_name NOT IN ('records', 'temp')"
    columns = f"SELECT table_name, column_name, data_type, comment FROM duckdb_columns() WHERE true {own} ORDER BY ALL"
    macros = f"SELECT function_name, parameters, macro_definition FROM duckdb_functions() WHERE true {own} ORDER BY ALL"
    made = []
    for before in (0, 1):
        monkeypatch.setattr(query, "_CONNECTED", itertools.count(before))
        monkeypatch.setattr(query, "is_kept", lambda name, made=bool(before): made)
        with closing(query.connect(database)) as con:
            rows = con.sql("SELECT comparison_id, count(*) FROM tds GROUP BY ALL ORDER BY ALL").fetchall()
            defined = [(name, given, excluded_in_order(text)) for name, given, text in con.sql(macros).fetchall()]
            made.append([con.sql(columns).fetchall(), defined, rows])
    assert made[0] == made[1] and all(map(len, made[0]))


def test_names_are_found_in_the_held_file_first_and_then_in_the_database(database: Path, tmp_path: Path) -> None:
    path = tmp_path / "views.duckdb"
    materialise.materialise(database, path)
    with duckdb.connect(str(path)) as con:
        con.execute("UPDATE held.tds SET role = 'held'")
    with closing(query.connect(database, path)) as con:
        assert con.sql("SELECT DISTINCT role FROM tds").fetchall() == [("held",)]
        assert con.sql("SELECT count(*) > 0 FROM score JOIN candidate USING (response_id, pos)").fetchall() == [(True,)]
        described = query.rows(con, "pages/schema")
        for statement in (
            "DELETE FROM tds",
            "DELETE FROM prompt",
            f"ATTACH '{tmp_path}/x.duckdb'",
            "SET memory_limit = '9GB'",
        ):
            with pytest.raises(duckdb.Error):
                con.execute(statement)
    with closing(query.connect(database)) as con:
        assert query.rows(con, "pages/schema") == described


def test_a_database_without_a_table_is_one_line(database: Path, tmp_path: Path) -> None:
    old = tmp_path / "old.duckdb"
    old.write_bytes(database.read_bytes())
    with duckdb.connect(str(old)) as con:
        con.execute("DROP TABLE swap CASCADE")
    reason = r"\(there is no table swap\); run `tds store` to rewrite it$"
    with pytest.raises(InputError, match=rf"^.*old\.duckdb: stored by another version of tds {reason}"):
        materialise.materialise(old, tmp_path / "views.duckdb")
    assert not (tmp_path / "views.duckdb").exists()
