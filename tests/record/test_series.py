"""A training run in the database: every measure of its view against pandas over the tables it is made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import tds_atlas as tds
from tests.report import synthetic


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tds.Result:
    path: Path = tmp_path_factory.mktemp("series") / "made.duckdb"
    return tds.open(synthetic.write(path, rich=True, noise=True, further=True))


def test_each_measure_is_that_of_a_slow_loop(made: tds.Result) -> None:
    steps, tokens = made.sql("FROM series_step").pandas(), made.tds.pandas()
    truths = {row["prompt_id"]: len(row["truths"]) for row in made.sql("FROM prompt").dicts()}
    expected: dict[tuple[object, ...], float] = {}
    for step in steps.itertuples():
        mine = tokens[tokens.comparison_id == step.comparison_id].sort_values("pos")
        differs = ~((mine.base_top_id == mine.aligned_top_id) | (mine.base_top_id.isna() & mine.aligned_top_id.isna()))
        answers = mine.assign(differs=differs).groupby("response_id")
        outside = mine.apply(lambda row, tag=step.outside: tag in [*row.tasks, *row.topics], axis=1)
        kept = [next((p for p, d in zip(a.pos, a.differs, strict=True) if d), len(a)) for _, a in answers]
        known = [a for _, a in answers if truths[a.prompt_id.iloc[0]]]
        harmful = [a for _, a in answers if a.harmful.iloc[0] is True or a.harmful.iloc[0] == np.True_]
        parts = {("first choice", "all"): differs.mean(), ("same until", "all"): np.mean(kept), ("JS", "all"): mine.js.mean(),
                 ("KL", "all"): mine.kl_aligned_base.mean(), ("domain", "outside"): mine.kl_aligned_base[outside].mean(),
                 ("domain", "inside"): mine.kl_aligned_base[~outside].mean(), ("said", "shifted tokens"): (mine["shift"] == "shifted").mean(),
                 ("said", "tokens of style"): (mine.role == "style").mean(),
                 ("said", "known facts stated"): np.mean([(a.role == "knowledge").any() for a in known]) if known else np.nan,
                 ("said", "harmful prompts refused"): np.mean([(a.role == "safety").any() for a in harmful]) if harmful else np.nan}  # fmt: skip
        parts |= {("role", role): x for role, x in mine.groupby("role").kl_aligned_base.mean().items()}
        expected |= {(step.step, step.answers, *key): float(x) for key, x in parts.items() if not pd.isna(x)}
    sql = "SELECT step, answers, measure, part, sum(x) / sum(n) AS value FROM along_run GROUP BY ALL"
    found = {(r["step"], r["answers"], r["measure"], r["part"]): r["value"] for r in made.sql(sql).dicts()}
    assert found == pytest.approx(expected, rel=1e-6) and {key[2] for key in found} >= {"role", "domain", "said", "JS"}
