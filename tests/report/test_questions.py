"""The ten questions of docs/questions.md: the page that is named has the answer, in this report's own numbers."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from tds_atlas.report import query
from tds_atlas.report.markup import visible
from tests.conftest import ROOT
from tests.report.sheets import pct, read, within

_ROW = re.compile(r"^\| (.+\?) \| ([\w/]+) \|$", re.MULTILINE)


@pytest.fixture(scope="module")
def con(rich_project: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with closing(query.connect(rich_project / "made.duckdb")) as con:
        yield con


def answers(con: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """What the page of each question must say, from the data."""
    comparisons, headline = query.rows(con, "pages/comparisons"), query.rows(con, "pages/headline")
    early, swaps = query.rows(con, "pages/early_late")[0], query.rows(con, "pages/substitutions")
    words, checks = query.rows(con, "pages/words"), query.rows(con, "pages/checks")
    broken = sum(row["violations"] > 0 for row in checks)
    styles = [row for row in query.rows(con, "pages/role_difference") if row["way"] == "counted"]
    return {
        "What was compared?": [f"{c['base_condition_id']} | {c['aligned_condition_id']}" for c in comparisons],
        'What does "shifted" mean?': [
            "unshifted: the base's first choice",
            "shifted: lower",
            "look up the base's rank",
        ],
        "What is a token, and what is KL?": ["A token is a word or a piece of one.", "KL says how far"],
        "How much did tuning change?": [pct(c["shifted"]) for c in headline],
        "How sure is that number?": [f"of tokens shifted{within(c['shifted_bounds'])}" for c in headline],
        "Where in an answer does it happen?": [
            f"{pct(early['early'])}{within(early['early_bounds'])} of the first five"
        ],
        "Which words did tuning bring?": [
            f"{visible(c['words'][0]['word'])} ({c['words'][0]['shifted']})" for c in words
        ],
        "What would the base have said instead?": [f">{s['places']}<small>" for s in swaps],
        "Is it style or substance?": [f"{pct(s['style_share'])} of the style tokens" for s in styles],
        "Can I trust it, and what would make it wrong?": [
            f"{broken} of {len(checks)} checks" if broken else f"All {len(checks)} checks",
            "What would make this wrong",
        ],
    }


def test_each_of_ten_questions_is_answered_on_its_page(con: duckdb.DuckDBPyConnection, rich_project: Path) -> None:
    asked = dict(_ROW.findall((ROOT / "docs" / "questions.md").read_text(encoding="utf-8")))
    wanted = answers(con)
    assert list(asked) == list(wanted) and len(asked) == 10 and len(set(asked.values()) - {"index"}) == 3
    for question, file in asked.items():
        page = (rich_project / "build" / "docs" / f"{file}.md").read_text(encoding="utf-8")
        text = read(page).replace("**", "")
        assert wanted[question]
        for said in wanted[question]:
            assert html.unescape(said) in text.replace("\u00a0", " "), (question, said)
