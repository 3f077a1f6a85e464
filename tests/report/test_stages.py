"""The page on the stages of a chain, against loops over the rows of a made-up database."""

from __future__ import annotations

import random
import re
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from tds_atlas.report import query
from tds_atlas.report.docs import write_docs
from tests.conftest import ROOT
from tests.report import synthetic
from tests.report.test_split_pages import Clusters, clustered

SOURCE = ROOT / "site_src"


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    path = synthetic.write(tmp_path_factory.mktemp("db") / "made.duckdb", rich=True, noise=True, further=True)
    return query.connect(path)


def positions(con: duckdb.DuckDBPyConnection) -> list[dict]:
    """The chain base·plain, sft·chat, dpo·chat from score alone."""
    found: dict[tuple, dict] = {}
    sql = "SELECT response_id, pos, condition_id, logprob, rank, top_ids[1] FROM score ORDER BY ALL"
    for response, pos, condition, logprob, rank, top in con.execute(sql).fetchall():
        found.setdefault((response, pos), {"at": response})[condition] = (logprob, rank, top)
    return list(found.values())


def test_credit_and_direction(con: duckdb.DuckDBPyConnection) -> None:
    credit = [r for r in query.rows(con, "figures/stage_credit") if r["role"] == "all"]
    directions = query.rows(con, "figures/stage_promoted")
    for place, (before, after) in enumerate((("base·plain", "sft·chat"), ("sft·chat", "dpo·chat"))):
        groups: Clusters = {}
        gains = []
        for row in positions(con):
            gains.append(row[after][0] - row[before][0])
            x, n = groups.get(row["at"], (0.0, 0.0))
            groups[row["at"]] = x + gains[-1], n + 1
        found = credit[place]["nats"], credit[place]["high_nats"] - credit[place]["nats"]
        assert found == pytest.approx(clustered(groups), abs=1e-6)
        up, down = directions[2 * place : 2 * place + 2]
        assert up["nats"] == pytest.approx(sum(g for g in gains if g > 0) / len(gains), abs=1e-6)
        assert down["share"] == pytest.approx(sum(g < 0 for g in gains) / len(gains))
        assert up["nats"] + down["nats"] == pytest.approx(credit[place]["nats"], abs=1e-6)


def test_what_became_of_first_choices(con: duckdb.DuckDBPyConnection) -> None:
    seen: Counter[str] = Counter()
    for row in positions(con):
        base, middle, last = (row[c][2] for c in ("base·plain", "sft·chat", "dpo·chat"))
        if base == middle:
            seen["never changed" if middle == last else "set by the second"] += 1
        elif middle == last:
            seen["set by the first, kept"] += 1
        else:
            seen["set by the first, reverted" if base == last else "changed by both"] += 1
    rows = query.rows(con, "figures/stage_first_choice")
    assert {r["path"]: r["positions"] for r in rows} == seen and sum(r["share"] for r in rows) == pytest.approx(1)


def test_tokens_set_and_undone(con: duckdb.DuckDBPyConnection) -> None:
    ranks = [[row[c][1] for c in ("base·plain", "sft·chat", "dpo·chat")] for row in positions(con)]
    first, second = query.rows(con, "pages/stage_set")
    assert first["made"] == pytest.approx(sum(b > 1 and m == 1 for b, m, _ in ranks) / len(ranks))
    assert second["from_shifted"] == pytest.approx(sum(m > 3 and a == 1 for _, m, a in ranks) / len(ranks))
    assert second["undone"] == sum(b > 1 and m == 1 and a > 1 for b, m, a in ranks)


def test_the_share_that_carries_most(con: duckdb.DuckDBPyConnection) -> None:
    sizes = sorted((abs(r["dpo·chat"][0] - r["sft·chat"][0]) for r in positions(con)), reverse=True)
    so_far, count = 0.0, 0
    while so_far < 0.9 * sum(sizes):
        so_far, count = so_far + sizes[count], count + 1
    row = query.rows(con, "pages/stage_sparse")[1]
    assert row["share"] == pytest.approx(count / len(sizes), abs=2 / len(sizes))
    curve = [r for r in query.rows(con, "figures/stage_spread") if r["comparison"] == "base → sft 51 <i>"]
    assert curve[-1]["positions_share"] == 1 and curve[-1]["change_share"] == pytest.approx(1)
    for point in curve[::8]:
        nth = round(point["positions_share"] * len(sizes))
        assert point["change_share"] == pytest.approx(sum(sizes[:nth]) / sum(sizes), abs=1e-4)


def test_the_interval_of_that_share_covers_the_truth() -> None:
    """Simulated reports with a scale of their own per prompt: the truth is found from one very large report."""
    rng, sql = random.Random(4), query.sql_of("pages/stage_sparse")

    def simulate(prompts: int) -> list[tuple[int, int, float]]:
        scales = [rng.gammavariate(3, 1) for _ in range(prompts)]
        return [(g, p, scale * rng.expovariate(1)) for g, scale in enumerate(scales) for p in range(15)]

    sizes = sorted((x for *_, x in simulate(20000)), reverse=True)
    limit, so_far, truth = 0.9 * sum(sizes), 0.0, 0.0
    for i, size in enumerate(sizes, 1):
        so_far += size
        if so_far >= limit:
            truth = i / len(sizes)
            break
    con, hits, runs = duckdb.connect(), 0, 120
    record = ROOT / "builder/tds_atlas/record"
    con.execute((record / "statistics.sql").read_text(encoding="utf-8"))
    (view,) = re.findall(r"CREATE (VIEW stage_step .*?;)\n", (record / "analysis.sql").read_text(encoding="utf-8"), re.DOTALL)
    con.execute(
        "CREATE TABLE comparison AS SELECT unnest(['w', 's', 't']) AS comparison_id, 1 AS ordinal, 'x' AS label"
    )
    for _ in range(runs):
        rows = ", ".join(f"({g}, {p}, {x})" for g, p, x in simulate(60))
        con.execute(f"""CREATE OR REPLACE TABLE stage AS SELECT 'w' AS comparison_id, 's' AS first_id, 't' AS second_id,
            g::VARCHAR AS prompt_id, g::VARCHAR AS response_id, p AS pos, 'glue' AS role, x::DOUBLE AS first_delta, -x::DOUBLE AS second_delta,
            1 AS base_rank, 1 AS middle_rank, 1 AS aligned_rank FROM (VALUES {rows}) AS t(g, p, x)""")
        con.execute(f"CREATE OR REPLACE {view}")
        row = con.sql(sql).to_arrow_table().to_pylist()[0]
        assert row["difference"] == pytest.approx(0) and row["difference_half"] == pytest.approx(0, abs=1e-9)
        hits += abs(row["share"] - truth) <= row["half_width"]
    assert hits / runs >= 0.88


@pytest.mark.parametrize("options", [{"prompts": 1}, {"shifted": False}, {"tags": False}])
def test_the_page_survives_any_chain_and_is_left_out_without_one(tmp_path: Path, options: dict) -> None:
    page = tmp_path / "docs/findings/stages.md"
    write_docs(synthetic.write(tmp_path / "x.duckdb", rich=True, **options), SOURCE, tmp_path / "docs")
    text = page.read_text(encoding="utf-8")
    prose = "".join(part.split("</figure>")[-1] for part in text.split("<figure"))
    assert "None" not in prose and "nan" not in prose.split() and "<i>" not in prose
    write_docs(synthetic.write(tmp_path / "y.duckdb", **options), SOURCE, tmp_path / "docs")
    assert not page.exists()
