"""What takes more than two conditions: a difference split by prompt and weights, and chains of tuning."""

from __future__ import annotations

import pandas as pd

from tests.report.frames import AT, Frames


def split(f: Frames) -> pd.DataFrame:
    """Positions of each tuning comparison: the whole difference, the prompt's part and the weights' part, where both are known."""
    cards = f.table("condition").set_index("condition_id")
    plain = cards[cards.arithmetic == ""]
    rows = []
    for c in f.table("comparison").query("kind == 'tuning'").itertuples():
        model, context = cards.model_id[c.base_condition_id], cards.context_id[c.aligned_condition_id]
        between = plain.index[(plain.model_id == model) & (plain.context_id == context)]
        if len(between) and between[0] in f.score:
            own = f.tds[f.tds.comparison_id == c.comparison_id]
            rows.append(f.beside(own, between[0], "between"))
    made = pd.concat(rows, ignore_index=True)
    logs = made[["base_logprob", "between_logprob", "aligned_logprob"]].astype(float)
    made["context"] = logs.between_logprob - logs.base_logprob
    return made.assign(weights=logs.aligned_logprob - logs.between_logprob)


def stages(f: Frames) -> pd.DataFrame:
    """Positions of each comparison that is a chain of two others, with what the middle condition said."""
    tuning = f.table("comparison").query("kind == 'tuning'").sort_values("ordinal")
    rows = [pd.DataFrame()]
    for whole in tuning.itertuples():
        for second in tuning.itertuples():
            firsts = tuning[
                (tuning.base_condition_id == whole.base_condition_id)
                & (tuning.aligned_condition_id == second.base_condition_id)
            ]
            ends = (second.source, second.aligned_condition_id) == (whole.source, whole.aligned_condition_id)
            if ends and len(firsts) and second.comparison_id != whole.comparison_id:
                own = f.tds[f.tds.comparison_id == whole.comparison_id]
                own = f.beside(own, second.base_condition_id, "middle")
                rows.append(own.assign(first_id=firsts.comparison_id.iloc[0], second_id=second.comparison_id))
    made = pd.concat(rows, ignore_index=True)
    logs = made[["base_logprob", "middle_logprob", "aligned_logprob"]].astype(float)
    made["first_delta"] = logs.middle_logprob - logs.base_logprob
    made["second_delta"] = logs.aligned_logprob - logs.middle_logprob
    return made.assign(middle_top_id=made.middle_top_ids.str[0]).drop_duplicates(["comparison_id", "second_id", *AT])
