"""Tags drawn at random, of reports in which few tokens are shifted: how often chance alone makes a small p."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from tests.calibrate import shares
from tests.report.chance import comparisons, define, drawn_p

TAGS, SIZES, LEVELS = 1500, (5, 10, 40), (0.05, 0.01)
Report = tuple[np.ndarray, np.ndarray]  # shifted tokens and positions of its prompts


def report(share: float, prompts: int, seed: int) -> Report:
    x, n = shares(share, 0.05)(np.random.default_rng(seed), (1, prompts))
    return x[0], n[0]


def drawn(reports: Sequence[Report], tags: Sequence[np.ndarray]) -> dict[tuple[str, int], float]:
    """p of each tag, of the same prompts in each report, from the package's own macro; each report is a comparison."""
    con = duckdb.connect()
    shifts, members = [], []
    which = np.repeat(np.arange(len(tags)), [len(tag) for tag in tags])
    for c, (x, n) in enumerate(reports):
        names = np.array([f"{c}/{g}" for g in range(len(x))])
        shifts.append(pa.table({"comparison_id": [f"c{c}"] * len(x), "prompt_id": names, "n": n, "x": x}))
        members.append(pa.table({"prompt_id": names[np.concatenate(tags)], "tag": which.astype(str)}))
    for name, tables in (("shifts", shifts), ("members", members)):
        con.register(name, pa.concat_tables(tables))
    con.execute("CREATE TABLE prompt_shift AS SELECT *, prompt_id AS cluster_id FROM shifts")
    con.execute("CREATE TABLE prompt_tag AS SELECT *, 'task' AS kind FROM members")
    comparisons(con, len(reports))
    define(con)
    rows = con.execute("SELECT comparison, tag, p FROM shift_by_tag('task')").fetchall()
    return {(comparison, int(tag)): p for comparison, tag, p in rows}


@pytest.mark.parametrize("prompts", [60, 339])
@pytest.mark.parametrize(("share", "seed"), [(0.002, 3), (0.005, 0), (0.02, 0), (0.1, 0)])
def test_a_tag_drawn_at_random_is_as_rarely_clear_as_its_level_says(share: float, seed: int, prompts: int) -> None:
    x, n = report(share, prompts, seed)
    rng = np.random.default_rng(7)
    tags = [rng.permutation(prompts)[:size] for size in SIZES for _ in range(TAGS)]
    p = drawn([(x, n)], tags)
    for i, size in enumerate(SIZES):
        for level in LEVELS:
            alarms = sum(p["c0", k] <= level for k in range(i * TAGS, (i + 1) * TAGS))
            assert alarms <= TAGS * level + 3 * (TAGS * level) ** 0.5, (size, level, int(x.sum()))
    for k in range(0, len(tags), 199):
        slow = drawn_p([(x[g], n[g]) for g in tags[k]], list(zip(x, n, strict=True)))
        assert p["c0", k] == pytest.approx(slow, abs=2e-6)


@pytest.mark.parametrize(("share", "prompts", "size"), [(0.02, 339, 40), (0.1, 60, 10), (0.1, 339, 5)])
def test_a_tag_with_five_times_the_shifts_is_found(share: float, prompts: int, size: int) -> None:
    reports = [report(share, prompts, seed) for seed in range(20)]
    for x, n in reports:
        x[:size] = np.minimum(n[:size], 5 * x[:size] + 1)
    assert sum(p <= 0.01 for p in drawn(reports, [np.arange(size)]).values()) >= 15
