"""Part What both would have said: lists, first choices, entropies, and AlignTDS's classes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.report.answers import answer, clustered
from tests.report.frames import Frames, classes


@answer("comparison_id")
def aligntds_classes(f: Frames) -> pd.DataFrame:
    """Theirs: the place of the aligned model's first choice among the base's first ten, as strings, without end tokens."""
    rows = f.tds.copy()
    rows["theirs"] = classes(pd.Series([_place(f, row) for row in rows.itertuples()], index=rows.index))
    rows["other"] = ~rows.is_end & (rows["shift"] != rows.theirs)
    rows["though"] = rows.other & (rows.aligned_top_id == rows.token_id)
    rows["by_them"], rows["scored"] = ~rows.is_end & (rows.theirs == "shifted"), ~rows.is_end
    return rows.groupby("comparison_id", as_index=False).agg(
        positions=("scored", "sum"),
        shifted=("is_shifted", "sum"),
        shifted_by_aligntds=("by_them", "sum"),
        in_another_class=("other", "sum"),
        though_it_is_the_first_choice=("though", "sum"),
    )


def _place(f: Frames, row: tuple) -> int:  # type: ignore[type-arg]
    listed = [f.token[row.base_condition_id, i][1] or "" for i in row.base_top_ids[:10]]
    first = f.token[row.aligned_condition_id, row.aligned_top_ids[0]][1] or ""
    return listed.index(first) + 1 if first in listed else 11


@answer("place")
def both_lists_at_one_position(f: Frames) -> pd.DataFrame:
    row = f.tds.sort_values(["comparison_id", "response_id", "pos"]).nlargest(1, "js").iloc[0]
    made: dict[str, object] = {"place": range(1, 11)}
    for side in ("base", "aligned"):
        condition = row[f"{side}_condition_id"]
        made[f"{side}_token"] = [f.token[condition, i][0] for i in row[f"{side}_top_ids"][:10]]
        made[f"{side}_probability"] = np.exp(row[f"{side}_top_logprobs"][:10].astype(float))
    return pd.DataFrame(made)


@answer("condition_id token", order="-prompts condition_id token", limit=20)
def first_words(f: Frames) -> pd.DataFrame:
    rows = _ordinary(f).query("pos == 0").merge(f.table("response")[["response_id", "prompt_id"]], on="response_id")
    rows["token"] = f.text(rows.condition_id, rows.top_ids.str[0])
    rows["p"] = np.exp(rows.top_logprobs.str[0].astype(float))
    by = rows.groupby(["condition_id", "token"], as_index=False, dropna=False)
    return by.agg(prompts=("prompt_id", "nunique"), mean_probability=("p", "mean"))


def _ordinary(f: Frames) -> pd.DataFrame:
    """Scores of the conditions that are no A/A check."""
    cards = f.table("condition")
    return pd.concat([f.score[c] for c in cards.condition_id[cards.arithmetic == ""] if c in f.score])


@answer("comparison_id prompt_id pos", limit=20)
def had_it_gone_on(f: Frames) -> pd.DataFrame:
    rows = f.tds.merge(f.table("continuation"), on=["comparison_id", "response_id", "pos"])
    rows = rows.rename(columns={"token": "answer_says", "text": "base_goes_on"})
    return rows[["comparison_id", "prompt_id", "pos", "answer_says", "base_goes_on", "ends"]]


@answer("condition_id")
def mass_of_the_first_ten(f: Frames) -> pd.DataFrame:
    rows = _ordinary(f)
    masses = [np.exp(np.asarray(listed, float)) for listed in rows.top_logprobs]
    rows = rows.assign(ten=[m[:10].sum() for m in masses], one=[m[0] for m in masses])
    by = rows.groupby("condition_id", as_index=False)
    return by.agg(positions=("pos", "size"), mean_probability=("ten", "mean"), of_the_first=("one", "mean"))


@answer("comparison_id k")
def shared_candidates(f: Frames) -> pd.DataFrame:
    rows, made = f.tds[f.tds.ordinal <= 100], []
    for comparison, part in rows.groupby("comparison_id"):
        lists = list(zip(part.base_top_ids, part.aligned_top_ids, strict=True))
        for k in (1, 3, 5, 10):
            shares = [len({*b[:k]} & {*a[:k]}) / len({*b[:k]} | {*a[:k]}) for b, a in lists]
            made.append([comparison, k, np.mean(shares)])
    return pd.DataFrame(made, columns=["comparison_id", "k", "mean_jaccard"])


@answer("comparison_id prompt_id pos", order="-base_top_probability comparison_id prompt_id pos", limit=20)
def sure_and_overruled(f: Frames) -> pd.DataFrame:
    rows = f.tds[f.tds.is_shifted].rename(columns={"base_top": "base_would_say", "token": "answer_says"})
    rows["aligned_probability"] = np.exp(rows.aligned_logprob.astype(float))
    names = ["base_would_say", "base_top_probability", "answer_says", "base_rank", "aligned_probability"]
    return rows[["comparison_id", "prompt_id", "pos", *names]]


@answer("comparison_id")
def who_is_surer(f: Frames) -> pd.DataFrame:
    """The two means are over prompts, one and the same weight each; their difference is over positions."""
    sides = ["base_entropy", "aligned_entropy"]
    prompts = f.tds.astype(dict.fromkeys(sides, float)).groupby(["comparison_id", "prompt_id"])[sides].mean()
    means = prompts.groupby("comparison_id").mean().add_suffix("_nats").reset_index()
    apart = f.tds.assign(apart=f.tds.aligned_entropy.astype(float) - f.tds.base_entropy)
    apart = clustered(apart, ["comparison_id"], "apart").drop(columns="prompts")
    return means.merge(apart.rename(columns={"mean": "difference_nats", "half_width": "half_width_nats"}))


@answer("comparison_id k")
def within_the_first_k(f: Frames) -> pd.DataFrame:
    ks = (1, 3, 10, 30, 100)
    ranks = f.tds.groupby("comparison_id").base_rank
    made = [[c, k, sum(rank <= k for rank in part) / len(part)] for c, part in ranks for k in ks]
    return pd.DataFrame(made, columns=["comparison_id", "k", "share"])


def _support(f: Frames) -> pd.DataFrame:
    """What the first ten of both lists share, and what the base favours, at each position; by sets."""
    made = []
    for row in f.tds.itertuples():
        base, aligned = (
            dict(zip(ids, np.exp(np.asarray(logs, float)), strict=True))
            for ids, logs in (
                (row.base_top_ids, row.base_top_logprobs),
                (row.aligned_top_ids, row.aligned_top_logprobs),
            )
        )
        both = set(row.base_top_ids[:10]) & set(row.aligned_top_ids[:10])
        k, last = min(10, len(base), len(aligned)), aligned[row.aligned_top_ids[-1]]
        at_most = {i: aligned.get(i, last) for i, p in base.items() if p > aligned.get(i, last)}
        masses = [sum(side[i] for i in both) for side in (base, aligned)]
        made.append([len(both) / k, *masses, sum(base[i] for i in at_most), sum(at_most.values())])
    return f.tds.assign(**dict(zip(("share", "p", "q", "before", "after"), np.transpose(made), strict=True)))


@answer("comparison_id role")
def shared_support(f: Frames) -> pd.DataFrame:
    by = _support(f).groupby(["comparison_id", "role"], as_index=False)
    means = {"mean_shared": ("share", "mean"), "mean_base_mass": ("p", "mean"), "mean_aligned_mass": ("q", "mean")}
    return by.agg(positions=("pos", "size"), **means)


@answer("comparison_id place")
def what_the_base_favours(f: Frames) -> pd.DataFrame:
    rows = _support(f)
    rows["place"] = np.where(rows.pos < 5, "first five", "later")
    rows["taken"] = rows.before - rows.after
    means = {
        "mean_under_base": ("before", "mean"),
        "mean_under_aligned": ("after", "mean"),
        "mean_taken": ("taken", "mean"),
    }
    return rows.groupby(["comparison_id", "place"], as_index=False).agg(positions=("pos", "size"), **means)
