"""The page on trust: precision, recall and checks against slow versions, and a report without truths or checks of noise."""

from __future__ import annotations

import re
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tds_atlas.report import query
from tests.report import synthetic
from tests.report.sheets import pages, pct, within


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthetic.write(tmp_path_factory.mktemp("db") / "made.duckdb", rich=True, noise=True, further=True)


def test_precision_and_recall_against_a_slow_version(database: Path) -> None:
    con = query.connect(database)
    tokens = con.execute(
        "SELECT response_id, token, role, shift = 'shifted', is_end FROM tds WHERE comparison_id = 'c-1' ORDER BY response_id, pos"
    ).fetchall()
    phrases: list[list[tuple[str, bool]]] = []
    before, ended = None, False
    for response, token, role, shifted, is_end in tokens:
        if response != before or ended:
            phrases.append([])
        before, ended = response, bool(re.search(r"[.!?:]\s*$|\n", token))
        if not is_end:
            phrases[-1].append((role, shifted))
    phrases = [phrase for phrase in phrases if phrase]
    found = {
        (row["measure"], row["unit"]): (row["found"], row["units"], row["share"])
        for row in query.rows(con, "figures/calibration_precision")
        if row["comparison"] == "base → sft 1 <i>" and row["meaning"] == "style"
    }
    hits = sum(shifted and role == "style" for _, _, role, shifted, _ in tokens)
    shifts, planted = sum(row[3] for row in tokens), sum(row[2] == "style" for row in tokens)
    assert found["precision", "token"] == (hits, shifts, pytest.approx(hits / shifts))
    assert found["recall", "token"] == (hits, planted, pytest.approx(hits / planted))
    whole = sum(any(role == "style" for role, _ in phrase) for phrase in phrases)
    hits = sum(any(role == "style" and shifted for role, shifted in phrase) for phrase in phrases)
    shifts = sum(any(shifted for _, shifted in phrase) for phrase in phrases)
    assert found["recall", "phrase"] == (hits, whole, pytest.approx(hits / whole))
    assert found["precision", "phrase"] == (hits, shifts, pytest.approx(hits / shifts))


def test_right_and_wrong_values_against_a_slow_version(tmp_path: Path) -> None:
    path = synthetic.write(tmp_path / "made.duckdb", rich=True)
    with duckdb.connect(str(path)) as con:
        con.execute("UPDATE \"position\" SET role = 'mistake' WHERE role = 'content'")
        con.execute("UPDATE prompt SET truths = ['plain']")
    with closing(query.connect(path)) as con:
        sql = "SELECT response_id, role, base_rank FROM tds WHERE comparison_id = 'c-1' ORDER BY response_id, pos"
        tokens = con.execute(sql).fetchall()
        found = {row["is_true"]: row for row in query.rows(con, "pages/calibration_slots") if "sft 1" in row["label"]}
        (truth,) = [row for row in query.rows(con, "pages/calibration_truth") if "sft 1" in row["label"]]
    for is_true, role in ((True, "knowledge"), (False, "mistake")):
        runs = [list(run) for key, run in groupby(tokens, lambda t: t[:2]) if key[1] == role]
        worst = [max(rank for *_, rank in run) for run in runs]
        assert len(worst) > 10 and min(map(len, runs)) == 1 < max(map(len, runs))
        hits = sum(rank == 1 if is_true else rank > 3 for rank in worst)
        row = found[is_true]
        assert (row["values"], row["found"], row["share"]) == (len(worst), hits, pytest.approx(hits / len(worst)))
    answers = [[t[1:] for t in run] for _, run in groupby(tokens, lambda t: t[0])]
    right = [{"knowledge"} == {role for role, _ in a} & {"knowledge", "mistake"} for a in answers]
    touched = [any(rank > 3 and role not in ("style", "safety", "end") for role, rank in a) for a in answers]
    assert truth["right_share"] == pytest.approx(sum(right) / len(right))
    wrong = [b for a, b in zip(right, touched, strict=True) if not a]
    assert (truth["answers"], truth["wrong"], truth["wrong_touched"]) == (len(answers), len(wrong), sum(wrong))


