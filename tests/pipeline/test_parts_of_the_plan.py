"""Planning reads no more responses than it must: those of its own part, once; names are those of the whole plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from tds_atlas.pipeline.plan import MEASURING, read_plan
from tds_atlas.pipeline.probe_works import continuations
from tds_atlas.pipeline.steps import measure
from tds_atlas.pipeline.work import WHOLE, WorkerPart
from tds_atlas.record.shards import Shard, content_key, read_responses, response_table


@pytest.fixture
def read(project: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the shards whose tables are read, from the moment that the report is measured."""
    measure(read_plan(project / "report.yml"))
    names: list[str] = []
    verified = Shard.verified
    monkeypatch.setattr(Shard, "verified", lambda shard, table: names.append(shard.key) or verified(shard, table))
    return names


@pytest.mark.parametrize("number", [1, 2])
def test_a_worker_reads_the_responses_of_its_part_only(number: int, read: list[str]) -> None:
    """Four answers in shards of two: each of two workers has one."""
    plan, part = read_plan(Path("report.yml")), WorkerPart(number, 2)
    scored, continued = list(plan.scorings(part)), list(continuations(plan, part))
    assert read == [plan.response_shards()[number - 1][1].key]
    whole = read_plan(Path("report.yml"))
    assert scored == part.of(whole.scorings()) and continued == part.of(continuations(whole, WHOLE))


def test_the_responses_are_read_once_however_often_the_plan_is_asked(read: list[str]) -> None:
    plan = read_plan(Path("report.yml"))
    assert list(plan.scorings()) == list(plan.scorings()) and list(plan.probe_shards())
    assert sorted(read) == sorted(shard.key for _, shard in plan.response_shards())


def test_responses_that_were_measured_anew_are_read_anew(read: list[str]) -> None:
    plan = read_plan(Path("report.yml"))
    before, (_, shard) = list(plan.scorings()), plan.response_shards()[0]
    others = read_responses(shard)[:1]
    (shard.folder / "response.parquet").write_bytes(b"damaged")
    shard.remove()
    shard.write({"response": response_table(others)})
    first, second = plan.scorings()
    assert first.shard != before[0].shard and first.positions == len(others[0].token_ids) and second == before[1]


def test_the_name_of_a_shard_of_scores_is_the_hash_of_all_that_decides_them(read: list[str]) -> None:
    """By hand, from the whole responses."""
    plan = read_plan(Path("report.yml"))
    for work in plan.scorings():
        texts = [(r.response_id, plan.prompts[r.prompt_id].text, r.token_ids) for r in read_responses(work.answers)]
        conditions = [(c.condition_id, plan.identity(c)) for c in plan.report.conditions_of(work.source)]
        pairs = [(c.comparison_id, c.base.condition_id, c.aligned.condition_id) for c in plan.report.all_comparisons]
        assert work.shard.key == content_key(MEASURING, "scores", texts, conditions, pairs, plan.report.score.top_k)
