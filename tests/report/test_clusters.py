"""Prompts given twice under other ids tell nothing more, nor does an answer given twice: every interval and test is as if
there were one."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tds_atlas.report import figures, query
from tests.report import synthetic
from tests.report.sheets import held

_BY_RESPONSE = ("position", "score", "divergence", "continuation")
_BY_PROMPT = ("response", "swap", "swap_grade", "prefill")
# What counts answers or positions, not prompts.
_COUNTS = ("naive_half_share", "design_effect")
_QUANTILES = ("end_log_odds", "noise_floor")  # figures whose low and high are no intervals
# Tenths of the positions are cut by their number, and a copy may fall on the other side of a cut.
_LOOSE = {"figures/shift_by_entropy": 0.05}
_UNCERTAIN = ("low", "high", "half", "p", "q", "adjusted_p", "stands_out", "bounds", "apart")
PAGES = """calibration_slots calibration_truth difference early_late ending headline passage_means prefill primed_difference role_difference
    safety stage_difference stage_set stage_sparse substitutions support swap_difference swap_gap swap_outcomes uncertainty word_index"""
COOKBOOK = """depth_of_refusal harmful_prompts js_above_a_tenth paired_difference prompt_or_weights roles_of_shifted_tokens
    shifted_share_with_interval tasks_changed_most who_is_surer"""
QUERIES = [f"figures/{name}" for name in figures.FIGURES if name not in _QUANTILES]
QUERIES += [f"pages/{name}" for name in PAGES.split()] + [f"cookbook/{name}" for name in COOKBOOK.split()]


def doubled(path: Path) -> None:
    """Every prompt and all that was measured on it once more; text and answers are the same."""
    with duckdb.connect(str(path)) as con:
        more = "ordinal + (SELECT max(ordinal) FROM prompt)"
        con.execute(
            f"INSERT INTO prompt SELECT * REPLACE ('again ' || prompt_id AS prompt_id, {more} AS ordinal) FROM prompt"
        )
        for table in _BY_PROMPT:
            ids = "'again ' || prompt_id AS prompt_id" + ", 'again ' || response_id AS response_id" * (
                table == "response"
            )
            con.execute(f"INSERT INTO {table} SELECT * REPLACE ({ids}) FROM {table}")
        for table in _BY_RESPONSE:
            con.execute(
                f'INSERT INTO "{table}" SELECT * REPLACE (\'again \' || response_id AS response_id) FROM "{table}"'
            )


def sampled(path: Path) -> None:
    """Every answer once more as a second sample of its prompt, and all that was measured on it."""
    with duckdb.connect(str(path)) as con:
        again = "response_id || '#2' AS response_id"
        con.execute(f"INSERT INTO response SELECT * REPLACE ({again}, '2' AS sample) FROM response")
        for table in _BY_RESPONSE:
            con.execute(f'INSERT INTO "{table}" SELECT * REPLACE ({again}) FROM "{table}"')


@pytest.fixture(scope="module", params=[doubled, sampled])
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyConnection]:
    folder = tmp_path_factory.mktemp("clusters")
    options = {"prompts": 42, "rich": True, "noise": True, "further": True, "seed": 4}
    once, twice = (synthetic.write(folder / f"{name}.duckdb", **options) for name in ("once", "twice"))
    for path in (once, twice):
        with duckdb.connect(str(path)) as con:  # some answers are cut, and all texts tell prompts apart
            con.execute("UPDATE response SET finish = 'length' WHERE hash(response_id[:8]) % 3 = 0")
    request.param(twice)
    for path in (once, twice):
        (folder / path.stem).mkdir()
    return held(once, folder / once.stem), held(twice, folder / twice.stem)


def uncertain(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The columns that say how uncertain a row is, of the rows that have any."""
    kept = [
        {
            key: value
            for key, value in row.items()
            if key not in _COUNTS and any(part in _UNCERTAIN for part in [key, *key.split("_")])
        }
        for row in rows
    ]
    return [row for row in kept if any(value is not None for value in row.values())]


def same(a: Any, b: Any, near: float) -> bool:
    if isinstance(a, dict):
        return all(same(a[key], b[key], near) for key in a)
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=near, abs_tol=1e-7)
    return bool(a == b)


@pytest.mark.parametrize("name", QUERIES)
def test_a_prompt_given_twice_is_one(both: tuple[duckdb.DuckDBPyConnection, ...], name: str) -> None:
    once, twice = (uncertain(query.rows(con, name)) for con in both)
    near = _LOOSE.get(name, 1e-5)
    assert len(once) == len(twice)
    for a, b in zip(once, twice, strict=True):
        assert same(a, b, near), {key: (a[key], b[key]) for key in a if not same(a[key], b[key], near)}
