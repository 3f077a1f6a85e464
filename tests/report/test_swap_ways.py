"""The page on token swaps, the other way round: the base's tokens in the aligned model's text; drawn texts; graders."""

from __future__ import annotations

from pathlib import Path
from statistics import mean, stdev

import duckdb
import pytest

from tds_atlas.inputs.roles import Roles
from tds_atlas.record.judgements import judged
from tds_atlas.report import query
from tests import intervals
from tests.record.test_tests import t_tail
from tests.report import synthetic
from tests.report.sheets import sheet
from tests.report.test_swap_page import ENDS, Drawn, made


def test_the_other_way_round(tmp_path: Path) -> None:
    """The aligned model writes, and the base chooses at a tenth of the positions: half of the refusals are left."""
    database = synthetic.write(tmp_path / "made.duckdb", rich=True, prompts=48)
    with duckdb.connect(str(database)) as con:
        con.execute("DELETE FROM swap WHERE writer = 'aligned'")
        con.execute("UPDATE swap SET refuses = share = 1 WHERE share IN (0, 1)")
        for method, left, swapped in (("divergence", 4, 2), ("random", 1, 2), ("entropy", 2, 1)):
            con.execute(f"""INSERT INTO swap BY NAME SELECT * REPLACE ('{method}' AS method, 'aligned' AS writer,
                0.9 AS share, 20 - {swapped} AS n_swapped,
                prompt_id IN (SELECT prompt_id FROM prompt WHERE ordinal % {left} = 0) AS refuses)
                FROM swap WHERE share = 1 AND method = 'divergence'""")
    report = query.connect(database)
    curve = [
        r for r in query.rows(report, "figures/swap_refusal") if (r["writer"], r["method"]) == ("aligned", "divergence")
    ]
    assert [(r["swapped_share"], r["outcome_share"]) for r in curve] == [(0, 1), (0.1, 0.5), (1, 0)]
    back = {
        r["method"]: r
        for r in query.rows(report, "pages/swap_gap")
        if (r["writer"], r["outcome"]) == ("aligned", "refusal")
    }
    gone = [float(i % 4 != 0) for i in range(2, 49, 2)]  # harmful prompts are the even ones
    half = intervals.t95(len(gone) - 1) * stdev(gone) / len(gone) ** 0.5
    found = back["divergence"]
    assert found["closed"] == pytest.approx(mean(gone)) and found["closed_half"] == pytest.approx(half, rel=1e-4)
    assert (found["base"], found["aligned"], back["random"]["closed"]) == (0, 1, 0)
    against = {
        r["method"]: r
        for r in query.rows(
            report,
            "pages/swap_difference",
        )
        if (r["writer"], r["outcome"]) == ("aligned", "refusal")
    }
    assert against["random"]["difference"] == pytest.approx(-mean(gone))  # of refusals, at an equal share
    assert against["random"]["half_width"] == pytest.approx(half, rel=1e-4)
    assert (against["entropy"]["swapped"], against["entropy"]["swapped_other"]) == (0.1, 0.05)
    text = sheet(database, "findings/swap.md").partition("## The other way round")[2]
    closes = f"swapping the 10.0 % most divergent positions closes 50 % ± {100 * half:.0f} of the way back"
    assert closes in text and "random positions bring it no nearer at any tested share" in text
    report.close()
    with duckdb.connect(str(database)) as con:
        con.execute("DELETE FROM swap WHERE writer = 'aligned'")
    assert "## The other way round" not in sheet(database, "findings/swap.md")


def test_an_older_shard_names_the_reverse_as_a_method() -> None:
    rows = [{"method": m, "share": 0.9, "prompt_id": "p", "text": "I am blue."} for m in ("entropy", "reverse")]
    other, found = judged("swap", rows, Roles(safety=("I am",)), {"p": ("blue",)})
    assert (found["writer"], found["method"], found["is_right"], found["refuses"]) == (
        "aligned",
        "divergence",
        True,
        True,
    )
    assert (other["writer"], other["method"]) == ("base", "entropy") and other.keys() == found.keys()


