"""Part Words and tokens: which ones tuning put in, took out or made likelier."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.report.answers import answer, commonest, shares
from tests.report.frames import AT, Frames


@answer("word", order="-times word", limit=20)
def words_put_in(f: Frames) -> pd.DataFrame:
    return (
        f.words[f.words.base_rank > 3]
        .groupby("word", as_index=False)
        .agg(
            times=("word", "size"),
            answers=("response_id", "nunique"),
            base_says_mostly=("base_top", commonest),
            median_rank=("base_rank", "median"),
        )
    )


def _moved(words: pd.DataFrame) -> pd.DataFrame:
    return words.groupby("word").delta.agg(times="size", sum_nats="sum", mean_nats="mean").reset_index()


@answer("word", order="-sum_nats word", limit=20)
def words_promoted(f: Frames) -> pd.DataFrame:
    return _moved(f.words.dropna(subset="delta"))


@answer("word", order="sum_nats word", limit=20)
def words_demoted(f: Frames) -> pd.DataFrame:
    return _moved(f.words[f.words.delta < 0])


@answer("comparison_id base_would_say answer_says", order="-times comparison_id base_would_say answer_says", limit=20)
def one_token_for_another(f: Frames) -> pd.DataFrame:
    rows = f.tds[f.tds.is_shifted & f.tds.base_top.notna()].rename(
        columns={"base_top": "base_would_say", "token": "answer_says"}
    )
    by = ["comparison_id", "base_would_say", "answer_says"]
    return rows.groupby(by, as_index=False, dropna=False).agg(
        times=("pos", "size"), mean_base_probability=("base_top_probability", "mean")
    )


@answer("base_top", order="-passed_over base_top", limit=20)
def favourites_passed_over(f: Frames) -> pd.DataFrame:
    rows = f.tds.dropna(subset="base_top").assign(other=lambda t: t.base_rank != 1)
    return rows.groupby("base_top", as_index=False).agg(
        times=("pos", "size"), passed_over=("other", "sum"), share=("other", "mean")
    )


@answer("comparison_id")
def end_token(f: Frames) -> pd.DataFrame:
    ends = f.tds[f.tds.is_end].groupby("comparison_id")
    return pd.DataFrame(
        {
            "ends": ends.size(),
            "first_choice_share": ends.base_rank.apply(lambda rank: (rank == 1).mean()),
            "median_rank": ends.base_rank.median(),
            "median_probability": np.exp(ends.base_logprob.median()),
            "else_says_mostly": ends[["base_top", "base_rank"]].apply(lambda t: commonest(t.base_top[t.base_rank > 1])),
        }
    ).reset_index()


@answer("comparison_id prompt_id pos", order="-base_top_probability comparison_id prompt_id pos", limit=20)
def facts_overruled(f: Frames) -> pd.DataFrame:
    rows = f.tds[(f.tds.role == "knowledge") & (f.tds.base_rank != 1)].rename(columns={"base_top": "base_would_say"})
    return rows[["comparison_id", "prompt_id", "pos", "token", "base_would_say", "base_rank", "base_top_probability"]]


@answer("comparison_id opens_with", order="-times comparison_id opens_with", limit=20)
def rank_of_safety_openings(f: Frames) -> pd.DataFrame:
    safe = f.tds[f.tds.role == "safety"]
    places = set(safe[["comparison_id", *AT]].itertuples(index=False, name=None))
    before = zip(safe.comparison_id, safe.response_id, safe.pos - 1, strict=True)
    opening = safe[[place not in places for place in before]].rename(columns={"token": "opens_with"})
    return opening.groupby(["comparison_id", "opens_with"], as_index=False, dropna=False).agg(
        times=("pos", "size"),
        best_rank=("base_rank", "min"),
        median_rank=("base_rank", "median"),
        worst_rank=("base_rank", "max"),
        base_says_mostly=("base_top", commonest),
    )


@answer("comparison_id role", order="comparison_id -share role")
def roles_of_shifted_tokens(f: Frames) -> pd.DataFrame:
    by = ["comparison_id", "role"]
    found = shares(f.tds, by, "is_shifted").drop(columns="prompts")
    counts = f.tds.groupby(by).is_shifted.agg(positions="size", shifted="sum").reset_index()
    return counts.merge(found, on=by)
