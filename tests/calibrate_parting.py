"""Measured coverage of the interval of *same as the base for*: made-up answers through the package's own view `parting`.

Each report is a comparison. In a real report all comparisons share a horizon; here each has its own, as a report alone has.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from tds_atlas.record.schema import SQL
from tds_atlas.record.sealed import quiet
from tests.report.chance import define

_SHARED, _OWN = "OVER ()::INTEGER AS horizon", "OVER (PARTITION BY comparison_id)::INTEGER AS horizon"
_LONGEST = 80
_TABLES = """
CREATE TABLE comparison(comparison_id VARCHAR, aligned_condition_id VARCHAR);
CREATE TABLE response(response_id VARCHAR, condition_id VARCHAR, n_tokens INTEGER, finish VARCHAR, temperature DOUBLE);
CREATE TABLE tds(comparison_id VARCHAR, prompt_id VARCHAR, cluster_id VARCHAR, response_id VARCHAR, pos INTEGER, base_rank INTEGER)
"""
# One row an answer is enough for the view: the token where it parts, or one that it shares with the base.
_FILL = """
INSERT INTO comparison SELECT DISTINCT run, 'aligned' FROM answers;
INSERT INTO response SELECT answer, 'aligned', n, CASE WHEN cut THEN 'length' ELSE 'stop' END, NULL FROM answers;
INSERT INTO tds SELECT run, answer, answer, answer, CASE WHEN parts <= n THEN parts - 1 ELSE 0 END,
    CASE WHEN parts <= n THEN 2 ELSE 1 END FROM answers
"""
_FOUND = """
SELECT horizon, b.low * horizon AS low, b.high * horizon AS high
FROM (SELECT any_value(horizon) AS horizon, share_bounds(agreed, horizon::DOUBLE) AS b FROM parting GROUP BY comparison_id)
"""


@dataclass(frozen=True)
class Answers:
    """The chance of each token to be the first that is not the base's own choice, and where answers are cut."""

    name: str
    hazards: tuple[tuple[float, float], ...]  # the chance at each token, and how many of the answers have it
    cuts: Callable[[np.random.Generator, tuple[int, int]], np.ndarray] | None = None

    def draw(self, rng: np.random.Generator, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The token at which each parts, its tokens, and whether it was cut."""
        chances, weights = zip(*self.hazards, strict=True)
        parts, whole = rng.geometric(rng.choice(chances, shape, p=weights)), rng.integers(15, _LONGEST, shape)
        limit = self.cuts(rng, shape) if self.cuts else np.full(shape, _LONGEST)
        return parts, np.minimum(whole, limit), whole > limit

    def means(self) -> np.ndarray:
        """The truth by horizon: tokens before an answer parts, if it was not cut; one that ends before never does."""
        token = np.arange(1, _LONGEST + 1)
        lasts = np.minimum(1, (_LONGEST - token) / (_LONGEST - 15))  # the share of whole answers as long as that
        chance = sum(w * h * (1 - h) ** (token - 1) for h, w in self.hazards)
        return np.concatenate([[0], np.cumsum(1 - np.cumsum(chance * lasts))])


def _cut(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return rng.integers(10, 60, shape)


ANSWERS = (
    Answers("parts at 8 % of tokens", ((0.08, 1.0),)),
    Answers("parts at 8 %, most answers cut", ((0.08, 1.0),), _cut),
    Answers("parts at 1 % of tokens", ((0.01, 1.0),)),
    Answers("a third parts at once", ((0.9, 0.33), (0.01, 0.67)), _cut),
)


def coverage(population: Answers, prompts: int, reports: int, seed: int = 0) -> float:
    """The share of reports whose interval holds the truth."""
    parts, n, cut = population.draw(np.random.default_rng(seed), (reports, prompts))
    run = np.repeat(np.arange(reports).astype(str), prompts)
    answers = pa.table({"run": run, "parts": parts.ravel(), "n": n.ravel(), "cut": cut.ravel()})
    with duckdb.connect() as con:
        quiet(con)
        con.register("drawn", answers)
        con.execute(
            "CREATE TEMP TABLE answers AS SELECT *, concat(run, '/', row_number() OVER ()) AS answer FROM drawn"
        )
        con.execute(f"{_TABLES}; {_FILL}")
        define(con)
        assert SQL["views"].count(_SHARED) == 1
        (view,) = (s.query for s in duckdb.extract_statements(SQL["views"]) if "CREATE VIEW parting" in s.query)
        con.execute(view.replace("CREATE VIEW", "CREATE OR REPLACE VIEW").replace(_SHARED, _OWN))
        horizon, low, high = con.execute(_FOUND).fetchnumpy().values()
    truth = population.means()[horizon.astype(int)]
    return float(np.mean((low <= truth) & (truth <= high)))
