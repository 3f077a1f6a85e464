"""The bounds of the classes stand in one place for the scripts, and mean there what they mean in SQL."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb

from tds_atlas.domain import MARGINAL_RANK, UNSHIFTED_RANK
from tds_atlas.record.schema import SQL
from tds_atlas.report.written_pages import copy_assets
from tests.conftest import ROOT


def test_the_scripts_have_the_classes_of_the_macro(tmp_path: Path) -> None:
    copy_assets(ROOT / "site_src", tmp_path)
    text = (tmp_path / "assets" / "js" / "classes.js").read_text(encoding="utf-8")
    classes = json.loads(text.removeprefix("window.tdsClasses=").rstrip(";\n"))
    assert classes["bounds"] == [UNSHIFTED_RANK, MARGINAL_RANK] == [1, 3]
    with duckdb.connect() as con:
        con.execute(SQL["schema"] + SQL["views"])
        for rank in (1, 2, 3, 4, 1000):
            ((said,),) = con.execute("SELECT shift_class($1)", [rank]).fetchall()
            assert said == classes["names"][sum(rank > bound for bound in classes["bounds"])]
