"""The page on tasks and topics: tags, cells and the prompts that drive them against slow versions, and empty reports."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from tds_atlas.report import query
from tests.report import synthetic
from tests.report.sheets import made_up

Z = 1.959964
Prompt = tuple[str, int, list[str], list[str], int, int]  # its file, place, tasks and topics; positions; shifted ones


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthetic.write(tmp_path_factory.mktemp("db") / "made.duckdb", rich=True, noise=True, further=True)


@pytest.fixture(scope="module")
def prompts(database: Path) -> list[Prompt]:
    sql = """SELECT q."set", q.ordinal, q.tasks, q.topics, count(*), count(*) FILTER (shift = 'shifted')
             FROM tds JOIN prompt q USING (prompt_id) WHERE comparison_id = 'c-1' GROUP BY ALL"""
    return query.connect(database).execute(sql).fetchall()


def tags(prompt: Prompt, key: str) -> list[str]:
    return {"set": [prompt[0]], "task": prompt[2], "topic": prompt[3]}[key]


def share_and_half(mine: list[Prompt]) -> tuple[float, float]:
    share, size = sum(p[5] for p in mine) / sum(p[4] for p in mine), sum(p[4] for p in mine)
    return share, Z * math.sqrt(len(mine) / (len(mine) - 1) * sum((p[5] - share * p[4]) ** 2 for p in mine)) / size


@pytest.mark.parametrize("key", ["task", "topic", "set"])
def test_tags_against_a_slow_version(database: Path, prompts: list[Prompt], key: str) -> None:
    rows = [r for r in query.rows(query.connect(database), f"figures/shift_by_{key}") if " 1 <i>" in r["comparison"]]
    assert {r[key] for r in rows} == {tag for p in prompts for tag in tags(p, key)}
    overall, size = share_and_half(prompts)[0], sum(p[4] for p in prompts)
    found = {}
    for row in rows:
        mine = [p for p in prompts if row[key] in tags(p, key)]
        share, half = share_and_half(mine)
        assert row["share"] == pytest.approx(share) and row["prompts"] == len(mine)
        assert row["low_share"] == pytest.approx(share - half) and row["high_share"] == pytest.approx(share + half)
        assert row["overall_share"] == pytest.approx(overall)
        part = sum(p[4] for p in mine) / size
        e = [((p in mine) - part) * (p[5] - overall * p[4]) for p in prompts]
        spread = math.sqrt(len(mine) / (len(mine) - 1) * sum(x * x for x in e))
        found[row[key]] = math.erfc(abs(sum(e)) / spread / math.sqrt(2)) if spread > 1e-9 else 1.0
        assert row["p"] == pytest.approx(found[row[key]], abs=2e-6)
    ordered = sorted(found.values())
    limit = max((p for i, p in enumerate(ordered, 1) if p * len(ordered) / i <= 0.05), default=-1.0)
    assert {r[key]: r["stands_out"] for r in rows} == {tag: p <= limit for tag, p in found.items()}


def test_cells_against_a_slow_version(database: Path, prompts: list[Prompt]) -> None:
    rows = query.rows(query.connect(database), "figures/shift_by_task_and_topic")
    for row in (r for r in rows if " 1 <i>" in r["comparison"]):
        mine = [p for p in prompts if row["task"] in p[2] and row["topic"] in p[3]]
        share, half = share_and_half(mine)
        overall = share_and_half(prompts)[0]
        against = "above" if share - half > overall else "below" if share + half < overall else "no clear difference"
        assert len(mine) == row["prompts"] >= 5
        assert row["share"] == pytest.approx(share) and row["against"] == against


def test_drivers_against_a_slow_version(database: Path, prompts: list[Prompt]) -> None:
    rows = [r for r in query.rows(query.connect(database), "pages/tag_drivers") if r["comparison_id"] == "c-1"]
    assert {r["kind"] for r in rows} == {"task", "topic", "set"}
    for row in rows:
        mine = [p for p in prompts if row["tag"] in tags(p, row["kind"])]
        best = sorted(mine, key=lambda p: (-p[5], p[4], p[1]))[:3]
        assert [e["ordinal"] for e in row["examples"]] == [p[1] for p in best]
        total = sum(p[4] for p in mine)
        assert [e["contribution_share"] for e in row["examples"]] == pytest.approx([p[5] / total for p in best])


@pytest.mark.parametrize("options", [{"prompts": 1}, {"shifted": False}, {"comparisons": 1}])
def test_the_page_survives_extreme_data(options: dict[str, Any]) -> None:
    text = made_up("findings/tasks-and-topics.md", **options)
    assert "None" not in text.split("<figure")[0] and "none of 2 tasks stands out" in text and "By source" not in text
