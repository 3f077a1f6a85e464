"""The page that compares everything: numbers against slow versions, and its absence where there is nothing to compare."""

from __future__ import annotations

import random
import re

import duckdb
import pytest

from tds_atlas.report import query
from tests import intervals
from tests.report import synthetic
from tests.report.chance import comparisons, define, fill
from tests.report.sheets import made_up


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    path = tmp_path_factory.mktemp("db") / "made.duckdb"
    return query.connect(synthetic.write(path, rich=True, noise=True, further=True))


def _answers(con: duckdb.DuckDBPyConnection, comparison: str) -> dict[str, list[dict]]:
    found: dict[str, list[dict]] = {}
    sql = "SELECT * FROM tds WHERE comparison_id = $c ORDER BY prompt_id, pos"
    for row in con.sql(sql, params={"c": comparison}).to_arrow_table().to_pylist():
        found.setdefault(row["prompt_id"], []).append(row)
    return found


def test_measures_against_a_slow_version(con: duckdb.DuckDBPyConnection) -> None:
    answers = _answers(con, "c-1")
    rows = [row for answer in answers.values() for row in answer]
    mean = {
        r["measure"]: r["mean"] for r in query.rows(con, "figures/compare_all") if r["comparison"] == "base → sft 1 <i>"
    }
    same = [next((r["pos"] for r in answer if r["base_rank"] > 1), len(answer)) for answer in answers.values()]
    assert mean["shifted"] == pytest.approx(sum(r["base_rank"] > 3 for r in rows) / len(rows))
    assert mean["Δ log p"] == pytest.approx(
        sum(r["aligned_logprob"] - r["base_logprob"] for r in rows) / len(rows), rel=1e-5
    )
    assert mean["same as the base for"] == pytest.approx(sum(same) / len(same))
    assert mean["answer length"] == pytest.approx(len(rows) / len(answers))


def test_paired_differences_and_their_false_discovery_rate(con: duckdb.DuckDBPyConnection) -> None:
    first, later = _answers(con, "c-1"), _answers(con, "c-sft-dpo")
    found = query.rows(con, "figures/compare_differences")
    (row,) = (r for r in found if r["comparison"] == "base → sft 51 <i>" and r["measure"] == "KL(aligned‖base)")
    sums = [[(sum(r["kl_aligned_base"] for r in a[p]), len(a[p])) for p in first] for a in (first, later)]
    means = [sum(x for x, _ in s) / sum(n for _, n in s) for s in sums]
    totals = [sum(n for _, n in s) for s in sums]
    spread = sum(
        ((s[0] - means[1] * s[1]) / totals[1] - (f[0] - means[0] * f[1]) / totals[0]) ** 2
        for f, s in zip(*sums, strict=True)
    )
    assert row["difference"] == pytest.approx(means[1] - means[0], rel=1e-4)
    assert row["half_width"] == pytest.approx(
        intervals.t95(len(first) - 1) * (len(first) / (len(first) - 1) * spread) ** 0.5, rel=1e-4
    )
    ordered = sorted(found, key=lambda r: r["p"])
    for place, r in enumerate(ordered):
        slow = min(min(1, s["p"] * len(found) / (k + 1)) for k, s in enumerate(ordered) if k >= place)
        assert r["adjusted_p"] == pytest.approx(slow)


@pytest.fixture(scope="module")
def chance() -> duckdb.DuckDBPyConnection:
    """400 comparisons of 5 prompts, alike but for chance, after a first; in one more all prompts differ by the same."""
    draw, count = random.Random(4), 402
    con = duckdb.connect()
    comparisons(con, count)
    con.execute("ALTER TABLE comparison ADD COLUMN kind VARCHAR DEFAULT 'tuning'")
    rows = [
        {
            "comparison_id": f"c{c}",
            "cluster_id": f"{g}",
            "place": 9,
            "measure": "answer length",
            "unit": "tokens",
            "n": 1.0,
        }
        | {"x": float(g if c == 0 else g + 3 if c == count - 1 else g + draw.gauss(0, 1))}
        for c in range(count)
        for g in range(5)
    ]
    columns = (
        "comparison_id VARCHAR, cluster_id VARCHAR, place INTEGER, measure VARCHAR, unit VARCHAR, n DOUBLE, x DOUBLE"
    )
    fill(con, "prompt_measure", columns, rows)
    define(con)
    return con


def test_few_prompts_alike_but_for_chance_rarely_differ(chance: duckdb.DuckDBPyConnection) -> None:
    rows = query.rows(chance, "figures/compare_differences")[:-1]
    assert len(rows) == 400 and sum(row["p"] <= 0.05 for row in rows) <= 0.075 * 400
    assert not any(row["adjusted_p"] <= 0.05 for row in rows)


def test_the_same_difference_in_all_prompts_is_judged_by_its_sign(chance: duckdb.DuckDBPyConnection) -> None:
    row = query.rows(chance, "figures/compare_differences")[-1]
    assert row["difference"] == 3 and row["p"] == pytest.approx(2 * 0.5**5)


def test_word_overlap_against_sets(con: duckdb.DuckDBPyConnection) -> None:
    words: dict[str, set[str]] = {}
    sql = "SELECT label, word FROM word JOIN comparison USING (comparison_id) WHERE shift = 'shifted'"
    for label, word in con.execute(sql).fetchall():
        if re.search(r"[^\W_]", word):
            words.setdefault(label, set()).add(word.lower())
    rows = query.rows(con, "figures/word_overlap")
    assert len(rows) == len(words) * (len(words) + 1) // 2
    for row in rows:
        a, b = words[row["comparison"]], words[row["other"]]
        assert row["jaccard"] == pytest.approx(len(a & b) / len(a | b)) and row["words"] == len(a)


def test_one_comparison_has_no_page() -> None:
    assert not made_up("findings/compare.md", comparisons=1)


@pytest.mark.parametrize("options", [{"prompts": 1}, {"shifted": False}, {"comparisons": 5}])
def test_extreme_reports(options: dict) -> None:
    page = made_up("findings/compare.md", **options)
    assert "None" not in page and ("largest share" in page or "The share of shifted tokens is" in page)
