"""The page on tasks and topics: tags, cells and the prompts that drive them against slow versions, and empty reports."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tds_atlas.report import query
from tests import intervals
from tests.report import synthetic
from tests.report.chance import comparisons, define, drawn_p, fill
from tests.report.sheets import made_up

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


def share_of(mine: list[Prompt]) -> float:
    return sum(p[5] for p in mine) / sum(p[4] for p in mine)


def slow_p(mine: list[Prompt], prompts: list[Prompt]) -> float:
    return drawn_p([(p[5], p[4]) for p in mine], [(p[5], p[4]) for p in prompts])


def largest_clear(ps: list[float]) -> float:
    return max((p for i, p in enumerate(sorted(ps), 1) if p * len(ps) / i <= 0.05), default=-1.0)


@pytest.mark.parametrize("key", ["task", "topic", "set"])
def test_tags_against_a_slow_version(database: Path, prompts: list[Prompt], key: str) -> None:
    rows = [r for r in query.rows(query.connect(database), f"figures/shift_by_{key}") if " 1 <i>" in r["comparison"]]
    assert {r[key] for r in rows} == {tag for p in prompts for tag in tags(p, key)}
    overall, found = share_of(prompts), {}
    for row in rows:
        mine = [p for p in prompts if row[key] in tags(p, key)]
        assert row["share"] == pytest.approx(share_of(mine)) and row["prompts"] == len(mine)
        bounds = intervals.share_bounds([(p[5], p[4]) for p in mine]) if len(mine) > 2 else (None, None)
        assert (row["low_share"], row["high_share"]) == pytest.approx(bounds, abs=1e-5)
        assert row["overall_share"] == pytest.approx(overall)
        found[row[key]] = slow_p(mine, prompts)
        assert row["p"] == pytest.approx(found[row[key]], abs=2e-6)
    limit = largest_clear(list(found.values()))
    assert {r[key]: r["stands_out"] for r in rows} == {tag: p <= limit for tag, p in found.items()}


def test_cells_against_a_slow_version(database: Path, prompts: list[Prompt]) -> None:
    rows = query.rows(query.connect(database), "figures/shift_by_task_and_topic")
    rows = [r for r in rows if " 1 <i>" in r["comparison"]]
    cells = {(r["task"], r["topic"]): [p for p in prompts if r["task"] in p[2] and r["topic"] in p[3]] for r in rows}
    limit = largest_clear([slow_p(mine, prompts) for mine in cells.values()])
    for row in rows:
        mine = cells[row["task"], row["topic"]]
        share, overall, p = share_of(mine), share_of(prompts), slow_p(mine, prompts)
        against = "no clear difference" if p > limit else "above" if share > overall else "below"
        assert len(mine) == row["prompts"] >= 5 and row["p"] == pytest.approx(p, abs=2e-6)
        assert row["share"] == pytest.approx(share) and row["against"] == against


@pytest.fixture(scope="module")
def chance() -> duckdb.DuckDBPyConnection:
    """60 comparisons of 120 prompts each, some of which are shifted far more than others; tags are drawn at random."""
    draw, prompts, answers = random.Random(5), [], []
    for c in range(60):
        for g in range(120):
            name, n = f"{c}/{g}", draw.randint(20, 200)
            tasks, topics = ([f"tag {draw.choices(range(6), range(1, 7))[0]}"] for _ in range(2))
            prompts.append({"prompt_id": name, "set": "s", "tasks": tasks, "topics": topics})
            x = round(n * min(1, 0.05 * draw.lognormvariate(0, 1)))
            answers.append({"comparison_id": f"c{c}", "prompt_id": name, "n": n, "x": float(x)})
    con = duckdb.connect()
    fill(con, "prompt", 'prompt_id VARCHAR, "set" VARCHAR, tasks VARCHAR[], topics VARCHAR[]', prompts)
    fill(
        con,
        "prompt_shift",
        "comparison_id VARCHAR, prompt_id VARCHAR, cluster_id VARCHAR AS (prompt_id), n BIGINT, x DOUBLE",
        answers,
    )
    con.execute("CREATE VIEW prompt_tag AS SELECT prompt_id, 'task' AS kind, unnest(tasks) AS tag FROM prompt")
    comparisons(con, 60)
    define(con)
    return con


@pytest.mark.parametrize("name", ["shift_by_task", "shift_by_task_and_topic"])
def test_tags_drawn_at_random_rarely_stand_out(chance: duckdb.DuckDBPyConnection, name: str) -> None:
    rows = query.rows(chance, f"figures/{name}")
    assert sum(r["p"] <= 0.05 for r in rows) / len(rows) <= 0.055 and len(rows) > 300
    out = {r["comparison"] for r in rows if r.get("stands_out") or r.get("against") in ("above", "below")}
    assert len(out) <= 5


def test_a_tag_that_is_shifted_twice_as_much_stands_out(chance: duckdb.DuckDBPyConnection) -> None:
    chance.execute("BEGIN")
    chance.execute("""UPDATE prompt_shift SET x = least(n, x * 2.5) FROM prompt_tag t
        WHERE t.prompt_id = prompt_shift.prompt_id AND tag = 'tag 5'""")
    found = [r["stands_out"] for r in query.rows(chance, "figures/shift_by_task") if r["task"] == "tag 5"]
    chance.execute("ROLLBACK")
    assert sum(found) >= 0.8 * len(found)


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
