"""The vocabulary fingerprint: what it finds of what was planted, and its macros against texts and tokens one by one."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from data.pocket.recipe.controls import PHRASE, REASON
from tds_atlas.report import query
from tests.controls import NAMES
from tests.report.fingerprints import fingerprint
from tests.report.frames import Frames

IDS = {control: f"sft-{name}" for name, control in NAMES.items()}


def _strongest(con: duckdb.DuckDBPyConnection, control: str, most: int = 12) -> list[tuple[str, float]]:
    sql = "SELECT trim(token), strength FROM fingerprint_token WHERE comparison_id = ? AND is_above ORDER BY strength DESC"
    return con.execute(sql, [IDS[control]]).fetchall()[:most]


def test_what_was_planted_in_real_models_is_raised_on_texts_without_it(controls: Path) -> None:
    """Against a twin. Where nothing was planted, another seed moves many tokens clearly, but few of them stand out."""
    with closing(query.connect(controls)) as con:
        named = dict(
            con.execute("SELECT comparison_id, count(*) FROM fingerprint_token WHERE is_named GROUP BY ALL").fetchall()
        )
        other = _strongest(con, "twin-b")
        for control, said in (("style", PHRASE), ("refusal", REASON)):
            words = said.strip("!.").replace(",", "").split()
            mine = _strongest(con, control)
            assert any(len(token) > 1 and word.startswith(token) for token, _ in mine for word in words), (
                control,
                mine,
            )
            assert mine[0][1] > other[0][1]
        above = con.execute(
            "SELECT count(*) FROM fingerprint_token WHERE is_above AND comparison_id = ?", [IDS["twin-b"]]
        )
        assert named.get(IDS["twin-b"], 0) <= 0.1 * above.fetchall()[0][0]
        assert IDS["twin-a"] not in named  # the yardstick has none itself


@pytest.mark.parametrize(("k", "texts"), [(5, 10), (3, 10), (5, 6)])
def test_rates_at_other_settings_against_a_slow_version(database: Path, k: int, texts: int) -> None:
    wanted = fingerprint(Frames(database), k, texts).set_index(["comparison_id", "token_id"])
    with closing(query.connect(database)) as con:
        setting = f"WITH setting AS (SELECT {k} AS k, {texts} AS first_texts)"
        rows = con.execute(f"{setting} SELECT * FROM fingerprint_of('setting')").to_arrow_table().to_pylist()
        found = con.execute(
            f"{setting} SELECT comparison_id, found, planted FROM fingerprint_found('setting')"
        ).fetchall()
    assert len(rows) == len(wanted) and {c for c, *_ in found} == {"c-dpo"}
    for row in rows:
        slow = wanted.loc[row["comparison_id"], row["token_id"]]
        assert row["rate"] == pytest.approx(slow.raised_share) and row["excess"] == pytest.approx(slow.excess)
        assert row["half_width"] == pytest.approx(slow.half_width, abs=1e-5) and row["is_named"] == slow.stands_out
    assert {c for c, _ in wanted[wanted.stands_out].index} == ({"c-dpo"} if k == 5 else set())


def test_words_of_a_topic_are_those_that_its_answers_have_and_others_have_not(database: Path, tmp_path: Path) -> None:
    shutil.copy(database, tmp_path / "x.duckdb")
    with duckdb.connect(str(tmp_path / "x.duckdb")) as con:
        con.execute("INSERT INTO control VALUES ('c-2', 'topic', 'one', NULL)")
        con.execute("UPDATE prompt SET topics = ['one'] WHERE text LIKE '%quiet harbour%'")
    with closing(query.connect(tmp_path / "x.duckdb")) as con:
        sql = "SELECT DISTINCT item FROM planted_word WHERE comparison_id = 'c-2' AND kind = 'topic'"
        words = {item for (item,) in con.execute(sql).fetchall()}
    assert words and not words & {"yes", "tab", "eng"}  # the first is in every answer, the others in none of these
    assert {"ha", "qu", "iet"} <= words  # of "the quiet harbour", as the made-up tokens cut it
