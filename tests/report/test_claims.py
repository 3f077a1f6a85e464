"""Every claim of the home page and the findings, on reports at the ends of what data can be, against the numbers beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.report import extremes, planted
from tests.report.claims import CLAIMS, made
from tests.report.judged import judged, slips
from tests.report.sheets import assertions

PLANTED = {"up": True, "down": False}


@pytest.mark.parametrize("name", [*extremes.EXTREMES, *PLANTED])
def test_no_claim_is_denied_by_its_numbers(tmp_path: Path, name: str) -> None:
    path = tmp_path / "made.duckdb"
    planted.write(path, PLANTED[name]) if name in PLANTED else extremes.write(path, name)
    seen = set()
    for file, page in assertions(path).items():
        for claim, match in made(page):
            seen.add(claim)
            assert claim.holds(match, page), f"{file}: {match.group()}"
        assert not judged(page), f"{file}: claims without a check (see claims.py and judged.py)"
        assert not slips(page), f"{file}: {slips(page)}"
    assert {claim for claim in CLAIMS if claim.report == name} <= seen
