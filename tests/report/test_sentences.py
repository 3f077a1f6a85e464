"""Every word that a page of findings chooses by its data, on two reports of opposite signs (planted.py).

A sentence is written here from the numbers of its row, and must stand on the page; and the row must have the planted sign.
The second half is test_sentences_of_probes.py.
"""

from __future__ import annotations

import pytest

from tests.report.sheets import Report, pct, points, signed, spread, within

ONE, CHAIN, SECOND = ("base → sft 1 <i>", "base → sft 50 <i>", "base → sft 51 <i>")  # base-sft, base-dpo, sft-dpo


def test_how_much(report: Report) -> None:
    d = report.row("pages/difference", label=SECOND)
    more = report.word(d["difference"], "more", "fewer")
    by = f"by {points(abs(d['difference']))} ± {points(d['half_width'])} points (paired by prompt)"
    report.says("how-much", f"**{SECOND}** against **{ONE}**: {more} shifted tokens, {by}.")
    report.says(
        "how-much", f"**{CHAIN}** against **{ONE}**: no clear difference in the share of shifted tokens (+0.0 points, alike in every prompt"
    )
    near = report.row("figures/changed_shares", comparison=ONE, measure="of changed: in top 5")
    way = report.word(
        near["share"] - 0.5, "mostly tokens that the base had", "mostly tokens that the base did not have"
    )
    report.says("how-much", f"is among the base's first five: {way} near the top.")


def test_where(report: Report) -> None:
    for label in (ONE, CHAIN):
        row = report.row("pages/early_late", label=label)
        where = report.word(
            row["early"] - row["late"],
            "tokens at the beginning are shifted more often",
            "later tokens are shifted more often",
        )
        shares = f"{pct(row['early'])}{within(row['early_bounds'])} of the first five tokens are shifted and {pct(row['late'])}{within(row['late_bounds'])} of the later ones"
        report.says("where", f"In {label}, {shares}: {where}.")


def test_primed(report: Report) -> None:
    for row in report.rows("pages/primed_difference", label=ONE):
        more = report.word(row["difference"], "more", "fewer")
        by = f"{points(abs(row['difference']))} ± {points(row['half_width'])}"
        report.says(
            "primed", f"**{ONE}**, {row['context']} against its own context: {more} shifted tokens, by {by} points."
        )
    best = max(report.rows("figures/primed_recovered", comparison=ONE), key=lambda row: row["share"])
    closes = f"the context {best['context']} closes {pct(best['share'])} of the gap to the aligned model"
    ends = f"({pct(-best['high_share'])} to {pct(-best['low_share'])})"
    widens = f"the best of them, {best['context']}, widens the gap by {pct(-best['share'])} {ends}"
    report.says(
        "primed",
        f"In {ONE}, {report.word(best['share'], closes, 'no other context brings the base closer: ' + widens)}",
    )


def test_prompt_or_weights(report: Report) -> None:
    rows = {r["part"]: r for r in report.rows("figures/split_parts", comparison=ONE) if r["order"] != "weights first"}
    parts = {part: row["nats"] for part, row in rows.items()}
    ends = " to ".join(signed(rows["the prompt"][end], 2) for end in ("low_nats", "high_nats"))
    less = f"; the aligned context makes this answer less likely for the base (95 %: {ends}). "
    numbers = (
        f"the prompt alone gives {signed(parts['the prompt'], 2)} and the weights {signed(parts['the weights'], 2)}"
    )
    report.says("prompt-or-weights", numbers + report.word(parts["the prompt"], ". ", less))


