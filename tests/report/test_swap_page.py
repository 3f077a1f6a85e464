"""The page on token swaps: its curves, gaps and paired differences against slow versions; a report without swaps."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean, stdev

import duckdb
import pytest

from tds_atlas.report import query
from tests import intervals
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
