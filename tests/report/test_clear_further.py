"""What further pages call clear, at a false discovery rate over the comparisons: contexts, stages, roles, parts, gaps, truths.

As in test_clear.py: numbers drawn at random, and in each report some interval excludes 0 that the page says nothing of.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from math import comb
from pathlib import Path

import duckdb
import pytest

from tds_atlas.report import query
from tests.intervals import t95
from tests.record.test_tests import t_tail
from tests.report.sheets import pages as rendered
from tests.report.sheets import pct, points, read, sheet, signed, within
from tests.report.test_clear import T95, Said, towards, write
from tests.report.test_false_discoveries import benjamini_hochberg
from tests.report.test_swap_page import ENDS
from tests.report.test_swap_page import made as swapped

Rows = Callable[[str], list[dict]]
# The seed of a report's ranks: the pages, and the questions in which chance alone makes an interval that excludes 0.
TOLD = {
    105: (("how-much", "prompt-or-weights", "primed", "stages"), {"sparse", "context", "near"}),
    113: (("what",), {"role"}),
}
TRUTHS = 30  # a seed of the same kind, for truths
ASKED = {"context": 19, "stage": 3, "sparse": 3, "role": 20, "part": 6, "near": 10}


def _contexts(rows: Rows) -> Iterator[tuple[str, Said]]:
    for r in rows("pages/primed_difference"):
        start, half = f"{r['label']}, {r['context']} against its own context: ", points(r["half_width"])
        yes = f"{'more' if r['difference'] > 0 else 'fewer'} shifted tokens, by {points(abs(r['difference']))} ± {half} points."
        no = f"no clear difference ({signed(100 * r['difference'], 1)} ± {half} points)."
        yield "context", (r["difference"], r["half_width"], 23, start, yes, no)


def _stages(rows: Rows) -> Iterator[tuple[str, Said]]:
    for r in rows("pages/stage_difference"):
        d, half = r["difference"], f"± {r['half_width']:.2f} nats"
        yes = f"the {'first' if d > 0 else 'second'} stage added more, by {abs(d):.2f} {half} (paired by prompt)"
        yield "stage", (d, r["half_width"], 23, ": ", yes, f"no clear difference ({signed(d, 2)} {half}, paired by prompt)")
    for r in (r for r in rows("pages/stage_sparse") if r["place"] == 2):
        d, half = r["difference"], r["difference_half"]
        start, by = f"{pct(r['share'])}{within(r['bounds'])} of the positions carry 90 % of its change. ", points(half)
        yes = f"The {'second' if d < 0 else 'first'} stage is sparser ({signed(100 * d, 1)} ± {by}"
        no = f"No clear difference between the stages ({signed(100 * d, 1)} ± {by}"
        yield "sparse", (d, half, 23, start, yes, no)


def _roles(rows: Rows) -> Iterator[tuple[str, Said]]:
    for r in (r for r in rows("pages/role_difference") if r["way"] == "counted"):
        shares = f"{pct(r['style_share'])} of the style tokens are shifted and {pct(r['other_share'])} of the {r['other']} tokens"
        start, d = f"{r['label']}, style against {r['other']}: {shares}, ", r["difference"]
        by = f"({signed(100 * d, 1)} ± {points(r['half_width'])} points)"
        yes = f"clearly {'more' if d > 0 else 'less'} {by}"
        yield "role", (d, r["half_width"], 23, start, yes, f"no clear difference {by}")


def _parts(rows: Rows) -> Iterator[tuple[str, Said]]:
    parts = {(r["comparison"], r["part"]): r for r in rows("figures/split_parts") if r["order"] == "prompt first"}
    for (label, part), r in parts.items():
        if part == "the prompt":
            numbers = f"gives {signed(r['nats'], 2)} and the weights {signed(parts[label, 'the weights']['nats'], 2)}"
            ends = f" (95 %: {signed(r['low_nats'], 2)} to {signed(r['high_nats'], 2)})"
            yes = f"; the aligned context makes this answer less likely for the base{ends}" if r["nats"] < 0 else ". "
            half = towards(r["nats"], r["low_nats"], r["high_nats"])
            no = f"; the prompt's part is not clearly different from zero{ends}"
            yield "part", (r["nats"], half, 23, f"the prompt alone {numbers}", yes, no)


def _near(rows: Rows) -> Iterator[tuple[str, Said]]:
    for r in (r for r in rows("figures/changed_shares") if r["measure"] == "of changed: in top 5"):
        start = f"At {pct(r['share'])}{within({'low': r['low_share'], 'high': r['high_share']})} of these the token that was said"
        yes = f"mostly tokens that the base {'had' if r['share'] > 0.5 else 'did not have'} near the top."
        half = towards(r["share"] - 0.5, r["low_share"] - 0.5, r["high_share"] - 0.5)
        start, no = f"{start} is among the base's first five: ", "no clear majority either way."
        yield "near", (r["share"] - 0.5, half, 23, start, yes, no)


PARTS = {"how-much": _near, "prompt-or-weights": _parts, "primed": _contexts, "stages": _stages, "what": _roles}


@pytest.mark.parametrize("seed", TOLD)
def test_only_what_passes_over_all_comparisons_is_called_clear(tmp_path: Path, seed: int) -> None:
    (names, wanted), path = TOLD[seed], made(tmp_path / "made.duckdb", seed)
    texts = rendered(path, *(f"findings/{name}.md" for name in names)).values()
    text = " ".join(read(page).replace("\u00a0", " ").replace("**", "") for page in texts)
    con, told = query.connect(path), set()
    asked: dict[str, list[Said]] = {}
    for question, said in (pair for name in names for pair in PARTS[name](lambda name: query.rows(con, name))):
        asked.setdefault(question, []).append(said)
    for question, rows in asked.items():
        assert len(rows) == ASKED[question]
        clear = benjamini_hochberg([t_tail(abs(e) / half * T95[df], df) for e, half, df, *_ in rows])
        for (estimate, half, _, start, yes, no), is_clear in zip(rows, clear, strict=True):
            assert start + (yes if is_clear else no) in text, (question, start, is_clear)
            told |= {question} if abs(estimate) > half and not is_clear else set()
    assert told >= wanted


def made(path: Path, seed: int) -> Path:
    """That of test_clear.py with a second stage, so that three comparisons are chains, and ranks on both sides of the fifth."""
    write(path, 4)
    with duckdb.connect(str(path)) as con:
        con.execute("""INSERT INTO comparison SELECT * REPLACE ('c-10' AS comparison_id, 10 AS ordinal, 'sft → dpo' AS label,
            'sft·chat' AS base_condition_id, 'dpo·chat' AS aligned_condition_id) FROM comparison WHERE ordinal = 2""")
        again = "SELECT * REPLACE ('c-10' AS comparison_id) FROM divergence WHERE comparison_id = 'c-2'"
        con.execute(f"INSERT INTO divergence {again}")
        draw = f"hash('{seed}' || response_id || pos || condition_id)"
        con.execute(f"UPDATE score SET rank = 2 + 7 * ({draw} % 2)")
    return path


def mcnemar(pairs: list[tuple[bool, bool]]) -> float:
    up, down = (sum(pair == way for pair in pairs) for way in ((False, True), (True, False)))
    tail = sum(comb(up + down, i) for i in range(max(up, down), up + down + 1))
    return min(1.0, 2 * tail / 2 ** (up + down))


@pytest.mark.parametrize("seed", [0, 12])  # in the one a mixture moves by chance, in the other a gap is one
def test_gaps_and_what_mixtures_move_are_judged_over_the_comparisons(seed: int) -> None:
    draw, outcomes = random.Random(seed), dict[tuple[str, float, str], bool]()
    con = swapped(
        lambda *at: outcomes.setdefault(at, draw.random() < 0.5), 24, [*ENDS, ("divergence", 0.1, 9)], reports=9
    )
    rows = query.rows(con, "pages/swap_gap")
    ps = {
        share: [
            mcnemar([(outcomes["divergence", 0, g], outcomes["divergence", share, g]) for g in mine]) for mine in groups
        ]
        for groups in [[[f"{c}/{g}" for g in range(24)] for c in range(9)]]
        for share in (1, 0.1)
    }
    assert [row["gap_clear"] for row in rows] == benjamini_hochberg(ps[1])
    assert [row["moved_q"] <= 0.05 for row in rows] == benjamini_hochberg(ps[0.1])
    chance = ps[0.1] if seed == 0 else ps[1]
    assert min(chance) <= 0.05 and not any(benjamini_hochberg(chance))


def test_truths_are_judged_over_the_comparisons(tmp_path: Path) -> None:
    """A token outside style and safety is shifted in half of the answers, whether they state the truth or not."""
    path = write(tmp_path / "made.duckdb", 4)
    with duckdb.connect(str(path)) as con:
        con.execute("UPDATE prompt SET truths = ['the fact']")
        touched = f"pos = 3 AND hash('{TRUTHS}' || response_id || condition_id) % 2 = 0"
        con.execute(f"UPDATE score SET rank = CASE WHEN {touched} THEN 9 ELSE 1 END")
        stated = f"pos = 0 AND hash('{TRUTHS}' || response_id) % 3 > 0"
        con.execute(
            f"""UPDATE "position" SET role = CASE WHEN {stated} THEN 'knowledge' ELSE 'content' END WHERE NOT is_end"""
        )
    rows, text = query.rows(query.connect(path), "pages/calibration_truth"), sheet(path, "findings/trust.md")
    ps = []
    for r in rows:
        df = min(r["touched"], r["answers"] - r["touched"]) - 1
        half = towards(*(r["apart"][end] for end in ("difference", "low", "high")))
        ps.append(t_tail(abs(r["apart"]["difference"]) / half * t95(df), df))
    for r, clear in zip(rows, benjamini_hochberg(ps), strict=True):
        more = "right more often" if r["apart"]["difference"] > 0 else "right less often"
        shares = f"{pct(r['touched_right'])} do so, elsewhere {pct(r['other_right'])}: "
        assert shares + (more if clear else "no difference beyond noise") in text.replace("\u00a0", " ")
    assert min(ps) <= 0.05 and not any(benjamini_hochberg(ps))
