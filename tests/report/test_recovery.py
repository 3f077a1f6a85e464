"""The page on recovery: shares, intervals and tests by hand from the table, and its parts where data is missing."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path
from statistics import mean

import duckdb
import pytest

from tds_atlas.report import query
from tests import intervals
from tests.report import synthetic
from tests.report.sheets import made_up, sheet

Asked = dict[str, list[bool]]  # by prompt: whether each continuation refuses


def asked(con: duckdb.DuckDBPyConnection, place: str, where: str) -> Asked:
    """Of c-1, answers that are refused at k = 0 where the place is a refusal."""
    rows = con.execute(
        "SELECT answer_id, cluster_id, place, k, refuses FROM recovery WHERE comparison_id = 'c-1'"
    ).fetchall()
    refused = {answer for answer, _, at, k, refuses in rows if at == "answer" and k == 0 and refuses}
    found: Asked = {}
    for answer, cluster, at, k, refuses in rows:
        if at == place and eval(where, {"k": k}) and (at != "refusal" or answer in refused):
            found.setdefault(cluster, []).append(refuses)
    return found


def test_the_curve_is_a_share_of_prompts_with_its_interval(database: Path) -> None:
    con = query.connect(database)
    rows = [r for r in query.rows(con, "figures/recovery_by_tokens") if r["comparison"].startswith("base → sft 1")]
    names = {"as its answer": "answer", "inside its refusal": "refusal", "base model": "base"}
    assert {r["tokens"] for r in rows} == set(names) and {r["k"] for r in rows} == {0, 1, 4, 9}
    for row in rows:
        shares = [mean(x) for x in asked(con, names[row["tokens"]], f"k == {row['k']}").values()]
        low, high = intervals.share_bounds([(x, 1) for x in shares])
        assert row["prompts"] == len(shares) and row["share"] == pytest.approx(mean(shares))
        assert (row["low_share"], row["high_share"]) == pytest.approx((low, high), abs=1e-5)
    assert {r["share"] for r in rows if r["tokens"] == "base model"} == {0}


def test_both_differences_are_paired_by_prompt(database: Path) -> None:
    con = query.connect(database)
    row = query.rows(con, "pages/recovery")[0]
    first, last = asked(con, "answer", "k == 0"), asked(con, "answer", "k == 9")
    falls = [mean(first[p]) - mean(last[p]) for p in last]
    assert row["last_k"] == 9 and row["last_prompts"] == len(last) < row["prompts"] == len(first)
    assert row["fall"] == pytest.approx(mean(falls)) and row["fall"] > 0 and row["fall_q"] < 0.05
    assert row["fall_half"] == pytest.approx(intervals.half_width([(x, 1) for x in falls]), abs=1e-5)
    inside = {
        p: mean(
            mean(asked(con, "refusal", f"k == {k}")[p]) for k in (1, 4, 9) if p in asked(con, "refusal", f"k == {k}")
        )
        for p in asked(con, "refusal", "k == 1")
    }
    assert row["inside"]["mean"] == pytest.approx(mean(inside.values())) and row["refused_prompts"] == len(inside)
    assert row["gain"] == pytest.approx(row["inside"]["mean"] - row["back"]["mean"]) and row["gain_q"] < 0.05


def test_divergence_is_of_three_kinds(database: Path) -> None:
    con = query.connect(database)
    rows = query.rows(con, "figures/kl_on_harmful")
    assert {r["line"] for r in rows} >= {"harmful answers, same input", "harmful answers, own inputs"}
    sql = "SELECT cluster_id, avg(kl_same_input), count(*) FROM harmful_answer WHERE comparison_id = 'c-1' AND pos = 2 GROUP BY 1"
    sums = [(float(x) * n, n) for _, x, n in con.execute(sql).fetchall()]
    row = next(r for r in rows if r["line"] == "harmful answers, same input" and r["position"] == 2)
    assert row["nats"] == pytest.approx(sum(x for x, _ in sums) / sum(n for _, n in sums), rel=1e-5)


def test_the_page_says_what_it_shows_and_is_left_out_without_the_probe(database: Path) -> None:
    text = sheet(database, "findings/recovery.md")
    assert "still are, after 9 tokens" in text and "more often inside, by" in text and "of the base count as" in text
    assert not made_up("findings/recovery.md")


@pytest.fixture(scope="module")
def depths(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five comparisons whose refusals go to other depths, and what of them was planted."""
    path = synthetic.write(tmp_path_factory.mktemp("db") / "made.duckdb", prompts=6, comparisons=5)
    refusing = {
        "c-1": "k <= 1",
        "c-2": "true",
        "c-3": "false",
        "c-4": "k = 0 OR answer_id NOT IN ('h0', 'h1', 'h2', 'h3', 'h4', 'h5')",  # clear alone, but not among five
        "c-5": "k = 0 OR answer_id <> 'h3'",
    }
    with duckdb.connect(str(path)) as con:
        con.execute("DELETE FROM recovery")
        con.execute("""INSERT INTO recovery BY NAME SELECT comparison_id, 'h' || i AS answer_id, 'asked ' || i AS cluster_id,
            'Why?' AS prompt, place, k, 'a' AS prefix, 'b' AS said, false AS refuses
            FROM comparison, range(12) r(i), (VALUES ('answer'), ('refusal'), ('base')) p(place), (VALUES (0), (3), (9)) d(k)
            WHERE comparison_id LIKE 'c-_'""")
        for comparison, sql in refusing.items():
            con.execute(f"UPDATE recovery SET refuses = {sql} WHERE comparison_id = '{comparison}' AND place <> 'base'")
        planted = [("c-1", "shallow"), ("c-2", "deep"), ("c-3", "none"), ("c-4", "deep"), ("c-5", "shallow")]
        con.executemany("INSERT INTO control VALUES (?, 'depth', ?, NULL)", planted)
        con.execute("INSERT INTO control SELECT 'c-1', 'nothing', NULL, NULL")
    return path


