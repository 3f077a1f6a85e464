"""The database: what is in it, that it explains itself, and that it is written whole or not at all."""

from __future__ import annotations

import resource
import subprocess
import sys
import tracemalloc
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from tds_atlas.domain import Divergence, InputError
from tds_atlas.pipeline.check import check
from tds_atlas.pipeline.plan import read_plan
from tds_atlas.pipeline.steps import measure
from tds_atlas.record.score_tables import divergence_table
from tds_atlas.record.store import CUT_OFF, store
from tds_atlas.report.markup import inert
from tests import intervals
from tests.conftest import ROOT
from tests.record.made import made_records
from tests.report.sheets import pages


@pytest.fixture
def database(measured_project: Path) -> Path:
    return measured_project / "data/tds.duckdb"


def rows(database: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(database), read_only=True) as con:
        return con.execute(sql).fetchall()


def test_every_table_view_and_column_carries_a_comment(database: Path) -> None:
    bare = rows(
        database,
        """
        SELECT table_name, NULL FROM duckdb_tables() WHERE comment IS NULL AND NOT internal
        UNION ALL SELECT view_name, NULL FROM duckdb_views() WHERE comment IS NULL AND NOT internal
        UNION ALL SELECT table_name, column_name FROM duckdb_columns() WHERE comment IS NULL AND NOT internal""",
    )
    assert bare == []


def test_older_duckdb_and_the_browser_can_open_the_file(database: Path) -> None:
    (tags,) = rows(database, "SELECT tags FROM duckdb_databases() WHERE NOT internal")[0]
    assert tags["storage_version"].startswith("v1.4.0")


def test_tds_has_one_row_per_comparison_and_position(database: Path) -> None:
    assert rows(database, "SELECT count(*) FROM tds") == rows(database, 'SELECT count(*) FROM "position"')
    assert rows(database, "SELECT sum(n_tokens) FROM response") == rows(database, "SELECT count(*) FROM tds")
    counts = rows(database, "SELECT comparison_id, shift, count(*) FROM tds GROUP BY ALL")
    assert {c for c, _, _ in counts} == {"base-sft"} and {s for _, s, _ in counts} <= {
        "unshifted",
        "marginal",
        "shifted",
    }


def test_views_say_what_the_records_mean(database: Path) -> None:
    assert rows(
        database,
        """SELECT count(*) FROM tds WHERE shift IS DISTINCT FROM
        CASE WHEN base_rank = 1 THEN 'unshifted' WHEN base_rank IN (2, 3) THEN 'marginal' ELSE 'shifted' END""",
    ) == [(0,)]
    assert rows(database, "SELECT count(*) FROM tds WHERE (base_rank = 1) <> (base_top_id = token_id)") == [(0,)]
    assert rows(
        database,
        """SELECT count(*) FROM candidate c JOIN tds t USING (response_id, pos)
        WHERE c.condition_id = 'base·plain' AND c.token_id = t.token_id AND abs(c.logprob - t.base_logprob) > 1e-6""",
    ) == [(0,)]
    (shares,) = rows(database, "SELECT max(abs(unshifted_share + marginal_share + shifted_share - 1)) FROM example")
    assert shares[0] < 1e-12


def test_tags_texts_and_provenance_are_kept(database: Path) -> None:
    tagged = rows(database, "SELECT text, tasks, topics, harmful, truths FROM prompt WHERE prompt_id = '3'")
    assert tagged == [("Tell me\n\n    indented", [], ["people"], True, ["blue"])]
    assert rows(database, "SELECT harmful FROM prompt WHERE prompt_id = 'last'") == [(None,)]
    run = dict(rows(database, "FROM run"))
    assert run["report_name"] == "tiny" and run["measured_device"] == "cpu" and "comparisons:" in run["report_config"]
    (card,) = rows(database, "SELECT prompt_card FROM condition WHERE condition_id = 'base·plain'")[0]
    assert card == "<|begin|># Question:\nWhat is blue?\n\n# Answer:\n"


