"""Part How much: shares of each class, their intervals, answers and tasks changed most."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests import intervals
from tests.report.answers import answer, shares
from tests.report.frames import Frames


@answer("comparison_id shift", order="comparison_id _rank")
def shares_of_each_class(f: Frames) -> pd.DataFrame:
    rows = f.tds.groupby(["comparison_id", "shift"], as_index=False).agg(
        positions=("pos", "size"), _rank=("base_rank", "min")
    )
    return rows.assign(share=rows.positions / rows.groupby("comparison_id").positions.transform("sum"))


@answer("comparison_id")
def shifted_share_with_interval(f: Frames) -> pd.DataFrame:
    return shares(f.tds, ["comparison_id"], "is_shifted")


@answer("comparison_id")
def js_above_a_tenth(f: Frames) -> pd.DataFrame:
    return shares(f.tds.assign(far=f.tds.js > 0.1), ["comparison_id"], "far").drop(columns="prompts")


@answer("comparison_id harmful")
def harmful_prompts(f: Frames) -> pd.DataFrame:
    return shares(f.tds[f.tds.harmful.notna()], ["comparison_id", "harmful"], "is_shifted")


@answer("comparison_id task", order="-share comparison_id task", limit=20)
def tasks_changed_most(f: Frames) -> pd.DataFrame:
    return shares(f.tds.rename(columns={"tasks": "task"}).explode("task"), ["comparison_id", "task"], "is_shifted")


@answer("comparison_id")
def how_far_down(f: Frames) -> pd.DataFrame:
    ranks = f.tds[f.tds.base_rank >= 4].groupby("comparison_id").base_rank
    rows = ranks.agg(shifted_tokens="size", median_rank="median", largest_rank="max")
    return rows.assign(rank_of_a_tenth=ranks.quantile(0.9)).reset_index()


@answer("comparison_id prompt_id", order="max_base_rank -unshifted_share -n_tokens comparison_id prompt_id", limit=20)
def least_changed_answers(f: Frames) -> pd.DataFrame:
    return f.examples[
        ["comparison_id", "prompt_id", "prompt", "answer", "n_tokens", "max_base_rank", "unshifted_share"]
    ]


@answer("comparison_id prompt_id", order="-shifted_share -mean_kl_aligned_base_nats comparison_id prompt_id", limit=20)
def most_changed_answers(f: Frames) -> pd.DataFrame:
    return f.examples[
        ["comparison_id", "prompt_id", "prompt", "n_tokens", "shifted_share", "mean_kl_aligned_base_nats"]
    ]


@answer("comparison_id quarter_by_length")
def length_and_shift(f: Frames) -> pd.DataFrame:
    made = []
    for comparison, rows in f.examples.groupby("comparison_id"):
        ordered = rows.sort_values(["n_tokens", "prompt_id"])
        for quarter, places in enumerate(np.array_split(np.arange(len(ordered)), 4), 1):
            part = ordered.iloc[places]
            own = f.tds[(f.tds.comparison_id == comparison) & f.tds.response_id.isin(part.response_id)]
            lengths = [part.n_tokens.min(), part.n_tokens.max()]
            made.append([comparison, quarter, *lengths, own.is_shifted.mean(), part.mean_js_nats.mean()])
    columns = ["comparison_id", "quarter_by_length", "shortest", "longest", "shifted_share", "mean_js_nats"]
    return pd.DataFrame(made, columns=columns)


@answer("this that")
def paired_difference(f: Frames) -> pd.DataFrame:
    means = f.tds.groupby(["comparison_id", "prompt_id"]).js.mean().unstack("comparison_id")
    made = []
    for this in means:
        for that in means.columns[means.columns > this]:
            both = means[[this, that]].dropna()
            apart, n = both[this] - both[that], len(both)
            half = intervals.t95(n - 1) * apart.std(ddof=1) / np.sqrt(n) if n > 2 else None
            made.append([this, that, n, both[this].mean(), both[that].mean(), apart.mean(), half])
    numbers = ["this_js_nats", "that_js_nats", "difference_nats", "half_width_nats"]
    return pd.DataFrame(made, columns=["this", "that", "prompts", *numbers])
