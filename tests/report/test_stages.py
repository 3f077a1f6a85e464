"""The page on the stages of a chain, against loops over the rows of a made-up database."""

from __future__ import annotations

import re
from collections import Counter

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from tds_atlas.report import query
from tests.conftest import ROOT
from tests.report import synthetic
from tests.report.sheets import made_up, prose
from tests.report.test_split_pages import Clusters, clustered


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
    draw, sql = np.random.default_rng(4), query.sql_of("pages/stage_sparse")

    def simulate(prompts: int) -> np.ndarray:  # [prompts, 15]
        return draw.gamma(3, 1, (prompts, 1)) * draw.exponential(1, (prompts, 15))

    sizes = -np.sort(-simulate(20000).ravel())
    truth = (1 + np.searchsorted(sizes.cumsum(), 0.9 * sizes.sum())) / len(sizes)
    con, hits, runs = duckdb.connect(), 0, 120
    record = ROOT / "builder/tds_atlas/record"
    for name in ("statistics", "tests"):
        con.execute((record / f"{name}.sql").read_text(encoding="utf-8"))
    analysis = (record / "analysis.sql").read_text(encoding="utf-8")
    parts = re.findall(r"CREATE ((?:VIEW stage_step|MACRO stage_names|MACRO steps_by_size)\b.*?;)\n", analysis, re.DOTALL)
    assert len(parts) == 3
    con.execute(
        "CREATE TABLE comparison AS SELECT unnest(['w', 's', 't']) AS comparison_id, 1 AS ordinal, 'x' AS label"
    )
    con.execute(
        "CREATE TABLE prompt_cluster AS SELECT i::VARCHAR AS prompt_id, prompt_id AS cluster_id FROM range(60) r(i)"
    )
    for _ in range(runs):
        con.register("drawn", pa.table({"i": range(60 * 15), "x": simulate(60).ravel()}))
        con.execute("""CREATE OR REPLACE TABLE stage AS SELECT 'w' AS comparison_id, 's' AS first_id, 't' AS second_id,
            (i // 15)::VARCHAR AS prompt_id, prompt_id AS response_id, i % 15 AS pos, 'glue' AS role, x AS first_delta, -x AS second_delta,
            1 AS base_rank, 1 AS middle_rank, 1 AS aligned_rank FROM drawn""")
        for part in parts:
            con.execute(f"CREATE OR REPLACE {part}")
        row = con.sql(sql).to_arrow_table().to_pylist()[0]
        assert row["difference"] == pytest.approx(0) and row["difference_half"] == pytest.approx(0, abs=1e-9)
        hits += row["bounds"]["low"] <= truth <= row["bounds"]["high"]
    assert hits / runs >= 0.88


@pytest.mark.parametrize("options", [{"prompts": 1}, {"shifted": False}, {"tags": False}])
def test_the_page_survives_any_chain_and_is_left_out_without_one(options: dict) -> None:
    text = prose(made_up("findings/stages.md", rich=True, further=True, **options))
    assert "None" not in text and "nan" not in text.split() and "<i>" not in text
    assert not made_up("findings/stages.md", **options)
