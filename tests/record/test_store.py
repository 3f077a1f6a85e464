"""The database: what is in it, that it explains itself, and that it is written whole or not at all."""

from __future__ import annotations

import resource
import shutil
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
from tds_atlas.record.shards import divergence_table
from tds_atlas.record.store import store
from tds_atlas.report.markup import inert
from tests.conftest import ROOT
from tests.record.made import made_records
from tests.report.sheets import pages


@pytest.fixture
def database(project: Path) -> Path:
    measure(read_plan(project / "report.yml"))
    return project / "data/tds.duckdb"


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
    """The macro against the ratio estimator written out prompt by prompt."""
    groups = rows(database, "SELECT count(*) FILTER (shift = 'shifted'), count(*) FROM tds GROUP BY prompt_id")
    n, total = len(groups), sum(size for _, size in groups)
    share = sum(x for x, _ in groups) / total
    variance = n / (n - 1) * sum((x - share * size) ** 2 for x, size in groups) / total**2
    (found,) = rows(
        database,
        """SELECT clustered_mean(x, n), clustered_half_width(x, n) FROM (
        SELECT count(*) FILTER (shift = 'shifted')::DOUBLE AS x, count(*) AS n FROM tds GROUP BY prompt_id)""",
    )
    assert found == pytest.approx((share, 1.959964 * variance**0.5))


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


def test_a_damaged_file_is_replaced(database: Path, project: Path) -> None:
    database.write_bytes(b"not a database")
    measure(read_plan(project / "report.yml"))
    assert rows(database, "SELECT count(*) > 0 FROM tds") == [(True,)]


def test_a_damaged_shard_is_named(database: Path, project: Path) -> None:
    shard = next((project / "data/shards/responses").iterdir())
    (shard / "response.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"response.parquet: damaged; delete the folder .*" + shard.name):
        measure(read_plan(project / "report.yml"))
    shutil.rmtree(shard)
    measure(read_plan(project / "report.yml"))


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
    records = [Divergence("x" * (4000 if i == 0 else 4), "base-sft", ones, ones, ones) for i in range(100)]
    tracemalloc.start()
    table = divergence_table(records)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert table["response_id"].to_pylist() == [r.response_id for r in records for _ in range(100)]
    assert table.schema.field("response_id").type == pa.string() and peak < 2**23, peak


def test_storing_more_shards_takes_no_more_memory(tmp_path: Path) -> None:
    """Peak memory of a process that stores 12 shards against one that stores 6 (all at once: some 200 MB more)."""
    made_records(tmp_path / "shards", 1)
    code = """import sys; from pathlib import Path; from tds_atlas.record.store import store
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
    database.write_bytes(b"the old one")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        with pytest.raises(InputError, match=r"made.duckdb: cannot be written: .*") as raised:
            store(database, records)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "\n" not in str(raised.value) and database.read_bytes() == b"the old one"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["made.duckdb"]