def test_a_broken_record_is_counted_and_said(tmp_path: Path) -> None:
    path = synthetic.write(tmp_path / "made.duckdb", rich=True)
    before = _violations(path)
    at = "response_id = 'sft·chat/p1' AND pos = 0"
    with duckdb.connect(str(path)) as con:
        con.execute(
            f"UPDATE divergence SET kl_aligned_base = -1, js = 0.7, clamped = 2e-5 WHERE {at} AND comparison_id = 'c-2'"
        )
        con.execute(
            f"UPDATE score SET top_logprobs = list_concat([-2, -1], top_logprobs[3:]), logprob = 1, entropy = 9, rank = 2 WHERE {at} AND condition_id = 'sft·chat'"
        )
        con.execute("UPDATE response SET text = text || 'x' WHERE response_id = 'sft·chat/p2'")
    text = pages(path, "findings/trust.md")["findings/trust.md"]
    assert "Only with care" in text and "**1 of " in text and "noise floor" not in text.split("## What must")[0]
    with duckdb.connect(str(path)) as con:
        con.execute(f"DELETE FROM score WHERE {at} AND condition_id = 'base·plain'")
        con.execute(f"DELETE FROM divergence WHERE {at} AND comparison_id = 'c-1'")
    after = _violations(path)
    one = [check for check in before if "rank 1" not in check and "sum to" not in check]
    assert [after[check] - before[check] for check in one] == [1] * 9


def _violations(path: Path) -> dict[str, int]:
    with closing(query.connect(path)) as con:
        return {row["check"]: row["violations"] for row in query.rows(con, "pages/checks")}


def test_the_design_effect_is_a_ratio_of_variances(database: Path) -> None:
    for row in query.rows(query.connect(database), "figures/design_effect"):
        naive = row["share"] * (1 - row["share"]) / row["positions"]
        assert row["naive_half_share"] == pytest.approx(1.959964 * naive**0.5)


def test_the_floor_is_below_what_it_is_drawn_beside(database: Path) -> None:
    rows = query.rows(query.connect(database), "figures/noise_floor")
    assert [row["kind"] for row in rows] == ["noise"] + ["tuning"] * 4
    spans = ("low_nats", "lower_nats", "median_nats", "upper_nats", "high_nats", "largest_nats")
    assert all([row[s] for s in spans] == sorted(row[s] for s in spans) for row in rows)


def test_a_comparison_has_the_floor_of_its_own_conditions(database: Path) -> None:
    with closing(query.connect(database)) as con:
        floors = {row["label"]: row["floor_nats"] for row in query.rows(con, "pages/floors")}
        sides = con.execute(
            "SELECT label, base_condition_id, aligned_condition_id FROM comparison WHERE kind = 'tuning'"
        ).fetchall()
        kl = [
            value
            for (value,) in con.execute("SELECT kl_again_first FROM noise WHERE isfinite(kl_again_first)").fetchall()
        ]
        measured_twice = {condition for (condition,) in con.execute("SELECT condition_id FROM noise").fetchall()}
    assert measured_twice == {"base·plain"}
    expected = {label: sum(kl) / len(kl) if "base·plain" in both else None for label, *both in sides}
    assert None in expected.values() and set(expected.values()) != {None}
    assert floors == {label: value and pytest.approx(value) for label, value in expected.items()}
    text = " ".join(pages(database, "findings/trust.md")["findings/trust.md"].split())
    assert text.count("none of its conditions was measured twice") == list(expected.values()).count(None)


def test_shares_of_planted_and_of_known_have_their_intervals(database: Path) -> None:
    text = pages(database, "findings/trust.md")["findings/trust.md"].replace("\u00a0", " ")
    with closing(query.connect(database)) as con:
        slots, found = query.rows(con, "pages/calibration_slots"), query.rows(con, "figures/calibration_precision")
    for row in slots:
        assert f"| {row['found']}: {pct(row['share'])}{_ends(row)} |" in text
    recall = [r for r in found if r["measure"] == "recall" and r["meaning"] == "style or safety"]
    for name in {r["comparison"] for r in recall}:
        token, phrase = (next(r for r in recall if (r["comparison"], r["unit"]) == (name, u)) for u in ("token", "phrase"))
        said = f"{pct(token['share'])}{_ends(token)} of the planted tokens are shifted, and {pct(phrase['share'])}{_ends(phrase)}"
        assert f"{said} of the planted phrases are found" in text


def _ends(row: dict[str, Any]) -> str:
    assert row["low_share"] <= row["share"] <= row["high_share"]
    return within({"low": row["low_share"], "high": row["high_share"]})
