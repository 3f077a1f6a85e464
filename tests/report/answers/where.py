"""Part Where in the answer: how soon, until when, in which runs."""

from __future__ import annotations

import pandas as pd

from tests.report.answers import answer
from tests.report.frames import Frames


@answer("comparison_id")
def first_divergence(f: Frames) -> pd.DataFrame:
    answers = f.tds.groupby(["comparison_id", "response_id"]).size()
    first = f.tds[f.tds.base_rank >= 2].groupby(["comparison_id", "response_id"]).pos.min().reindex(answers.index)
    by = first.groupby("comparison_id")
    made = by.agg(answers="size", earliest="min", median_pos="median", latest="max")
    return made.assign(leave_share=by.count() / by.size()).reset_index()


@answer("comparison_id prompt_id", order="-tokens_after_it comparison_id prompt_id", limit=20)
def end_of_the_shift(f: Frames) -> pd.DataFrame:
    rows = f.tds[f.tds.base_rank >= 2].groupby(["comparison_id", "prompt_id", "response_id"], as_index=False).pos.max()
    lengths = f.tds.groupby("response_id").pos.max() + 1
    rows = rows.rename(columns={"pos": "last_position_changed"}).assign(tokens=rows.response_id.map(lengths))
    rows["tokens_after_it"] = rows.tokens - (rows.last_position_changed + 1)
    return rows.drop(columns="response_id")


@answer("comparison_id after_a_token_that_is")
def after_a_shift(f: Frames) -> pd.DataFrame:
    before = f.tds[["comparison_id", "response_id", "pos", "shift"]].rename(columns={"shift": "after_a_token_that_is"})
    rows = f.tds.merge(before.assign(pos=before.pos + 1), on=["comparison_id", "response_id", "pos"])
    by = rows.groupby(["comparison_id", "after_a_token_that_is"], as_index=False)
    return by.agg(tokens=("pos", "size"), shifted_share=("is_shifted", "mean"))


@answer("comparison_id positions", order="comparison_id _first")
def shares_by_place(f: Frames) -> pd.DataFrame:
    places = ["0", *["1-4"] * 4, *["5-9"] * 5, *["10-19"] * 10]
    rows = f.tds[~f.tds.is_end]
    rows = rows.assign(positions=[places[pos] if pos < 20 else "20 on" for pos in rows.pos])
    return rows.groupby(["comparison_id", "positions"], as_index=False).agg(
        tokens=("pos", "size"),
        shifted_share=("is_shifted", "mean"),
        mean_kl_nats=("kl_aligned_base", "mean"),
        _first=("pos", "min"),
    )


@answer("comparison_id prompt_id from_pos", order="-tokens -largest_rank comparison_id prompt_id from_pos", limit=20)
def longest_shifted_runs(f: Frames) -> pd.DataFrame:
    made = []
    for (comparison, prompt, _), rows in f.tds.groupby(["comparison_id", "prompt_id", "response_id"]):
        run: list[tuple[int, str | None, int]] = []
        tokens = zip(rows.pos, rows.token, rows.base_rank, rows.is_shifted, strict=True)
        for pos, token, rank, shifted in [*tokens, (None, None, 0, False)]:
            if shifted:
                run.append((pos, token, rank))
            elif run:
                texts = [text for _, text, _ in run if text is not None]
                text = "".join(texts) if texts else None
                made.append([comparison, prompt, run[0][0], len(run), text, max(rank for *_, rank in run)])
                run = []
    return pd.DataFrame(made, columns=["comparison_id", "prompt_id", "from_pos", "tokens", "text", "largest_rank"])


@answer("comparison_id prompt_id pos", order="-mean_delta_nats comparison_id _response_id pos", limit=20)
def changed_passages(f: Frames) -> pd.DataFrame:
    """Windows of 20 tokens at every fifth, and the last 20; shorter answers whole."""
    made = []
    for (comparison, answer_id), rows in f.tds.groupby(["comparison_id", "response_id"]):
        last = max(0, len(rows) - 20)
        for start in sorted({last, *range(0, last + 1, 5)}):
            part = rows.iloc[start : start + 20]
            means = [part.delta.astype(float).mean(), part.js.astype(float).mean()]
            made.append([comparison, answer_id, part.prompt_id.iloc[0], start, start + len(part) - 1, *means])
    names = ["comparison_id", "_response_id", "prompt_id", "pos", "last_pos", "mean_delta_nats", "mean_js_nats"]
    return pd.DataFrame(made, columns=names).dropna(subset="mean_delta_nats")