def test_stages(report: Report) -> None:
    credit = {r["comparison"]: r["nats"] for r in report.rows("figures/stage_credit", role="all")}
    which = report.word(credit[ONE] - credit[SECOND], "first", "second")
    shares = f"{ONE} contributed {signed(credit[ONE], 2)} nats per token and {SECOND} {signed(credit[SECOND], 2)}"
    d = report.row("pages/stage_difference", chain=CHAIN)
    assert d["difference"] == pytest.approx(credit[ONE] - credit[SECOND]) and abs(d["difference"]) > d["half_width"]
    by = f"by {abs(d['difference']):.2f}{spread(d['half_width'], 'nats', 1, 2)} (paired by prompt)"
    report.says("stages", f"Of the change in {CHAIN}, {shares}: the {which} stage added more, {by}.")
    one, two = (report.row("pages/stage_sparse", comparison=c) for c in (ONE, SECOND))
    sparser = report.word(one["share"] - two["share"], "second", "first")
    report.says("stages", f"The {sparser} stage is sparser ({signed(100 * (two['share'] - one['share']), 1)} ±")


def test_safety(report: Report) -> None:
    row = report.row("pages/prefill", label=ONE)
    fewer = report.word(row["first_refusing"] - row["last_refusing"], "fewer", "more")
    by = points(abs(row["first_refusing"] - row["last_refusing"]))
    width = " ±" if row["fall_half"] > 0.0005 else " points, alike in every prompt (paired"
    report.says("safety", f"{fewer} refusals at k = {row['last_k']} than at k = 0, by {by}{width}")
    harmful, harmless = (report.row("pages/safety", label=ONE, harmful=kind) for kind in (True, False))
    part = report.word(harmful["first_share"] - harmful["first_tokens"], "more", "less")
    hold = f"{pct(harmful['first_share'])}{within(harmful['first_bounds'])} of KL(aligned‖base) on harmful prompts and are {pct(harmful['first_tokens'])} of their tokens"
    report.says("safety", f"In {ONE}, the first five positions hold {hold}: the start carries {part} than its share.")
    higher = report.word(harmful["nats"] - harmless["nats"], "higher", "lower")
    report.says(
        "safety",
        f"The mean KL is {higher} on harmful prompts ({harmful['nats']:.2f} against {harmless['nats']:.2f} nats; difference",
    )


def test_uncertainty(report: Report) -> None:
    row = report.row("pages/uncertainty", label=ONE)
    predicts = report.word(
        row["differs_auc"] - 0.5, "its uncertainty predicts the change", "the change comes where the base was confident"
    )
    report.says(
        "uncertainty", f"in {pct(row['differs_auc'])} ± {points(row['differs_auc_half'])} of pairs: {predicts}."
    )
    report.says("uncertainty", f"In {SECOND}, the first choices never differ: there is nothing to predict.")
    for label in (ONE, CHAIN, SECOND):
        row = report.row("pages/uncertainty", label=label)
        more = report.word(row["aligned_choices"] - row["base_choices"], "more", "fewer")
        factors = f"{row['base_choices']:.2f} under the base and {row['aligned_choices']:.2f} under the aligned model"
        leaves = f"tuning leaves {more} likely continuations."
        report.says("uncertainty", f"**{label}**: a branching factor of {factors}: {leaves}")


def test_trust(report: Report) -> None:
    (check,) = report.rows("pages/noise")
    kl = report.row("pages/headline", label=ONE)["kl"]
    times = f"The effect is {round(kl / check['mean_kl_nats'])} times the floor."
    low = "The effect is less than ten times the floor: read small differences with care."
    means = f"**{ONE}**: the mean KL is {kl:.2g} nats; that of the noisiest check of its conditions "
    means += f"({check['condition_id']}, {check['arithmetic']}) is {check['mean_kl_nats']:.2g}. "
    report.says("trust", means + report.word(kl - 10 * check["mean_kl_nats"], times, low))
    for row in report.rows("figures/design_effect"):
        effect, n = row["design_effect"], row["positions"]
        as_many = f"the {n:,} positions are worth {round(n / effect):,} independent ones."
        told = as_many if effect > 1 else "clustering makes no interval wider here."
        report.says("trust", f"In **{row['comparison']}** it is {effect:.1f}: {told}")
    broken = [row for row in report.rows("pages/checks") if row["violations"]]
    report.says(
        "trust", f"Only with care: {len(broken)} of {len(report.rows('pages/checks'))} checks of the records fail"
    )
