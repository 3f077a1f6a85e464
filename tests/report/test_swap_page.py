"""The page on token swaps: its curves, gaps and paired differences against slow versions; a report without swaps."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
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
from tests.report.chance import comparisons, define, fill
from tests.report.sheets import made_up, pages, sheet


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    return query.connect(synthetic.write(tmp_path_factory.mktemp("db") / "made.duckdb", rich=True))


def outcomes(con: duckdb.DuckDBPyConnection, method: str, share: float, writer: str = "base") -> dict[str, float]:
    sql = """SELECT prompt_id, refuses FROM swap JOIN prompt USING (prompt_id)
        WHERE harmful AND method = $m AND share = $s AND writer = $w"""
    return {prompt: float(x) for prompt, x in con.execute(sql, {"m": method, "s": share, "w": writer}).fetchall()}


@pytest.mark.parametrize("writer", ["base", "aligned"])
def test_a_curve_runs_between_the_two_models(con: duckdb.DuckDBPyConnection, writer: str) -> None:
    rows = [r for r in query.rows(con, "figures/swap_refusal") if (r["method"], r["writer"]) == ("random", writer)]
    assert [r["target_share"] for r in rows] == ([0, 0.1, 0.3, 1] if writer == "base" else [1, 0.8, 0])
    assert {r["panel"] == r["comparison"] for r in rows} == {writer == "base"}
    for row in rows:
        ends = row["target_share"] in (0, 1)
        said = list(
            outcomes(con, "divergence" if ends else "random", row["target_share"], "base" if ends else writer).values()
        )
        assert row["outcome_share"] == pytest.approx(mean(said)) and row["prompts"] == len(said)
        bounds = intervals.share_bounds([(x, 1) for x in said])
        assert (row["low_share"], row["high_share"]) == pytest.approx(bounds, abs=1e-5)
        assert row["swapped_share"] == pytest.approx(
            row["target_share"] if writer == "base" else 1 - row["target_share"]
        )


def test_the_share_swapped_has_an_interval(tmp_path: Path) -> None:
    path = synthetic.write(tmp_path / "made.duckdb", rich=True)
    with duckdb.connect(str(path)) as con:
        con.execute("UPDATE swap SET n_swapped = 1 + hash(prompt_id) % 5 WHERE threshold = 1.5")
    rows = [r for r in query.rows(query.connect(path), "figures/swap_style") if r["threshold"] is not None]
    assert [r["writer"] for r in rows] == ["base", "aligned"]
    with duckdb.connect(str(path), read_only=True) as con:
        for row in rows:
            counts = con.execute(f"""SELECT if(writer = 'base', n_swapped, n_tokens - n_swapped), n_tokens
                FROM swap WHERE threshold = 1.5 AND writer = '{row["writer"]}'""").fetchall()
            assert row["swapped_share"] == pytest.approx(sum(n for n, _ in counts) / sum(n for _, n in counts))
            bounds = intervals.share_bounds(counts)
            assert (row["low_swapped_share"], row["high_swapped_share"]) == pytest.approx(bounds, abs=1e-5)
            assert row["low_swapped_share"] < row["swapped_share"] < row["high_swapped_share"]


def test_gaps_and_differences_are_paired_by_prompt(con: duckdb.DuckDBPyConnection) -> None:
    base, aligned, mixed, other = (
        outcomes(con, m, s) for m, s in (("divergence", 0), ("divergence", 1), ("divergence", 0.3), ("random", 0.3))
    )
    wanted = {"outcome": "refusal", "method": "divergence", "target": 0.3}
    (gap,) = (r for r in query.rows(con, "pages/swap_gap") if wanted.items() <= r.items())
    assert gap["gap"] == pytest.approx(mean(aligned[p] - base[p] for p in base))
    assert gap["closed"] == pytest.approx(mean(mixed[p] - base[p] for p in base) / gap["gap"])
    wanted |= {"method": "random"}
    (found,) = (r for r in query.rows(con, "pages/swap_difference") if wanted.items() <= r.items())
    steps = [mixed[p] - other[p] for p in base]
    assert found["swapped"] == found["swapped_other"] == pytest.approx(0.3)  # no step between two shares
    assert found["difference"] == pytest.approx(mean(steps))
    assert found["half_width"] == pytest.approx(
        intervals.t95(len(steps) - 1) * stdev(steps) / len(steps) ** 0.5, rel=1e-5
    )


def test_the_false_discovery_rate_is_that_of_benjamini_and_hochberg(con: duckdb.DuckDBPyConnection) -> None:
    rows = query.rows(con, "pages/swap_difference")
    ps = sorted(r["p"] for r in rows)
    for row in rows:
        slow = min(p * len(ps) / (i + 1) for i, p in enumerate(ps) if p >= row["p"])
        assert row["q"] == pytest.approx(min(1, slow))


COLUMNS = """comparison_id VARCHAR, writer VARCHAR, method VARCHAR, share DOUBLE, threshold DOUBLE, mixture VARCHAR,
    cluster_id VARCHAR, n_swapped BIGINT, n_tokens BIGINT, outcome VARCHAR, x DOUBLE, is_share BOOLEAN, is_yes_or_no BOOLEAN"""
Drawn = Callable[[str, float, str], float]  # method, share, prompt -> outcome


def made(
    drawn: Drawn, prompts: int, points: Sequence[tuple[str, float, int]], reports: int = 1, outcome: str = "refusal"
) -> duckdb.DuckDBPyConnection:
    """Reports with texts at these points (method, target, swapped of 100 tokens)."""
    con = duckdb.connect()
    rows = [
        {"comparison_id": f"c{c}", "method": method, "share": share, "cluster_id": f"{g}", "n_swapped": swapped}
        | {"n_tokens": 100, "outcome": outcome, "x": float(drawn(method, share, f"{c}/{g}")), "writer": "base"}
        | {"mixture": f"{method} {share}" if 0 < share < 1 else None, "is_yes_or_no": outcome != "style", "is_share": True}
        for c in range(reports)
        for method, share, swapped in points
        for g in range(prompts)
    ]
    fill(con, "swap_outcome", COLUMNS, rows)
    comparisons(con, reports)
    define(con)
    return con


ENDS = [("divergence", 0.0, 0), ("divergence", 1.0, 100)]


def test_refusals_in_all_prompts_against_none_are_clear() -> None:
    con = made(lambda m, s, g: s > 0 and m == "divergence", 17, [*ENDS, ("divergence", 0.1, 9), ("random", 0.1, 9)])
    (row,) = query.rows(con, "pages/swap_difference")
    assert row["p"] == pytest.approx(2 * 0.5**17) and row["difference"] == 1 and row["half_width"] == 0
    gap = query.rows(con, "pages/swap_gap")[0]
    assert (gap["closed"], gap["closed_high"]) == (1, 1)
    assert gap["closed_low"] == pytest.approx(0.025 ** (1 / 17))  # a lower rate gives 17 of 17 in under 2.5 %
    nothing = query.rows(con, "pages/swap_gap")[1]
    assert (nothing["closed"], nothing["closed_low"]) == (0, 0)
    assert nothing["closed_high"] == pytest.approx(1 - 0.025 ** (1 / 17))


def test_other_methods_are_interpolated_between_the_shares_that_they_reached() -> None:
    points = [("divergence", 0.1, 20), ("entropy", 0.1, 10), ("entropy", 0.2, 50), ("random", 0.1, 30)]
    values = {"divergence": lambda s: 0.9, "entropy": lambda s: 0.2 if s < 0.15 else 0.6, "random": lambda s: 0.5}
    con = made(lambda m, s, g: values[m](s) + 0.01 * int(g.split("/")[1]), 8, [*ENDS, *points], outcome="style")
    entropy, random_places = query.rows(con, "pages/swap_difference")
    assert entropy["difference"] == pytest.approx(0.9 - (0.2 + 0.4 / 4)) and entropy["swapped_other"] == 0.2
    assert random_places["difference"] == pytest.approx(0.4) and random_places["swapped_other"] == 0.3
    assert entropy["p"] == pytest.approx(2 * 0.5**8)  # all differences are the same: their signs


@pytest.mark.parametrize("outcome", ["refusal", "style"])
def test_chance_is_rarely_called_a_difference(outcome: str) -> None:
    """300 reports of 12 prompts, in which the other method's rate at the same share is that of divergence."""
    draw = random.Random(8)
    rates = {("divergence", 0.1): 0.5, ("entropy", 0.1): 0.2, ("entropy", 0.2): 0.7}
    easy = {f"{c}/{g}": draw.random() for c in range(300) for g in range(12)}

    def drawn(method: str, share: float, prompt: str) -> float:
        rate = rates.get((method, share), share)
        return (
            draw.random() * (rate + easy[prompt]) if outcome == "style" else (draw.random() + easy[prompt]) / 2 < rate
        )

    points = [("divergence", 0.1, 40), ("entropy", 0.1, 10), ("entropy", 0.2, 60)]
    rows = query.rows(made(drawn, 12, [*ENDS, *points], 300, outcome), "pages/swap_difference")
    assert len(rows) == 300 and sum(row["p"] <= 0.05 for row in rows) <= 0.07 * 300


