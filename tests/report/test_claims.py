"""Every claim of the home page and the findings, on reports at the ends of what data can be, against the numbers beside it;
and the figures of some of these reports as images."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from tds_atlas.report import charts, drawing, theme
from tests.report import extremes, planted
from tests.report.claims import CLAIMS, made
from tests.report.judged import judged, slips
from tests.report.sheets import FINDINGS, asserted, connection, pages_of, says_something

DRAWN = ("one prompt", "nothing changed", "no tags")  # the last of five comparisons


@pytest.mark.parametrize("name", planted.NAMES)
def test_no_claim_of_a_planted_report_is_denied(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    check(name, planted.told(tmp_path_factory, name))


@pytest.mark.parametrize("name", extremes.EXTREMES)
def test_no_claim_is_denied_by_its_numbers(tmp_path: Path, name: str) -> None:
    with connection(extremes.write(tmp_path / "made.duckdb", name)) as con:
        written = pages_of(con, *FINDINGS)
        assert [file for file, page in written.items() if not says_something(page)] == []
        if name in DRAWN:
            draw(con, tmp_path / "figures")
    check(name, dict(written))


def check(name: str, pages: dict[str, str]) -> None:
    seen = set()
    for file, page in ((file, asserted(page)) for file, page in pages.items() if file != "findings/index.md"):
        for claim, match in made(page):
            seen.add(claim)
            assert claim.holds(match, page), f"{file}: {match.group()}"
        assert not judged(page), f"{file}: claims without a check (see claims.py and judged.py)"
        assert not slips(page), f"{file}: {slips(page)}"
    assert {claim for claim in CLAIMS if claim.report == name} <= seen


def draw(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """A chart without any data to scale by has no size, and fails as an image."""
    for name, figure in charts.write_figures(con, folder):
        assert "None" not in figure["spec"]["description"], name
        assert drawing._png(drawing._svg(drawing._static(figure["spec"], theme.LIGHT)), scale=0.25), name
