"""The cards of the home page: each number with its interval, against a slow version."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from tds_atlas.report import query
from tests import intervals
from tests.report import synthetic
from tests.report.sheets import pages, pct, within

SUMS = {  # by prompt: what a card averages, and over what
    "unshifted": "count(*) FILTER (base_rank = 1)",
    "marginal": "count(*) FILTER (base_rank IN (2, 3))",
    "shifted": "count(*) FILTER (base_rank > 3)",
    "kl": "sum(kl_aligned_base)",
}


def _home(path: Path) -> str:
    return pages(path, "index.md")["index.md"].replace("\u00a0", " ")


def test_every_number_of_a_card_has_its_interval(tmp_path: Path) -> None:
    path = synthetic.write(tmp_path / "made.duckdb", comparisons=1)
    con, home = query.connect(path), _home(path)
    for name, total in SUMS.items():
        sql = f"SELECT {total}::DOUBLE, count(*)::DOUBLE FROM tds GROUP BY prompt_id"
        sums = con.execute(sql).fetchall()
        mean = sum(x for x, _ in sums) / sum(n for _, n in sums)
        if name == "kl":
            low, high = intervals.mean_bounds(sums)
            assert f"<span>mean KL(aligned‖base)</span><b>{mean:.3f} ({low:.3f}–{high:.3f}) nats</b>" in home
        else:
            low, high = intervals.share_bounds(sums)
            share = pct(mean).replace("\u00a0", " ") + within({"low": low, "high": high})
            shown = f"<span>{name}</span><b>{share}</b>"
            big = f'{pct(mean)}</span>\n<span class="tds-card__unit">of tokens shifted{within({"low": low, "high": high})}'
            assert (big if name == "shifted" else shown) in home, name


@pytest.mark.parametrize(("prompts", "change"), [(2, "SELECT 1"), (9, "UPDATE divergence SET kl_aligned_base = 'inf'")])
def test_a_mean_without_an_interval_has_none(tmp_path: Path, prompts: int, change: str) -> None:
    path = synthetic.write(tmp_path / "made.duckdb", comparisons=1, prompts=prompts)
    with duckdb.connect(str(path)) as con:
        con.execute(change)
    (kl,) = query.connect(path).execute("SELECT avg(kl_aligned_base) FROM tds").fetchall()[0]
    value = "∞" if prompts == 9 else f"{kl:.3f}"
    assert f"<span>mean KL(aligned‖base)</span><b>{value} nats</b>" in _home(path)