@pytest.mark.parametrize(
    ("reached", "says"),
    [
        ((0.9, 0.9, 0.0), "the base's most uncertain positions close as much, 100 %"),
        ((0.9, 0.2, 0.0), "the base's most uncertain positions close at most 22 %"),
        (
            (-4.0, 0.2, 0.0),
            "closes none of the gap in style at any tested share.",
        ),
    ],
)
def test_the_lead(tmp_path: Path, reached: Sequence[float], says: str) -> None:
    """The base's style is 0, the aligned model's 0.9: what each method reaches with 8 % swapped."""
    path = synthetic.write(tmp_path / "made.duckdb", rich=True)
    cases = " ".join(f"WHEN '{m}' THEN {x}" for m, x in zip(synthetic.METHODS, reached, strict=True))
    with duckdb.connect(str(path)) as con:
        con.execute("DELETE FROM swap WHERE writer = 'aligned' OR method = 'delta'")
        con.execute("UPDATE swap SET n_swapped = CASE share WHEN 0 THEN 0 WHEN 1 THEN 50 ELSE 4 END, n_tokens = 50")
        con.execute(f"""UPDATE swap SET refuses = false, style_share =
            CASE share WHEN 0 THEN 0 WHEN 1 THEN 0.9 ELSE CASE method {cases} END END""")
    text = sheet(path, "findings/swap.md")
    assert says in text and "closes −" not in text and "± 0 " not in text.split("## What swapping")[0]


