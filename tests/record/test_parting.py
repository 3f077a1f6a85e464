"""How long answers are the base's own text: Kaplan and Meier's mean up to a horizon, against a slow version and the truth."""

from __future__ import annotations

import random
from collections.abc import Sequence

import duckdb
import numpy as np
import pytest

from tests.report.chance import define, fill

Answer = tuple[int | None, int, str]  # the position where it parts, its tokens, how it ended


def database(reports: Sequence[Sequence[Answer]]) -> duckdb.DuckDBPyConnection:
    """A comparison for each report, one answer to a prompt."""
    con = duckdb.connect()
    rows = [
        {"comparison_id": f"c{c}", "prompt_id": f"p{i}", "response_id": f"c{c}/p{i}", "parts": parts}
        | {"n_tokens": n, "finish": finish, "condition_id": "aligned"}
        for c, answers in enumerate(reports)
        for i, (parts, n, finish) in enumerate(answers)
    ]
    columns = "comparison_id VARCHAR, prompt_id VARCHAR, cluster_id VARCHAR AS (prompt_id), response_id VARCHAR, parts INTEGER, n_tokens INTEGER"
    fill(con, "response", f"{columns}, finish VARCHAR, condition_id VARCHAR, temperature DOUBLE", rows)
    con.execute("""
        CREATE TABLE comparison AS
            SELECT DISTINCT comparison_id, 'aligned' AS aligned_condition_id FROM response;
        CREATE TABLE tds AS
            SELECT * EXCLUDE (parts, n_tokens, finish, condition_id, temperature), CASE WHEN pos = parts THEN 2 ELSE 1 END AS base_rank
            FROM (SELECT *, unnest(range(n_tokens)) AS pos FROM response);
        ALTER TABLE response DROP comparison_id;
        ALTER TABLE response DROP cluster_id""")
    define(con)
    return con


def slow_curve(answers: Sequence[Answer], weights: Sequence[float], horizon: int) -> list[float]:
    """The share that has not parted after 1 ... horizon tokens, token by token."""
    share, curve = 1.0, []
    for token in range(1, horizon + 1):
        here = parted = 0.0
        for (parts, n, finish), weight in zip(answers, weights, strict=True):
            known = parts + 1 if parts is not None else 10**6 if finish == "stop" else n
            here += weight * (known >= token)
            parted += weight * (parts == token - 1)
        share *= 1 - parted / here if here else 1
        curve.append(share)
    return curve


def slow_agreed(answers: Sequence[Answer], horizon: int) -> list[float]:
    """The mean, and for each answer how the mean moves with the answer's weight, by a small step to both sides."""
    one, step = [1.0] * len(answers), 1e-5
    mean = sum(slow_curve(answers, one, horizon))
    moved = []
    for i in range(len(answers)):
        up, down = (sum(slow_curve(answers, [*one[:i], w, *one[i + 1 :]], horizon)) for w in (1 + step, 1 - step))
        moved.append(mean + len(answers) * (up - down) / (2 * step))
    return moved


def _answers(draw: random.Random, count: int) -> list[Answer]:
    made: list[Answer] = []
    for _ in range(count):
        n, parts = draw.randint(1, 12), draw.randint(0, 20)
        made.append((parts if parts < n else None, n, draw.choice(["stop", "length", "unknown"])))
    return made


def test_pseudo_observations_against_a_slow_version() -> None:
    reports = [_answers(random.Random(seed), 4 + seed) for seed in range(12)]
    con = database(reports)
    for c, answers in enumerate(reports):
        sql = "SELECT prompt_id, agreed, horizon FROM parting WHERE comparison_id = ? ORDER BY prompt_id[2:]::INTEGER"
        rows = con.execute(sql, [f"c{c}"]).fetchall()
        assert [agreed for _, agreed, _ in rows] == pytest.approx(slow_agreed(answers, rows[0][2]), abs=1e-6)


def test_without_cuts_they_are_the_numbers_themselves() -> None:
    answers: list[Answer] = [(3, 9, "stop"), (0, 9, "stop"), (8, 9, "stop"), (None, 5, "stop"), (3, 4, "stop")]
    rows = database([answers]).execute("SELECT agreed, horizon FROM parting ORDER BY prompt_id").fetchall()
    assert [row[1] for row in rows] == [9] * 5  # the median length
    assert [row[0] for row in rows] == pytest.approx([3, 0, 8, 9, 3])


def test_the_horizon_is_where_every_curve_is_known() -> None:
    short: list[Answer] = [(1, 9, "length"), (1, 9, "stop"), (1, 8, "stop"), (None, 4, "length"), (None, 5, "length")]
    long: list[Answer] = [(2, 20, "stop"), (7, 20, "stop"), (None, 20, "length")]
    horizons = database([short, long]).execute("SELECT DISTINCT horizon FROM parting").fetchall()
    assert horizons == [
        (5,)
    ]  # beyond the cut at the fifth token nobody of the first is left, and two fifths have not parted


def test_cuts_do_not_shorten_the_mean() -> None:
    """In 200 reports of 150 answers that part at each token with 8 %, cut after 3 to 25 tokens."""
    draw, hazard = np.random.default_rng(5), 0.08
    times, cuts = draw.geometric(hazard, (200, 150)) - 1, draw.integers(3, 26, (200, 150))
    reports = [
        [(int(t) if t < n else None, int(n), "length") for t, n in zip(ts, ns, strict=True)]
        for ts, ns in zip(times, cuts, strict=True)
    ]
    con = database(reports)
    ((horizon,),) = con.execute("SELECT DISTINCT horizon FROM parting").fetchall()
    truth = sum((1 - hazard) ** k for k in range(1, horizon + 1))
    now = "share_bounds(agreed, horizon).low * horizon AS low, share_bounds(agreed, horizon).high * horizon AS high"
    # As a plain mean of what was seen would have it: a cut answer counts as far as it goes.
    seen = "least(CASE WHEN parts THEN tokens - 1 ELSE tokens END, horizon)::DOUBLE"
    plain = f"mean_low({seen}, 1) AS low, mean_high({seen}, 1) AS high"
    covered = {}
    for name, bounds in (("now", now), ("plain", plain)):
        sql = (
            f"SELECT avg((? BETWEEN low AND high)::INTEGER) FROM (SELECT {bounds} FROM parting GROUP BY comparison_id)"
        )
        ((covered[name],),) = con.execute(sql.replace("horizon", str(horizon)), [truth]).fetchall()
    assert covered["now"] >= 0.93 and covered["plain"] < 0.5
