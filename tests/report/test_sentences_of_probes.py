"""Words chosen by data, the second half: swaps, endings, words, tags, all comparisons; and what figures say in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from tds_atlas.report import figures, query
from tests.report import synthetic
from tests.report.sheets import Report, pct, points, sheet, signed, spread, within

ONE, CHAIN, SECOND = ("base → sft 1 <i>", "base → sft 50 <i>", "base → sft 51 <i>")  # base-sft, base-dpo, sft-dpo
OUTCOMES = {
    "refusal": "refusal of harmful prompts",
    "style": "style",
    "right": "stating the fact",
    "ended": "ending on its own",
}


@pytest.mark.parametrize("outcome", ["refusal", "style"])
@pytest.mark.parametrize("method", ["entropy", "random"])
def test_swap_against_other_places(report: Report, outcome: str, method: str) -> None:
    rows = report.rows("pages/swap_difference", label=ONE, outcome=outcome, method=method, writer="base")
    most = max(rows, key=lambda row: abs(row["difference"]))
    assert all(row["q"] <= 0.05 for row in rows) and len(rows) == 2
    brings = report.word(most["difference"], "divergence achieves more at 2 of 2", "divergence achieves less at 2 of 2")
    number = f"equal shares (most with {pct(most['swapped'])} swapped: {signed(100 * most['difference'], 0)} ± {100 * most['half_width']:.0f} points"
    report.says("swap", f"**{ONE}**, {OUTCOMES[outcome]}, divergence against {method}: {brings} {number}")


def test_swap_between_the_two_models(report: Report) -> None:
    for outcome in ("right", "ended"):
        gap = report.rows("pages/swap_gap", label=ONE, outcome=outcome)[0]
        more = report.word(gap["aligned"] - gap["base"], "more", "less")
        base, aligned = (f"{pct(gap[side])}{within(gap[f'{side}_bounds'])}" for side in ("base", "aligned"))
        ends = f"base {base}, aligned {aligned}, {more} by {points(abs(gap['gap']))}"
        report.says("swap", f"**{ONE}**, {OUTCOMES[outcome]}: {ends}{spread(gap['gap_half'], 'points')}")
    gaps = report.rows("pages/swap_gap", label=ONE, outcome="refusal", method="divergence", writer="base")
    few = "and no tested share closes four fifths of it"
    lead = report.pages["findings/swap.md"].partition("The base model writes.")[0]
    assert (few in lead) == (max(g["closed"] for g in gaps) < 0.8) == (not report.up)


def test_ending(report: Report) -> None:
    for label in (ONE, CHAIN):
        row = report.row("pages/ending", label=label)
        if label == ONE or report.up:
            raised = report.word(row["change"], "raised", "lowered")
            report.says(
                "ending",
                f"tuning {raised} its log-odds by {abs(row['change']):.1f}{spread(row['change_half'], 'nats', 1)}.",
            )


def test_what(report: Report) -> None:
    counted, matched = (
        report.row("pages/role_difference", label=ONE, other="content", way=way) for way in ("counted", "matched")
    )
    more = report.word(counted["difference"], "more", "less")
    assert report.word(matched["difference"], "more", "less") == more
    report.says("what", f"Style is shifted {more} than content, also at matched positions.")
    by = f"({signed(100 * counted['difference'], 1)} ± {points(counted['half_width'])} points)"
    shares = f"{pct(counted['style_share'])} of the style tokens are shifted and {pct(counted['other_share'])} of the content tokens"
    same = "The same holds at matched positions:"
    report.says("what", f"**{ONE}**, style against content: {shares}, clearly {more} {by}. {same}")


def test_tags(report: Report) -> None:
    rows = {row["task"]: row for row in report.rows("figures/shift_by_task", comparison=ONE)}
    odd = rows["a|b"]
    highest = report.word(odd["share"] - odd["overall_share"], "highest", "lowest")
    report.says(
        "tasks-and-topics",
        f"from the overall {pct(odd['overall_share'])} of shifted tokens: {highest} a|b with {pct(odd['share'])}.",
    )
    sets = sorted(report.rows("figures/shift_by_set", comparison=ONE), key=lambda row: row["share"])
    ends = (
        f"highest {sets[1]['set']} with {pct(sets[1]['share'])}, lowest {sets[0]['set']} with {pct(sets[0]['share'])}."
    )
    report.says("tasks-and-topics", ends)
    assert (sets[1]["set"] == "set") == report.up  # that of the odd prompts


def test_compare(report: Report) -> None:
    shares = sorted(report.rows("figures/compare_all", measure="shifted"), key=lambda row: row["mean"])
    low, high = shares[0], shares[-1]
    assert (high["comparison"] == SECOND, low["comparison"] == SECOND) == (report.up, not report.up)
    alike = " and ".join([ONE, CHAIN])  # their shares are the same
    other, shared = (high, low) if report.up else (low, high)
    theirs, its = f"({pct(shared['mean'])})", f"({pct(other['mean'])}{within(other)})"
    most = f"{SECOND} has the largest share of shifted tokens {its} and {alike} the smallest {theirs}."
    least = f"{alike} have the largest share of shifted tokens {theirs} and {SECOND} the smallest {its}."
    report.says("compare", most if report.up else least)
    clear = [row for row in report.rows("figures/compare_differences", comparison=SECOND) if row["adjusted_p"] <= 0.05]
    up, down = (", ".join(r["measure"] for r in clear if (r["difference"] > 0) == way) for way in (True, False))
    assert ("shifted" in up.split(", ")) == report.up and ("shifted" in down.split(", ")) != report.up
    report.says("compare", f"shared prompts: higher in {up}; lower in {down}; no clear difference in the rest.")


def test_what_figures_say(report: Report) -> None:
    def says(name: str) -> str:
        return figures.FIGURES[name].says(query.table(report.con, f"figures/{name}"))

    row = report.row("figures/compare_differences", comparison=SECOND, measure="shifted")
    assert (
        f"{SECOND}, shifted: {report.word(row['difference'], 'more', 'less')} by {abs(row['difference']):.3g}."
        in says("compare_differences")
    )
    cells = report.rows("figures/shift_by_task_and_topic", comparison=ONE)
    above, below = (sum(c["against"] == way for c in cells) for way in ("above", "below"))
    assert f"{ONE}: {above} of {len(cells)} cells above" in says(
        "shift_by_task_and_topic"
    ) and f", {below} below." in says("shift_by_task_and_topic")
    assert all(
        c["against"] == report.word(c["share"] - c["overall_share"], "above", "below")
        for c in cells
        if c["task"] == "a|b"
    )
    peaks = {
        kind: max(report.rows("figures/kl_by_harm", comparison=ONE, prompts=kind), key=lambda r: r["nats"])
        for kind in ("harmful", "harmless")
    }
    report.word(peaks["harmful"]["nats"] - peaks["harmless"]["nats"], "", "")
    for kind, peak in peaks.items():
        bars = report.rows("figures/kl_by_harm", comparison=ONE, prompts=kind)
        alike = [bar["position"] for bar in bars if f"{bar['nats']:.3g}" == f"{peak['nats']:.3g}"]
        where = f"{len(alike)} of {len(bars)}" if len(alike) > 1 else peak["position"]
        highest = f"of the positions highest {where}, {peak['nats']:.3g} nats."
        assert f"{ONE}, {kind} prompts: {highest}" in says("kl_by_harm")
    for row in report.rows("figures/stage_promoted"):
        assert f"{row['comparison']}: {row['share']:.1%} of positions {row['direction']}." in says("stage_promoted")
        assert (row["nats"] > 0) == (row["direction"] == "promoted") or row["nats"] == 0


@pytest.mark.parametrize("right", [True, False])
def test_trust(tmp_path: Path, right: bool) -> None:
    """Answers that state the fact are those with a shifted token outside style and safety, or those without."""
    path = synthetic.write(tmp_path / "x.duckdb", prompts=40, comparisons=1, rich=True, shifted=False)
    with duckdb.connect(str(path)) as con:
        con.execute("UPDATE prompt SET truths = ['the fact']")
        con.execute(
            "UPDATE score SET rank = 4 WHERE pos = 3 AND condition_id = 'base·plain' AND hash(response_id) % 2 = 0"
        )
        stated = f"(hash(response_id) % 2 = 0) = {right} AND hash(response_id, 1) % 8 > 0"
        role = f"CASE WHEN pos = 0 AND {stated} THEN 'knowledge' ELSE 'content' END"
        con.execute(f'UPDATE "position" SET role = {role} WHERE NOT is_end')
    row: dict[str, Any] = next(
        r for r in query.rows(query.connect(path), "pages/calibration_truth") if r["label"] == ONE
    )
    assert (row["touched_right"] > row["other_right"]) == right
    word = "right more often" if right else "right less often"
    low, high = (signed(100 * row["apart"][end], 1) for end in ("low", "high"))
    by = f"by {points(abs(row['touched_right'] - row['other_right']))} points (95 %: {low} to {high})."
    shares = f"{pct(row['touched_right'])} do so, elsewhere {pct(row['other_right'])}"
    assert f"answers) {shares}: {word}, {by}" in sheet(path, "findings/trust.md")
