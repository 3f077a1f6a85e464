"""The version of what the measuring floor measures: it names every shard, and the database says which one it holds."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from tds_atlas.pipeline import plan, store
from tds_atlas.pipeline.steps import measure
from tds_atlas.record.shards import Shard


def shards(made: plan.Plan) -> list[Shard]:
    """All shards of a plan that holds its answers, in order."""
    own = [made.cards(), *(shard for _, shard in made.response_shards())]
    return [*own, *(work.shard for work in made.scorings()), *(shard for _, shard in made.probe_shards())]


def copy(before: Shard, after: Shard) -> None:
    after.write({path.stem: before.read(path.stem) for path in before.folder.glob("*.parquet")}, before.meta())


def version(report: Path) -> list[tuple[str]]:
    with duckdb.connect(str(report.parent / "data/tds.duckdb"), read_only=True) as con:
        return con.execute("SELECT value FROM run WHERE key = 'measuring_version'").fetchall()


def test_another_version_has_shards_of_its_own_and_says_so(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the later version had measured the very same: its shards are copies of the old ones, under its own names."""
    report = project / "report.yml"
    measure(plan.read_plan(report))
    made = plan.read_plan(report)
    old = shards(made)
    probes = {"swap", "prefill", "continuation", "fingerprint", "recovery", "harmful_answer", "amplified"}
    assert {shard.kind for shard in old} == {"cards", "responses", "scores"} | probes
    assert all(shard.exists() for shard in old) and version(report) == [(str(plan.MEASURING),)]
    with duckdb.connect(str(report.parent / "data/tds.duckdb"), read_only=True) as con:
        loaded = con.execute("SELECT model_id, loaded FROM model ORDER BY ALL").fetchall()
    assert loaded == [(name, "all 21 tensors in place") for name in ("base", "sft")]
    later = plan.MEASURING + 1
    for module in (plan, store):
        monkeypatch.setattr(module, "MEASURING", later)
    first, made = [shard for shard in old if shard.kind == "responses"], plan.read_plan(report)
    for before, (_, after) in zip(first, made.response_shards(), strict=True):
        assert not after.exists()
        copy(before, after)
    for before, after in zip(old, shards(made), strict=True):
        assert (after.kind, after.exists()) == (before.kind, before.kind == "responses") and after.key != before.key
        if not after.exists():
            copy(before, after)
    store.write_database(made)
    assert version(report) == [(str(later),)]
