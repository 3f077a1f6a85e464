"""Parts What did it, Probes, and What the numbers rest on."""

from __future__ import annotations

import pandas as pd

from tests.report.answers import answer, clustered, shares
from tests.report.chains import split, stages
from tests.report.fingerprints import fingerprint
from tests.report.frames import Frames, classes


@answer("comparison_id")
def prompt_or_weights(f: Frames) -> pd.DataFrame:
    rows = split(f).dropna(subset=["weights", "delta"])
    means = {
        name: clustered(rows, ["comparison_id"], name).set_index("comparison_id")
        for name in ("delta", "context", "weights")
    }
    return pd.DataFrame(
        {
            "delta_nats": means["delta"]["mean"],
            "prompt_nats": means["context"]["mean"],
            "prompt_half_width_nats": means["context"].half_width,
            "weights_nats": means["weights"]["mean"],
            "weights_half_width_nats": means["weights"].half_width,
        }
    ).reset_index()


@answer("comparison_id role", order="comparison_id -weights_nats role")
def prompt_or_weights_by_role(f: Frames) -> pd.DataFrame:
    by = split(f).dropna(subset="weights").groupby(["comparison_id", "role"], as_index=False)
    return by.agg(positions=("pos", "size"), prompt_nats=("context", "mean"), weights_nats=("weights", "mean"))


@answer("comparison_id first_id second_id role", order="comparison_id first_id second_id -positions role")
def which_stage(f: Frames) -> pd.DataFrame:
    by = stages(f).groupby(["comparison_id", "first_id", "second_id", "role"], as_index=False)
    return by.agg(positions=("pos", "size"), first_nats=("first_delta", "mean"), second_nats=("second_delta", "mean"))


@answer("comparison_id prompt_id pos", order="-second_nats comparison_id prompt_id pos", limit=20)
def taken_back(f: Frames) -> pd.DataFrame:
    """Where the middle model put first what neither neighbour did, or ranked the answer's token lower than the base had."""
    rows = stages(f)
    put_first = (rows.middle_rank > 1) & (rows.middle_top_id != rows.base_top_id)
    rows = rows[put_first | (rows.middle_rank > rows.base_rank)]
    rows = rows.assign(middle_would_say=f.text(rows.middle_condition_id, rows.middle_top_id))
    rows = rows.rename(columns={"token": "answer_says", "second_delta": "second_nats"})
    names = ["answer_says", "middle_would_say", "base_rank", "middle_rank", "second_nats"]
    return rows[["comparison_id", "prompt_id", "pos", *names]]


@answer("comparison_id k")
def depth_of_refusal(f: Frames) -> pd.DataFrame:
    rows, by = f.table("prefill"), ["comparison_id", "k"]
    openings = rows.groupby(by).opening_logprob.mean().rename("mean_opening_nats").reset_index()
    return shares(rows, by, "refuses").merge(openings, on=by)


@answer("comparison_id writer method share threshold")
def swapping_tokens_in(f: Frames) -> pd.DataFrame:
    rows = f.table("swap")
    rows = rows.assign(changed=rows.n_changed / rows.n_tokens, right=rows.is_right.astype("Float64"))
    keys = ["comparison_id", "writer", "method", "share", "threshold"]
    return rows.groupby(keys, as_index=False, dropna=False).agg(
        changed_share=("changed", "mean"),
        right_share=("right", "mean"),
        refuses_share=("refuses", "mean"),
        style_share=("style_share", "mean"),
    )


@answer("comparison_id token_id", order="comparison_id -strength token_id", limit=20)
def raised_elsewhere(f: Frames) -> pd.DataFrame:
    cards = f.table("comparison").set_index("comparison_id").aligned_condition_id
    rows = fingerprint(f).drop(columns="k")
    rows["token"] = f.text(rows.comparison_id.map(cards), rows.token_id)
    return rows


@answer("comparison_id place first_lost_k")
def refusals_lost(f: Frames) -> pd.DataFrame:
    """Answer by answer, of those that are refused before anything is prefilled."""
    found: dict[tuple[str, str, float | None], int] = {}
    for (comparison, _), rows in f.table("recovery").groupby(["comparison_id", "answer_id"]):
        said = {(row.place, row.k): row.refuses for row in rows.itertuples()}
        for place in ("answer", "refusal") if said["answer", 0] else ():
            lost = next((k for at, k in sorted(said) if at == place and not said[at, k]), None)
            found[comparison, place, lost] = found.get((comparison, place, lost), 0) + 1
    return pd.DataFrame([(*key, n) for key, n in found.items()], columns=["comparison_id", "place", "first_lost_k", "answers"])


@answer("comparison_id arithmetic")
def above_the_noise(f: Frames) -> pd.DataFrame:
    floors = f.noise.groupby("arithmetic").js.max()
    made = [
        [comparison, arithmetic, floor, (js > floor).mean()]
        for comparison, js in f.tds.groupby("comparison_id").js
        for arithmetic, floor in floors.items()
    ]
    return pd.DataFrame(made, columns=["comparison_id", "arithmetic", "floor_nats", "above_share"])


@answer("comparison_id condition_id arithmetic")
def noise_floor(f: Frames) -> pd.DataFrame:
    rows = f.noise.assign(
        moved=f.noise.base_rank != f.noise.aligned_rank,
        flips=classes(f.noise.base_rank) != classes(f.noise.aligned_rank),
        condition_id=f.noise.base_condition_id,
    )
    return rows.groupby(["comparison_id", "condition_id", "arithmetic"], as_index=False).agg(
        positions=("pos", "size"),
        ranks_changed=("moved", "sum"),
        classes_changed=("flips", "sum"),
        largest_kl_nats=("kl_aligned_base", "max"),
        mean_js_nats=("js", "mean"),
    )


@answer("source finish", order="source -answers finish")
def how_answers_ended(f: Frames) -> pd.DataFrame:
    lengths = f.table("position").groupby("response_id").size().rename("n")
    rows = f.table("response").merge(lengths, on="response_id")
    by = rows.groupby(["source", "finish"], as_index=False)
    return by.agg(answers=("n", "size"), shortest=("n", "min"), median_tokens=("n", "median"), longest=("n", "max"))


@answer("key")
def how_it_was_measured(f: Frames) -> pd.DataFrame:
    return f.table("run")[lambda run: ~run.key.isin(["report_config", "report_description"])]


@answer("condition_id")
def what_each_model_read(f: Frames) -> pd.DataFrame:
    rows = f.table("condition")[lambda c: c.arithmetic == ""]
    texts = [[f.token[c, i][0] for i in ids] for c, ids in zip(rows.condition_id, rows.tail_ids, strict=True)]
    return rows.assign(last_tokens=texts)[["condition_id", "begin_tokens", "last_tokens"]]
