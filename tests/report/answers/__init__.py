"""The cookbook's questions answered once more, with pandas over the tables: one function per question, registered by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tests import intervals
from tests.report.frames import Frames


@dataclass(frozen=True)
class Answer:
    """How a question is answered, which columns tell its rows apart, and in which order they come."""

    rows: Callable[[Frames], pd.DataFrame]  # all of them; columns that begin with _ only order
    key: list[str]
    order: list[str]  # "-name" for the largest first; what does not exist comes last
    limit: int | None


ANSWERS: dict[str, Answer] = {}
Rows = Callable[[Frames], pd.DataFrame]


def answer(key: str, order: str = "", limit: int | None = None) -> Callable[[Rows], Rows]:
    """Register a function under its own name, which is the question's. Rows come by their key where no order is given."""

    def register(rows: Rows) -> Rows:
        ANSWERS[rows.__name__] = Answer(rows, key.split(), (order or key).split(), limit)
        return rows

    return register


def clustered(rows: pd.DataFrame, by: list[str], value: str) -> pd.DataFrame:
    """Mean of a value over positions, and half its 95 % interval with prompts as clusters: prompts, mean, half_width."""
    made = []
    for key, group in rows.groupby(by):
        parts = [part[value].to_numpy(float) for _, part in group.groupby("prompt_id")]
        n, count = sum(map(len, parts)), len(parts)
        mean = sum(part.sum() for part in parts) / n
        spread = sum((part - mean).sum() ** 2 for part in parts)
        half = intervals.t95(count - 1) * np.sqrt(count / (count - 1) * spread) / n if count > 2 else None
        made.append([*key, count, mean, half])
    return pd.DataFrame(made, columns=[*by, "prompts", "mean", "half_width"])


def shares(rows: pd.DataFrame, by: list[str], value: str) -> pd.DataFrame:
    """A share of positions with its 95 % interval, prompts as clusters."""
    made = []
    for key, group in rows.groupby(by):
        sums = [(float(part.sum()), len(part)) for _, part in group.groupby("prompt_id")[value]]
        ends = intervals.share_bounds(sums) if len(sums) > 2 else (None, None)
        made.append([*key, len(sums), group[value].mean(), *ends])
    return pd.DataFrame(made, columns=[*by, "prompts", "share", "low_share", "high_share"])


def commonest(values: pd.Series) -> str | None:
    """The value that occurs most often, the first by name among equals; None where there is none."""
    counts = values.dropna().value_counts()
    return min(counts[counts == counts.max()].index) if len(counts) else None
