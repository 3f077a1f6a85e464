"""Several drawn answers to a prompt: names, settings in the database, shards, one cluster, and no greedy findings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from tds_atlas.domain import InputError
from tds_atlas.pipeline.check import check
from tds_atlas.pipeline.plan import read_plan
from tds_atlas.pipeline.steps import measure
from tests.command import tds

DRAWN = "temperature: 1, top_p: 0.9, seed: 5, samples: 3"


def report(project: Path, settings: str = DRAWN) -> Path:
    text = (project / "report.yml").read_text(encoding="utf-8")
    path = project / "drawn.yml"
    path.write_text(text.replace("batch_size: 2", f"batch_size: 2, {settings}"), encoding="utf-8")
    return path


def query(project: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(project / "data/tds.duckdb"), read_only=True) as con:
        return con.execute(sql).fetchall()


def keys(path: Path) -> list[str]:
    return [shard.key for _, _, shard in read_plan(path).generations()]


def test_samples_have_names_settings_and_one_cluster(project: Path) -> None:
    measure(read_plan(report(project)))
    assert query(project, "SELECT response_id, sample FROM response WHERE prompt_id = 'sky' ORDER BY ALL") == [
        ("sft·chat/sky", None),
        ("sft·chat/sky#2", "2"),
        ("sft·chat/sky#3", "3"),
    ]
    settings = "temperature, repetition_penalty, top_k, top_p, min_p, seed"
    assert query(project, f"SELECT DISTINCT {settings} FROM response") == [(1.0, None, None, 0.9, None, 5)]
    per_prompt = "SELECT DISTINCT count(DISTINCT response_id) FROM tds GROUP BY cluster_id"
    assert query(project, per_prompt) == [(3,)]
    measured = "SELECT count(*), count(DISTINCT cluster_id) FROM prompt_measure WHERE measure = 'shifted'"
    assert query(project, measured) == [(4, 4)]
    lengths = "SELECT sum(n), max(n) FROM prompt_measure WHERE measure = 'answer length'"
    assert query(project, lengths) == [(12.0, 3.0)]
    assert query(project, "FROM parting") == []
    assert query(project, "FROM prompt_measure WHERE measure = 'same as the base for'") == []


def test_greedy_answers_have_the_shards_and_rows_that_they_had(project: Path) -> None:
    """These keys are those of before there were samples; settings that change nothing do not change them."""
    greedy = keys(project / "report.yml")
    assert keys(report(project, "temperature: 0, top_p: 1, min_p: 0, repetition_penalty: 1")) == greedy
    measure(read_plan(project / "report.yml"))
    assert query(project, "SELECT count(temperature), count(seed), count(*) FROM response") == [(0, 0, 4)]
    assert query(project, "SELECT count(*) > 0 FROM parting") == [(True,)]


@pytest.mark.parametrize(
    "other",
    ["temperature: 0.9", "top_p: 0.8", "seed: 6", "samples: 2", "top_k: 9", "min_p: 0.1", "repetition_penalty: 2"],
)
def test_what_decides_a_draw_decides_the_shard(project: Path, other: str) -> None:
    first = keys(report(project))
    name = other.split(":")[0]
    rest = [part for part in DRAWN.split(", ") if not part.startswith(f"{name}:")]
    assert not set(first) & set(keys(report(project, ", ".join([*rest, other]))))
    assert not set(first) & set(keys(project / "report.yml"))


def test_workers_and_one_run_draw_the_same(project: Path) -> None:
    measure(read_plan(report(project)))
    whole = query(project, "SELECT response_id, text FROM response ORDER BY ALL")
    text = report(project).read_text(encoding="utf-8") + "output: {shards: parts, database: data/tds.duckdb}\n"
    (project / "parts.yml").write_text(text, encoding="utf-8")
    for part in ("2/2", "1/2"):
        assert tds("generate", "-r", "parts.yml", "--part", part).returncode == 0
    measure(read_plan(project / "parts.yml"))
    assert query(project, "SELECT response_id, text FROM response ORDER BY ALL") == whole


def test_check_says_how_answers_are_drawn(project: Path) -> None:
    lines = list(check(read_plan(report(project))))
    assert "  answers sft·chat: 12, 3 a prompt, temperature 1.0, top_p 0.9, seed 5" in lines
    assert any(f"at most {12 * 24:,} positions" in line for line in lines)


def test_ids_that_meet_those_of_samples_are_one_line(project: Path) -> None:
    rows = (project / "prompts.jsonl").read_text(encoding="utf-8")
    (project / "prompts.jsonl").write_text(rows + '\n{"id": "sky#3", "prompt": "Hello"}', encoding="utf-8")
    with pytest.raises(InputError, match=r"prompts\.jsonl: the id 'sky#3' is also the name of a sample of 'sky'"):
        measure(read_plan(report(project)))
    measure(read_plan(report(project, "temperature: 1, samples: 2")))
