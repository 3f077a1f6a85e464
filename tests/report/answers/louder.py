"""Part Probes, amplified decoding."""

from __future__ import annotations

import pandas as pd

from tests.report.answers import answer
from tests.report.frames import Frames


@answer("comparison_id alpha")
def louder(f: Frames) -> pd.DataFrame:
    made = []
    for (comparison, alpha), rows in f.table("amplified").groupby(["comparison_id", "alpha"]):
        right = [bool(x) for x in rows.is_right if x is not None]
        tokens = rows.n_tokens.sum()
        made.append(
            {
                "comparison_id": comparison,
                "alpha": alpha,
                "answers": len(rows),
                "refusing_share": sum(rows.refuses) / len(rows),
                "right_share": sum(right) / len(right) if right else None,
                "going_round_share": sum(rows.goes_round) / len(rows),
                "mean_tokens": tokens / len(rows),
                "shifted_share": rows.n_shifted.sum() / tokens,
                "nats_per_token": rows.logprob.sum() / tokens,
            }
        )
    return pd.DataFrame(made)
