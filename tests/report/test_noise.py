"""A/A checks of several arithmetics: another data type is shown as what it is, and is no noise floor."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from tds_atlas.report import query
from tests.report import synthetic
from tests.report.drawn import draw
from tests.report.sheets import sheet

FLOOR = 0.02  # the largest KL of the check in the same data type; that of the others is larger
LARGEST = {"rebatched": FLOOR, "bfloat16": 0.5, "float16": 0.3, "float32": 0.1, "vllm": 0.04}


def database(path: Path, arithmetics: tuple[str, ...]) -> Path:
    """One comparison, and a check for each of these, whose KL runs evenly from 0 to its largest."""
    synthetic.write(path, prompts=12, comparisons=1)
    with duckdb.connect(str(path)) as con:
        for i, name in enumerate(arithmetics):
            con.execute(
                f"INSERT INTO condition SELECT * REPLACE ('base·plain·{name}' AS condition_id, '{name}' AS arithmetic) FROM condition WHERE condition_id = 'base·plain'"
            )
            con.execute(
                f"INSERT INTO comparison SELECT * REPLACE ('check-{name}' AS comparison_id, {90 + i} AS ordinal, 'base·plain, {name}' AS label, 'noise' AS kind, 'base·plain·{name}' AS aligned_condition_id) FROM comparison WHERE ordinal = 1"
            )
            con.execute(
                f"INSERT INTO score SELECT * REPLACE ('base·plain·{name}' AS condition_id) FROM score WHERE condition_id = 'base·plain'"
            )
            share = "(row_number() OVER (ORDER BY response_id, pos) - 1) / (count(*) OVER () - 1)"
            con.execute(
                f"INSERT INTO divergence SELECT * REPLACE ('check-{name}' AS comparison_id, {LARGEST[name]} * {share} AS kl_aligned_base) FROM divergence WHERE comparison_id = 'c-1'"
            )
    return path


@pytest.mark.parametrize("others", [(), ("bfloat16",), ("vllm",), ("float16", "bfloat16", "float32")])
def test_the_floor_is_of_the_same_data_type(tmp_path: Path, others: tuple[str, ...]) -> None:
    path = database(tmp_path / "x.duckdb", (*others, "rebatched"))
    con = query.connect(path)
    kls = [kl for (kl,) in con.execute("SELECT kl_aligned_base FROM divergence WHERE comparison_id = 'c-1'").fetchall()]
    under = sum(kl <= FLOOR for kl in kls) / len(kls)
    rows = query.rows(con, "figures/kl_distribution")
    assert [row["floor_nats"] for row in rows] == pytest.approx([FLOOR] * len(rows))
    assert [row["under_floor_share"] for row in rows] == pytest.approx([under] * len(rows))
    page = sheet(path, "findings/how-much.md")
    assert "differs by at most 2.0e-02 nats" in page and f"Below it are {100 * under:.1f} % of the positions" in page
    figure, _ = draw(con, "kl_distribution", "x")
    assert "noise floor" in {item.get("text") for item in figure.items("text")}


def test_another_data_type_alone_gives_no_floor(tmp_path: Path) -> None:
    path = database(tmp_path / "x.duckdb", ("bfloat16",))
    con = query.connect(path)
    assert {row["floor_nats"] for row in query.rows(con, "figures/kl_distribution")} == {None}
    assert "its noise floor is unknown" in sheet(path, "findings/how-much.md")
    figure, _ = draw(con, "kl_distribution", "x")
    assert "noise floor" not in {item.get("text") for item in figure.items("text")}


def test_each_check_is_shown_with_its_own_numbers(tmp_path: Path) -> None:
    path = database(tmp_path / "x.duckdb", ("rebatched", "bfloat16"))
    con = query.connect(path)
    found = {row["arithmetic"]: row["largest_kl_nats"] for row in query.rows(con, "pages/noise")}
    assert found == pytest.approx({name: LARGEST[name] for name in ("rebatched", "bfloat16")})
    rows = {row["comparison"]: row for row in query.rows(con, "figures/noise_floor")}
    for name in ("rebatched", "bfloat16"):
        row = rows[f"base·plain, {name}"]
        assert row["kind"] == "noise" and row["largest_nats"] == pytest.approx(LARGEST[name])
        assert (row["low_nats"], row["median_nats"]) == pytest.approx((LARGEST[name] / 10, LARGEST[name] / 2))
    page = sheet(path, "findings/trust.md")
    assert (
        "| bfloat16 |" in page and "less than ten times the floor" in page
    )  # beside the noisiest check, a mean of 0.25


@pytest.mark.parametrize("checks", [("rebatched",), ("rebatched", "bfloat16", "vllm")])
def test_the_floor_between_engines_has_a_line_of_its_own(tmp_path: Path, checks: tuple[str, ...]) -> None:
    path = database(tmp_path / "x.duckdb", checks)
    con = query.connect(path)
    trust, method = sheet(path, "findings/trust.md"), sheet(path, "method.md")
    ((positions, mean),) = con.execute("SELECT count(*), avg(kl_aligned_base) FROM divergence WHERE comparison_id = 'check-rebatched'").fetchall()
    line = f"**Between engines**, base·plain measured again by vllm: 0 of {positions:,} ranks differ, 0 in their class, and the mean KL is {mean * 2:.2g} nats."
    assert (line in trust) == ("vllm" in checks), trust
    assert trust.count("Between engines") == ("vllm" in checks)
    assert ("by another engine, on the same weights" in method) == ("vllm" in checks)


def test_between_engines_of_which_one_gives_lists_alone_ranks_are_compared(tmp_path: Path) -> None:
    path = database(tmp_path / "x.duckdb", ("rebatched", "vllm"))
    with duckdb.connect(str(path)) as con:
        con.execute("UPDATE divergence SET kl_aligned_base = NULL WHERE comparison_id = 'check-vllm'")
    text = sheet(path, "findings/trust.md")
    line = text[text.index("**Between engines**") :]
    assert line[: line.index(" - **")].rstrip().endswith("ranks differ, 0 in their class.")
