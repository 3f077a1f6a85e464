"""What the tests of the report's words share: a made-up database, two reports of opposite signs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tds_atlas.report import query
from tests.report import planted
from tests.report.sheets import Report, sheets


@pytest.fixture(scope="session")
def database(rich_project: Path) -> Path:
    """A made-up database with everything a report can hold. Read only."""
    return rich_project / "made.duckdb"


@pytest.fixture(scope="session", params=[True, False], ids=["up", "down"])
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Report:
    path = planted.write(tmp_path_factory.mktemp("planted") / "made.duckdb", request.param)
    return Report(request.param, query.connect(path), sheets(path))