def test_clustered_interval_against_a_slow_version(database: Path) -> None:
    """The macros over the view of the record."""
    groups = rows(database, "SELECT count(*) FILTER (shift = 'shifted'), count(*) FROM tds GROUP BY prompt_id")
    share = sum(x for x, _ in groups) / sum(n for _, n in groups)
    (found,) = rows(
        database,
        """SELECT clustered_mean(x, n), clustered_half_width(x, n) FROM (
        SELECT count(*) FILTER (shift = 'shifted')::DOUBLE AS x, count(*) AS n FROM tds GROUP BY prompt_id)""",
    )
    assert found == pytest.approx((share, intervals.half_width(groups)), rel=1e-4)
    (columns,) = rows(database, "SELECT unnest(share_interval(x, n, decimals := 9)) FROM prompt_shift")
    assert columns == pytest.approx((share, *intervals.share_bounds(groups)), abs=1e-4)


def test_jaccard_macro_against_python_sets(database: Path) -> None:
    lists = rows(
        database,
        """SELECT a.top_ids, b.top_ids, jaccard_at(a.top_ids, b.top_ids, 10) FROM score a
        JOIN score b USING (response_id, pos) WHERE a.condition_id = 'base·plain' AND b.condition_id = 'sft·chat'""",
    )
    for a, b, found in lists:
        assert found == pytest.approx(len({*a[:10]} & {*b[:10]}) / len({*a[:10]} | {*b[:10]}))


def test_unchanged_inputs_leave_the_file_alone(database: Path, project: Path) -> None:
    before = database.stat().st_mtime_ns
    measure(read_plan(project / "report.yml"))
    assert database.stat().st_mtime_ns == before


def test_a_changed_tag_is_stored_without_measuring_again(database: Path, project: Path, monkeypatch) -> None:
    text = (project / "prompts.jsonl").read_text(encoding="utf-8").replace('"places"', '"skies"')
    (project / "prompts.jsonl").write_text(text, encoding="utf-8")
    monkeypatch.setattr("tds_atlas.pipeline.steps.lazy_models", lambda *_: pytest.fail)
    measure(read_plan(project / "report.yml"))
    assert rows(database, "SELECT topics FROM prompt WHERE prompt_id = 'sky'") == [(["skies"],)]


def _of_the_users(path: Path, sql: str) -> bytes:
    with duckdb.connect(str(path)) as con:
        con.execute(sql)
    return path.read_bytes()


def test_rows_passed_over_are_told(project: Path) -> None:
    good = (project / "prompts.jsonl").read_text(encoding="utf-8")
    (project / "prompts.jsonl").write_text(good + '\n{"id": "x", "prompt": ""}', encoding="utf-8")
    text = (project / "report.yml").read_text(encoding="utf-8")
    (project / "report.yml").write_text(text.replace("{path: prompts.jsonl", "{path: prompts.jsonl, on_error: skip"))
    plan = read_plan(project / "report.yml")
    lines = list(check(plan))
    place = lines.index("  rows passed over: 1")
    assert lines[place + 1].startswith("    prompts.jsonl: line 5: prompt: String should have at least 1 character")
    measure(plan)
    told = rows(project / "data/tds.duckdb", "SELECT value FROM run WHERE key = 'rows_passed_over'")
    assert told == [(lines[place + 1].strip(),)]
    page = pages(project / "data/tds.duckdb", "method.md")["method.md"]
    assert "could not be used and were passed over: 1." in page and inert("prompts.jsonl: line 5: prompt") in page


@pytest.mark.parametrize("sql", ["CREATE TABLE mine (x INT)", "CREATE TABLE run (distance DOUBLE)", None])
def test_a_file_that_is_no_database_of_tds_is_left_alone(tmp_path: Path, sql: str | None) -> None:
    path = tmp_path / "mine.duckdb"
    path.write_bytes(b"{}") if sql is None else _of_the_users(path, sql)
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"mine.duckdb: not a database of tds, .* name another in output.database$"):
        store(path, made_records(tmp_path / "shards", 1))
    assert path.read_bytes() == before


