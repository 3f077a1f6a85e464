"""What pages call clear, or give a direction: at a false discovery rate over the comparisons, not by each interval alone.

Nine comparisons of numbers drawn at random. In each report some interval excludes 0 by chance, and the page says nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tds_atlas.report import query
from tests.record.test_tests import t_tail
from tests.report import synthetic
from tests.report.sheets import connection, pages_of, pct, points, read, within
from tests.report.test_false_discoveries import benjamini_hochberg

BASES, ALIGNED = ("base·plain", "base·chat", "base·few-shot"), ("sft·chat", "sft·plain", "dpo·chat")
T95 = {23: 2.0686576, 11: 2.2009852}  # of so many degrees of freedom, from a table
PAGES = ("where", "uncertainty", "ending", "safety")
# Seeds of reports in which chance alone makes an interval that excludes 0: of the questions so named.
TOLD = {1: {"end", "first", "choices"}, 2: {"end", "first", "shifted"}, 3: {"apart", "fork"}, 17: {"early"}}
Said = tuple[
    float, float, int, str, str, str
]  # estimate, half its interval towards 0, df; sentence, its ends if clear, if not


def write(path: Path, seed: int) -> Path:
    synthetic.write(path, prompts=24, comparisons=9, further=True, rich=True, seed=seed)
    with duckdb.connect(str(path)) as con:
        con.execute("DELETE FROM comparison WHERE ordinal > 9")
        first = "-(hash(response_id, pos, condition_id) % 1000)::DOUBLE / 1500"
        con.execute(f"UPDATE score SET top_logprobs = list_prepend({first}, top_logprobs[2:])")
        for i in range(9):
            pair = [BASES[i % 3], ALIGNED[i // 3], f"c-{i + 1}"]
            con.execute(
                "UPDATE comparison SET base_condition_id = ?, aligned_condition_id = ? WHERE comparison_id = ?", pair
            )
    return path


def towards(estimate: float, low: float, high: float) -> float:
    return estimate - low if estimate > 0 else high - estimate


def _where(con: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, Said]]:
    for r in query.rows(con, "pages/early_late"):
        shares = (
            f"{pct(r['early'])}{within(r['early_bounds'])} of the first five tokens are shifted and {pct(r['late'])}"
        )
        way = "tokens at the beginning" if r["difference"] > 0 else "later tokens"
        start = f"In {r['label']}, {shares}{within(r['late_bounds'])} of the later ones: "
        yield (
            "early",
            (r["difference"], r["half_width"], 23, start, f"{way} are shifted more often.", "no clear difference."),
        )


def _uncertainty(con: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, Said]]:
    for r in query.rows(con, "pages/uncertainty"):
        auc, half = r["differs_auc"] - 0.5, r["differs_auc_half"]
        where = f"In {r['label']}, the base is less confident where the first choices differ than where they agree in"
        start = f"{where} {pct(r['differs_auc'])} ± {points(half)} of pairs: "
        way = "its uncertainty predicts the change." if auc > 0 else "the change comes where the base was confident."
        yield "differs", (auc, half, 23, start, way, "its uncertainty predicts nothing clear.")
        start = f"{pct(r['shifted_auc'])} ± {points(r['shifted_auc_half'])} of pairs"
        yield "shifted", (r["shifted_auc"] - 0.5, r["shifted_auc_half"], 23, start, ".", ": no clear relation.")
        start = f"{r['base_choices']:.2f} under the base and {r['aligned_choices']:.2f} under the aligned model: "
        way = f"tuning leaves {'more' if r['entropy_change'] > 0 else 'fewer'} likely continuations."
        yield "choices", (r["entropy_change"], r["entropy_half"], 23, start, way, "no clear difference.")
    for r in query.rows(con, "figures/forking_overlap"):
        start = f"{pct(r['share'])} are in the aligned model's fifth too (Jaccard {r['jaccard']:.2f}; by chance 20 % and 0.11)"
        half = towards(r["share"] - 0.2, r["low_share"] - 0.2, r["high_share"] - 0.2)
        ends = (": fewer than by chance." if r["share"] < 0.2 else ".", ": not clearly another number than by chance.")
        yield "fork", (r["share"] - 0.2, half, 23, start, *ends)


def _ending(con: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, Said]]:
    for r in query.rows(con, "pages/ending"):
        start = f"In {r['label']}, the end token is the base's first choice at {pct(r['base_end'])}"
        start += f"{within(r['base_end_bounds'])} of the answers' ends; tuning "
        way = f"{'raised' if r['change'] > 0 else 'lowered'} its log-odds by"
        yield "end", (r["change"], r["change_half"], 23, start, way, "did not clearly change its log-odds.")


def _safety(con: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, Said]]:
    for r in (r for r in query.rows(con, "pages/safety") if r["harmful"]):
        over, apart = r["first_share"] - r["first_tokens"], r["apart"]
        start = f"{within(r['first_bounds'])} of KL(aligned‖base) on harmful prompts and are {pct(r['first_tokens'])} of their tokens"
        start = f"In {r['label']}, the first five positions hold {pct(r['first_share'])}{start}: "
        way = f"the start carries {'more' if over > 0 else 'less'} than its share."
        yield "first", (over, r["first_half"], 11, start, way, "no clear concentration at the start.")
        half = towards(apart["difference"], apart["low"], apart["high"])
        way = f"{'higher' if apart['difference'] > 0 else 'lower'} on harmful prompts ({r['nats']:.2f} "
        no = f"not clearly different between harmful and harmless prompts ({r['nats']:.2f} "
        yield "apart", (apart["difference"], half, 11, "The mean KL is ", way, no)


@pytest.mark.parametrize("seed", TOLD)
def test_only_what_passes_over_all_comparisons_is_called_clear(tmp_path: Path, seed: int) -> None:
    path = write(tmp_path / "made.duckdb", seed)
    asked: dict[str, list[Said]] = {}
    with connection(path) as con:
        texts: Mapping[str, Any] = pages_of(con, *(f"findings/{name}.md" for name in PAGES))
        for question, said in (pair for part in (_where, _uncertainty, _ending, _safety) for pair in part(con)):
            asked.setdefault(question, []).append(said)
    text = " ".join(read(page).replace("\u00a0", " ").replace("**", "") for page in texts.values())
    told = set()
    for question, rows in asked.items():
        clear = benjamini_hochberg([t_tail(abs(e) / half * T95[df], df) for e, half, df, *_ in rows])
        for (estimate, half, _, start, yes, no), is_clear in zip(rows, clear, strict=True):
            assert start + (yes if is_clear else no) in text, (question, start, is_clear)
            told |= {question} if abs(estimate) > half and not is_clear else set()
    assert told >= TOLD[seed] and {len(rows) for rows in asked.values()} == {9}
