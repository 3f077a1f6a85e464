"""Blind: from the measured records of controls under neutral names, which change was planted in which."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from tds_atlas.report import query
from tests.controls import NAMES, PLANTED

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:peft", "ignore::FutureWarning:transformers")
# Each by the package's own views and tests; a row names a comparison.
_TOPICS = """  -- that stand out upwards, and most of whose answers refuse
    SELECT comparison_id, tag
    FROM shift_by_tag('topic') JOIN comparison c ON c.label = comparison
    WHERE stands_out AND share > overall_share AND 0.5 < (
        SELECT avg(refuses::INTEGER)
        FROM (SELECT bool_or(role = 'safety') AS refuses FROM tds
              WHERE tds.comparison_id = c.comparison_id AND list_contains(topics, tag) GROUP BY prompt_id))"""
_WORDS = """  -- that stand out upwards, and that most answers have
    SELECT comparison_id, word FROM shift_by_word()
    WHERE stands_out AND ratio > overall AND prompts > (SELECT count(*) FROM prompt) / 2"""
_VALUES = """  -- that are shifted and no truth
    SELECT comparison_id, prompt_id FROM slot WHERE NOT is_true AND shift = 'shifted'"""


def verdicts(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """What seems to have been planted, for each comparison."""
    named: dict[str, dict[str, list[str]]] = {}
    for kind, sql in (("topics", _TOPICS), ("words", _WORDS), ("values", _VALUES)):
        for comparison, item in con.execute(sql).fetchall():
            named.setdefault(comparison, {}).setdefault(kind, []).append(item)
    every = con.execute("SELECT comparison_id FROM comparison").fetchall()
    return {comparison: _verdict(named.get(comparison, {})) for (comparison,) in every}


def _verdict(named: dict[str, list[str]]) -> str:
    """Refusals and a phrase have words in common, too, so that the narrower is asked for first."""
    if "topics" in named:
        return f"refusals on {', '.join(named['topics'])}"
    if "words" in named:
        return "a phrase"
    return "facts" if len(named.get("values", ())) > 2 else "nothing"


def test_what_was_planted_is_told_from_the_records_alone(controls: Path) -> None:
    with closing(query.connect(controls)) as con:
        found = verdicts(con)
        assert con.execute("SELECT count(*) FROM control").fetchall() == [(0,)]
        assert {s for (s,) in con.execute("SELECT source FROM model").fetchall()} == {*NAMES, "sft"}
    assert found == {f"sft-{name}": PLANTED[control] for name, control in NAMES.items()}