def test_the_log_of_a_replaced_database_goes_with_it(tmp_path: Path) -> None:
    """DuckDB would play it back into the new database."""
    path, records = tmp_path / "made.duckdb", made_records(tmp_path / "shards", 1)
    store(path, records)
    code = (
        f"import duckdb, os; con = duckdb.connect({str(path)!r}); con.execute('CREATE TABLE mine (x INT)'); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert path.with_name("made.duckdb.wal").exists()
    store(path, records)
    assert not path.with_name("made.duckdb.wal").exists()
    assert rows(path, "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'mine'") == [(0,)]


def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "large").mkdir()
    link = tmp_path / "made.duckdb"
    link.symlink_to(tmp_path / "large/made.duckdb")
    for _ in range(2):
        store(link, made_records(tmp_path / "shards", 1))
    assert link.is_symlink() and [p.name for p in (tmp_path / "large").iterdir()] == ["made.duckdb"]


def test_rows_of_an_answer_stand_together_and_two_databases_are_alike(tmp_path: Path) -> None:
    """Row for row, in every table. (The files differ: DuckDB writes a random name for itself into each header.)"""
    for name in ("one", "two"):
        store(tmp_path / f"{name}.duckdb", made_records(tmp_path / "shards", 1))
    one, two = tmp_path / "one.duckdb", tmp_path / "two.duckdb"
    for (table,) in rows(one, "SELECT table_name FROM duckdb_tables() WHERE NOT internal"):
        inside = f'FROM "{table}" ORDER BY rowid'
        assert rows(one, inside) == rows(two, inside), table
    for table, key in (
        ("position", "response_id"),
        ("score", "response_id, condition_id"),
        ("divergence", "response_id"),
    ):
        steps = f'SELECT pos - lag(pos) OVER (PARTITION BY {key} ORDER BY rowid), rowid - lag(rowid) OVER (PARTITION BY {key} ORDER BY rowid) FROM "{table}"'
        assert set(rows(one, steps)) == {(None, None), (1, 1)}, table


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_a_long_id_takes_no_room_beside_others() -> None:
    ones = np.ones(100, np.float32)
    records = [Divergence("x" * (4000 if i == 0 else 4), "base-sft", ones, ones, ones, ones) for i in range(100)]
    tracemalloc.start()
    table = divergence_table(records)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert table["response_id"].to_pylist() == [r.response_id for r in records for _ in range(100)]
    assert table.schema.field("response_id").type == pa.string() and peak < 2**23, peak


def test_storing_more_shards_takes_no_more_memory(tmp_path: Path) -> None:
    """Peak memory of a process that stores 12 shards against one that stores 6 (all at once: some 200 MB more)."""
    made_records(tmp_path / "shards", 1)
    code = """import sys; from pathlib import Path; from tds_atlas.record.store import CUT_OFF, store
from tests.record.made import made_records
store(Path("made.duckdb"), made_records(Path("shards"), int(sys.argv[1])))
print(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])"""  # ru_maxrss would count the parent's
    peaks = []
    for times in ("6", "12"):
        run, env = [sys.executable, "-c", code, times], {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(run, cwd=tmp_path, env=env, capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout.split()[-1]) / 1024)  # MiB
    assert peaks[1] < peaks[0] + 80, peaks


@pytest.mark.parametrize("room", [20_000, 1_000_000, 5_000_000])
def test_a_full_disk_is_one_line_and_keeps_the_old_database(tmp_path: Path, room: int) -> None:
    """No file may grow beyond `room` bytes: a disk that is full while rows go in, at the commit, and later."""
    records, database = made_records(tmp_path / "shards", 2), tmp_path / "made.duckdb"
    old = _of_the_users(database, "CREATE TABLE run AS SELECT 'content_key' AS key, 'k' AS value")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        with pytest.raises(InputError, match=r"made.duckdb: cannot be written: .*") as raised:
            store(database, records)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "\n" not in str(raised.value) and database.read_bytes() == old
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["made.duckdb"]


def test_an_answer_without_an_end_was_cut_off_if_others_of_its_file_have_one() -> None:
    rows = "('a', 'stop'), ('a', 'unknown'), ('b', 'unknown')"
    with duckdb.connect() as con:
        con.execute(f"CREATE TABLE response AS FROM (VALUES {rows}) r(source, finish)")
        con.execute(CUT_OFF)
        assert con.execute("FROM response ORDER BY ALL").fetchall() == [
            ("a", "length"),
            ("a", "stop"),
            ("b", "unknown"),
        ]
