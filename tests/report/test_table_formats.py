"""Rows in a terminal: within its width, columns that do not fit named, wide characters counted, controls written out."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from rich.cells import cell_len

from tds_atlas.domain import InputError
from tds_atlas.report import query
from tds_atlas.report.table_formats import format_table, save, spreadsheet
from tds_atlas.report.user_sql import rows_of
from tests.report import synthetic


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    """The example of the help of `tds query`."""
    database = synthetic.write(tmp_path_factory.mktemp("db") / "made.duckdb")
    return rows_of(query.connect(database), "FROM tds LIMIT 5")


def test_a_file_of_rows_is_replaced_and_a_database_is_not(table: pa.Table, tmp_path: Path) -> None:
    """As with any -o of a command line; but a database named by mistake is hours of work."""
    rows, other = tmp_path / "rows.csv", tmp_path / "other.duckdb"
    rows.write_text("older", encoding="utf-8")
    save(table, "csv", rows)
    assert rows.read_text(encoding="utf-8").startswith("comparison_id,")
    duckdb.connect(str(other)).close()
    before = other.read_bytes()
    with pytest.raises(InputError, match=r"other.duckdb: is a database; name another file with --output$"):
        save(table, "csv", other)
    assert other.read_bytes() == before and len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("width", [40, 80, 100, 200, 1000])
def test_no_line_is_longer_than_the_terminal(table: pa.Table, width: int) -> None:
    lines = format_table(table, "table", width).splitlines()
    assert max(map(cell_len, lines)) <= width
    shown = lines[0].split()
    assert shown == table.column_names[: len(shown)]
    end = " ".join(lines[lines.index("(5 rows)") :])
    assert all(name in end for name in table.column_names[len(shown) :])
    assert ("not fit" in end) == (len(shown) < len(table.column_names))


def test_what_does_not_fit_is_said_with_where_it_is() -> None:
    rows = pa.table({"first": ["x" * 20], "second": ["y" * 20]})
    end = " ".join(format_table(rows, "table", 24).splitlines()[4:])
    assert end == "1 more column does not fit: second. A wider terminal has room for them."
    assert format_table(rows, "table", 24, "Ask again.").endswith("second. Ask again.")


def test_what_is_no_terminal_gets_every_column(table: pa.Table) -> None:
    assert format_table(table, "table").splitlines()[0].split() == table.column_names


def test_wide_characters_keep_columns_aligned() -> None:
    lines = format_table(pa.table({"text": ["天地", "ab"], "n": [1, 22]}), "table", 80).splitlines()
    assert lines[2:4] == ["天地   1", "ab    22"]


def test_a_long_cell_is_cut_and_controls_are_written_out() -> None:
    lines = format_table(pa.table({"a\x1b": ["x" * 500, "\x1b[31m"]}), "table", 60).splitlines()
    assert lines[0] == "a\\x1b" and lines[2] == "x" * 19 + "…" and lines[3] == "\\x1b[31m"


TEXTS = [
    "a\rb",
    "a\r\nb",
    "a\nb",
    '"',
    "a,b",
    "",
    "=1+1",
    "+1+1",
    "-1+1",
    "@a",
    "\t=1",
    "\r=1",
    "＝1",
    "-1",
    "+1.5e-7",
    "1e5",
    "x=1",
]


def test_csv_holds_every_text_and_a_spreadsheet_runs_none() -> None:
    table = pa.table({"=name": TEXTS, "number": [-float(i) for i in range(len(TEXTS))]})
    assert list(csv.reader(io.StringIO(format_table(table, "csv"), newline="")))[1:] == [
        [text, str(-float(i))] for i, text in enumerate(TEXTS)
    ]
    head, *rows = csv.reader(io.StringIO(spreadsheet(table), newline=""))
    assert head == ["'=name", "number"] and rows[3][1] == "-3.0"
    kept = {"a\rb", "a\r\nb", "a\nb", '"', "a,b", "", "-1", "+1.5e-7", "1e5", "x=1"}
    assert [row[0] for row in rows] == [text if text in kept else f"'{text}" for text in TEXTS]


@pytest.mark.parametrize("style", ["table", "csv", "json"])
@pytest.mark.parametrize(
    "value", ["'infinity'::DATE", "DATE '290000-01-01'", "['-infinity'::TIMESTAMP]", "{'at': DATE '0044-03-15 (BC)'}"]
)
def test_a_time_that_python_has_none_for_is_one_line_that_names_the_column(value: str, style: str) -> None:
    result = duckdb.sql(f"SELECT 1 AS n, {value} AS due").to_arrow_table()
    with pytest.raises(
        InputError, match=r"^column due: a time that cannot be shown \(.*\); cast it to VARCHAR, or use"
    ):
        format_table(result, style)
    assert "9" in format_table(duckdb.sql("SELECT DATE '9999-12-31' AS due").to_arrow_table(), style)


def test_columns_of_one_name_keep_their_values_or_are_refused() -> None:
    twice = duckdb.sql("SELECT 1 AS a, 2 AS a").to_arrow_table()
    assert format_table(twice, "csv") == "a,a\n1,2"
    assert [line.split() for line in format_table(twice, "table").splitlines()][2] == ["1", "2"]
    with pytest.raises(InputError, match=r"^two columns are called a, which JSON cannot hold; name one with AS$"):
        format_table(twice, "json")