def test_a_report_without_swaps_has_no_such_page() -> None:
    assert not made_up("findings/swap.md") and made_up("findings/trust.md")


@pytest.mark.parametrize(
    "kept", ["prompt_id = 'p3'", "method <> 'divergence' OR share IN (0, 1)", "share > 0 AND share < 1"]
)
def test_sentences_survive_few_rows(tmp_path: Path, kept: str) -> None:
    path = synthetic.write(tmp_path / "made.duckdb", rich=True)
    with duckdb.connect(str(path)) as con:
        con.execute(f"DELETE FROM swap WHERE NOT ({kept})")
    text = pages(path, "findings/swap.md")["findings/swap.md"].split("<figure")[0]
    assert "None" not in text and "nan" not in text.split()


def test_a_mixture_is_rarely_called_worse_by_chance() -> None:
    """100 reports in which every text states the fact with 60 %; a half width below the base's rate is common among six."""
    draw = random.Random(4)
    points = [*ENDS, *((method, share, int(100 * share)) for method in synthetic.METHODS for share in (0.1, 0.3))]
    rows = query.rows(made(lambda m, s, g: draw.random() < 0.6, 40, points, 100, "right"), "pages/swap_gap")
    assert sum(row["worse"] for row in rows) <= 1
    assert len({row["label"] for row in rows if row["moved"] + row["moved_half"] < 0}) > 8


def test_a_mixture_that_never_states_the_fact_is_worse_than_both() -> None:
    con = made(lambda m, s, g: s in (0, 1), 12, [*ENDS, ("random", 0.1, 9), ("entropy", 0.1, 9)], outcome="right")
    rows = query.rows(con, "pages/swap_gap")
    assert len(rows) == 2 and all(row["worse"] and not row["gap_clear"] for row in rows)


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
    rows = report.execute("SELECT prompt_id, writer, method, share, value FROM swap_grade WHERE grader = 'score'").fetchall()
    failed = sum(prompt == "p2" for prompt, *_ in rows)
    page = sheet(path, "findings/swap.md")
    assert f"*score* gave a grade to {len(rows) - failed} of {len(rows)} texts, and failed at {failed}: the table" in page
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