def test_how_deep_refusals_go_by_the_rule_that_the_page_states(depths: Path) -> None:
    with closing(query.connect(depths)) as con:
        found = con.execute("SELECT comparison_id, fall, fall_q, depth FROM refusal_depth() ORDER BY 1").fetchall()
        assert [(c, depth) for c, *_, depth in found] == [
            ("c-1", "shallow"),
            ("c-2", "deep"),
            ("c-3", "none"),
            ("c-4", None),
            ("c-5", "deep"),
        ]
        assert [fall for _, fall, *_ in found] == pytest.approx([1, 0, 0, 6 / 12, 1 / 12])
        ps = [2 * 0.5**12, 1, 1, 2 * 0.5**6, 1]  # McNemar's, of pairs that all changed one way
        assert [q for *_, q, _ in found] == pytest.approx(benjamini_hochberg_q(ps))


def benjamini_hochberg_q(ps: list[float]) -> list[float]:
    return [min(q * len(ps) / sum(p <= q for p in ps) for q in ps if q >= one) for one in ps]


def test_what_was_planted_stands_beside_what_is_read(depths: Path) -> None:
    text = sheet(depths, "findings/recovery.md")
    assert "| deep | deep | 100.0 %" in text and "| deep | undecided | 100.0 %" in text and "(k = 9, 12 prompts) |" in text
    assert "Read as planted: 3 of 5." in text
    with closing(query.connect(depths)) as con:
        rows = con.execute("FROM control_items() WHERE kind = 'depth' ORDER BY ALL").fetchall()
    assert [(row[0], *row[2:]) for row in rows] == [
        ("c-1", "shallow", True, True),
        ("c-2", "deep", True, True),
        ("c-3", "none", True, True),
        ("c-4", "deep", True, False),
        ("c-5", "deep", False, True),
        ("c-5", "shallow", True, False),
    ]
    trust = sheet(depths, "findings/trust.md")
    assert "how deep refusals go: missed “shallow”; named besides “deep”." in trust


def test_a_depth_of_which_the_probe_was_not_asked_is_no_item(depths: Path, tmp_path: Path) -> None:
    with duckdb.connect(shutil.copy(depths, tmp_path)) as con:
        con.execute("DELETE FROM recovery WHERE comparison_id = 'c-4'")
    with closing(query.connect(tmp_path / depths.name)) as con:
        rows = con.execute("SELECT DISTINCT comparison_id FROM control_items() WHERE kind = 'depth' ORDER BY 1").fetchall()
    assert rows == [("c-1",), ("c-2",), ("c-3",), ("c-5",)]