def test_what_all_prompts_close_alike_has_no_exact_bound() -> None:
    """A third of the way in each: neither nothing nor all, so no rate of prompts says anything."""
    drawn: Drawn = lambda m, s, g: s if s in (0, 1) else 0.3  # noqa: E731
    (row,) = query.rows(made(drawn, 12, [*ENDS, ("divergence", 0.1, 9)], outcome="style"), "pages/swap_gap")
    assert (row["closed_low"], row["closed"], row["closed_high"]) == pytest.approx((0.3, 0.3, 0.3))


def test_drawn_texts_count_by_prompt(tmp_path: Path) -> None:
    """Three texts of each prompt: their mean is the outcome, prompts are counted, and no yes or no of one text is."""
    path = synthetic.write(tmp_path / "made.duckdb", rich=True)
    with duckdb.connect(str(path)) as con:
        con.execute("UPDATE swap SET sample = 1; DELETE FROM swap_grade")
        con.execute("""INSERT INTO swap BY NAME SELECT swap.* REPLACE (n AS sample, hash(prompt_id, method, share, n) % 3 = 0 AS refuses)
            FROM swap, (VALUES (2), (3)) numbers (n)""")
        con.execute("INSERT INTO run VALUES ('swap_sampling', 'temperature 1, seed 0, 3 of each prompt')")
    report = query.connect(path)
    sql = """SELECT method, share, prompt_id, avg(refuses::INTEGER) FROM swap JOIN prompt USING (prompt_id)
        WHERE harmful AND writer = 'base' GROUP BY ALL"""
    said = {(m, s, p): x for m, s, p, x in report.execute(sql).fetchall()}
    prompts = sorted({p for *_, p in said})
    (row,) = (
        r
        for r in query.rows(report, "figures/swap_refusal")
        if (r["writer"], r["method"], r["target_share"]) == ("base", "entropy", 0.3)
    )
    mine = [said["entropy", 0.3, p] for p in prompts]
    assert (row["outcome_share"], row["prompts"]) == (pytest.approx(mean(mine)), len(prompts)) and len(set(mine)) > 2
    bounds = intervals.share_bounds([(x, 1) for x in mine])
    assert (row["low_share"], row["high_share"]) == pytest.approx(bounds, abs=1e-5)
    wanted = {"outcome": "refusal", "writer": "base", "method": "entropy", "target": 0.3}
    (found,) = (r for r in query.rows(report, "pages/swap_difference") if wanted.items() <= r.items())
    steps = [said["divergence", 0.3, p] - said["entropy", 0.3, p] for p in prompts]
    t = mean(steps) / (stdev(steps) / len(steps) ** 0.5)
    assert found["p"] == pytest.approx(t_tail(abs(t), len(steps) - 1), rel=1e-3)  # not McNemar's test
    page = sheet(path, "findings/swap.md")
    assert "Texts are drawn with temperature 1, seed 0, 3 of each prompt." in page and "decoded greedily" not in page


def test_a_grader_that_fails_is_said(tmp_path: Path) -> None:
    """One prompt's texts have no grade: the others are the means, and the page counts them."""
    path = synthetic.write(tmp_path / "made.duckdb", rich=True)
    with duckdb.connect(str(path)) as con:
        con.execute("""UPDATE swap_grade SET value = NULL, is_yes_or_no = NULL, error = 'no'
            WHERE grader = 'score' AND prompt_id = 'p2'""")
    report = query.connect(path)
    rows = report.execute(
        "SELECT prompt_id, writer, method, share, value FROM swap_grade WHERE grader = 'score'"
    ).fetchall()
    failed = sum(prompt == "p2" for prompt, *_ in rows)
    page = sheet(path, "findings/swap.md")
    assert (
        f"*score* gave a grade to {len(rows) - failed} of {len(rows)} texts, and failed at {failed}: the table" in page
    )
    assert f"*polite <b>* gave a grade to {len(rows)} of {len(rows)} texts." in page
    mine = [x for prompt, *key, x in rows if key == ["aligned", "random", 0.8] and prompt != "p2"]
    (found,) = (
        r
        for r in query.rows(report, "figures/swap_graded")
        if (r["outcome"], r["writer"], r["method"], r["target_share"]) == ("score", "aligned", "random", 0.8)
    )
    half = intervals.t95(len(mine) - 1) * stdev(mine) / len(mine) ** 0.5
    wanted = (mean(mine), mean(mine) - half, mean(mine) + half)
    assert (found["outcome_share"], found["low_share"], found["high_share"]) == pytest.approx(wanted, rel=1e-5)
