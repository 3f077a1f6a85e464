"""The page on passages: one altered place in a long answer is found, and windows are those of a slow version."""

from __future__ import annotations

import html
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tds_atlas.report import query
from tests.report import synthetic
from tests.report.sheets import pages, read

LENGTH, PLACE = 8000, 5123
# An answer to the first prompt of its own, made of the shortest rows there are, with noise; 20 tokens are altered.
LONG = f"""
    INSERT INTO response BY NAME SELECT * REPLACE ('sft·chat/long' AS response_id, {LENGTH} AS n_tokens, repeat('word ', {LENGTH}) AS text)
    FROM response WHERE response_id = 'sft·chat/p1';
    INSERT INTO "position" BY NAME SELECT * EXCLUDE (t) REPLACE ('sft·chat/long' AS response_id, t AS pos, 5 * t AS char_start, 5 * t + 5 AS char_end)
    FROM "position", range({LENGTH}) AS times(t) WHERE response_id = 'sft·chat/p1' AND pos = 0;
    INSERT INTO score BY NAME SELECT * EXCLUDE (t) REPLACE ('sft·chat/long' AS response_id, t AS pos,
        CASE WHEN condition_id <> 'base·plain' THEN -1 ELSE -1.2 - hash(t) % 100 / 100 - 3 * (t BETWEEN {PLACE} AND {PLACE + 19})::INTEGER END AS logprob)
    FROM score, range({LENGTH}) AS times(t) WHERE response_id = 'sft·chat/p1' AND pos = 0;
    INSERT INTO divergence BY NAME SELECT * EXCLUDE (t) REPLACE ('sft·chat/long' AS response_id, t AS pos,
        0.05 + hash(t, 1) % 100 / 2000 + 0.4 * (t BETWEEN {PLACE} AND {PLACE + 19})::INTEGER AS js)
    FROM divergence, range({LENGTH}) AS times(t) WHERE response_id = 'sft·chat/p1' AND pos = 0;
    UPDATE score SET logprob = -1 WHERE response_id <> 'sft·chat/long';
    UPDATE divergence SET js = 0.01 WHERE response_id <> 'sft·chat/long'"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = synthetic.write(tmp_path_factory.mktemp("long") / "made.duckdb", prompts=3, comparisons=1)
    with duckdb.connect(str(path)) as con:
        con.execute(LONG)
    return path


def test_one_altered_place_among_8000_tokens_is_first(made: Path) -> None:
    rows = query.rows(query.connect(made), "pages/passages")
    for measure in ("delta", "js"):
        first, second = [row for row in rows if row["measure"] == measure][:2]
        assert abs(first["pos"] - PLACE) <= 2 and first["n_tokens"] == LENGTH and first["said"] == "word " * 20
        assert abs(second["pos"] - first["pos"]) >= 20  # what overlaps it is not listed beside it
        assert first[f"{measure}_nats"] > 2 * second[f"{measure}_nats"]
    page = html.unescape(pages(made, "findings/passages.md")["findings/passages.md"])
    place = next(row for row in rows if row["measure"] == "delta")
    assert f'href="../examples/c-1/{place["page"]}.html#t{place["pos"]}"' in page
    assert f"the passage that tuning raised most is tokens {place['pos']:,} to {place['last_pos']:,} of the answer" in read(
        page
    )


def test_how_much_of_it_stands_in_how_many(made: Path) -> None:
    """Against a slow version; the altered place is in two of some four hundred passages."""
    con = query.connect(made)
    rows = con.sql("SELECT response_id, pos, js FROM tds ORDER BY ALL").fetchall()
    tiles = sorted((sum(js for *_, js in part) / n, sum(js for *_, js in part)) for part, n in _tiles(rows))[::-1]
    total = sum(x for _, x in tiles)
    for row in query.rows(con, "figures/passage_share"):
        wholly, part = divmod(row["passages_share"] * len(tiles), 1)
        held = sum(x for _, x in tiles[: int(wholly)]) + part * tiles[int(wholly)][1]
        assert row["share"] == pytest.approx(held / total, rel=1e-3)


def _tiles(rows: list[tuple[str, int, float]]) -> list[tuple[list[Any], int]]:
    parts = [list(part) for _, part in groupby(rows, key=lambda row: (row[0], row[1] // 20))]
    return [(part, len(part)) for part in parts]


def test_windows_against_a_slow_version(made: Path) -> None:
    con = query.connect(made)
    sql = "SELECT pos, last_pos, delta_logprob, js FROM {} WHERE response_id = '{}' ORDER BY pos"
    for answer in ("sft·chat/long", "sft·chat/p1", "sft·chat/p3"):
        tokens = con.sql(f"SELECT delta_logprob, js FROM tds WHERE response_id = '{answer}' ORDER BY pos").fetchall()
        for source, size, step in (("passage", 20, 5), ("passages(size := 7, step := 3)", 7, 3)):
            last = max(0, len(tokens) - size)
            wanted = []
            for start in sorted({last, *range(0, last + 1, step)}):
                part = tokens[start : start + size]
                means = [sum(row[i] for row in part) / len(part) for i in (0, 1)]
                wanted.append([start, start + len(part) - 1, *means])
            found = con.sql(sql.format(source, answer)).fetchall()
            assert len(found) == len(wanted)
            assert all(list(a) == pytest.approx(b) for a, b in zip(found, wanted, strict=True))
