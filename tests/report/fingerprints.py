"""The vocabulary fingerprint from the table alone: texts and tokens one by one, as the definitions have it."""

from __future__ import annotations

import math
from collections import Counter

import pandas as pd

from tds_atlas.gate.student import upper_tail
from tests import intervals
from tests.report.frames import Frames
from tests.report.test_false_discoveries import benjamini_hochberg

Counts = dict[int, Counter[int]]  # by text: at how many of its places each token is raised


def fingerprint(f: Frames, k: int | None = None, texts: int | None = None) -> pd.DataFrame:
    """What fingerprint_token holds, by k and the number of texts."""
    table = f.table("fingerprint")
    k = k or int(table.up_ids.map(len).max())
    table = table[table.number <= (texts or table.number.max())]
    yardstick = f.table("run").set_index("key").value.get("fingerprint_against")
    made = {c: _counts(rows, k) for c, rows in table.groupby("comparison_id")}
    sizes = (
        table.groupby("comparison_id")
        .first()
        .index.map(lambda c: table[table.comparison_id == c].groupby("number").size())
    )
    width = f.table("condition").merge(f.table("model"), on="model_id").set_index("condition_id").vocab_size
    sides = f.table("comparison").set_index("comparison_id")[["base_condition_id", "aligned_condition_id"]]
    rows = []
    for (c, counts), size in zip(made.items(), sizes, strict=True):
        beside = made[yardstick] if yardstick is not None and c != yardstick else None
        chance = k / min(width[side] for side in sides.loc[c])
        rows += _compared(c, counts, beside, size.to_dict(), chance, k)
    return pd.DataFrame(rows)


def _counts(rows: pd.DataFrame, k: int) -> Counts:
    return {n: Counter(i for ids in part.up_ids for i in ids[:k]) for n, part in rows.groupby("number")}


def _compared(
    c: str, counts: Counts, beside: Counts | None, sizes: dict[int, int], chance: float, k: int
) -> list[dict]:
    tokens = sorted({i for some in (counts, beside or {}) for counter in some.values() for i in counter})
    rows, places = [], sum(sizes.values())
    for token in tokens:
        sums = [(counts[n][token] - (beside[n][token] if beside else 0), size) for n, size in sizes.items()]
        rate = sum(counts[n][token] for n in sizes) / places
        against = sum(beside[n][token] for n in sizes) / places if beside else chance
        half = intervals.half_width(sums)
        excess = rate - against
        row = {"comparison_id": c, "k": k, "token_id": token, "raised_share": rate, "yardstick_share": against}
        strength = excess / math.sqrt(rate + against)
        rows.append(row | {"excess": excess, "half_width": half, "strength": strength})
    stands = _standing_out(rows, len(sizes), beside is not None)
    return [row | {"stands_out": token in stands} for token, row in zip(tokens, rows, strict=True)]


def _standing_out(rows: list[dict], texts: int, has_yardstick: bool) -> set[int]:
    """Tokens above the yardstick up to the weakest bound at which at most one in five is mirrored below it."""
    t = intervals.t95(texts - 1)
    ps = [2 * upper_tail(abs(row["excess"]) / row["half_width"] * t, texts - 1) for row in rows]
    clear = [row for row, is_clear in zip(rows, benjamini_hochberg(ps), strict=True) if is_clear]
    bounds = [abs(row["strength"]) for row in clear if row["strength"] > 0] if has_yardstick else []
    kept = []
    for bound in bounds:
        below = sum(row["strength"] <= -bound for row in clear)
        above = sum(row["strength"] >= bound for row in clear)
        kept += [bound] if 1 + below <= 0.2 * above else []
    return {row["token_id"] for row in clear if kept and row["strength"] >= min(kept)}
