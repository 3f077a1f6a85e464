"""What the tests of the report's words share: a made-up database, two reports of opposite signs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.report import planted
from tests.report.sheets import Report, held, read


@pytest.fixture(scope="session")
def database(rich_project: Path) -> Path:
    """A made-up database with everything a report can hold. Read only."""
    return rich_project / "made.duckdb"


@pytest.fixture(scope="session", params=planted.NAMES)
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Report:
    told, folder = planted.told(tmp_path_factory, request.param), planted.kept(tmp_path_factory, request.param)
    con = held(folder / "made.duckdb", folder)
    return Report(request.param == "up", con, {file: read(page) for file, page in told.items()})
