"""Pages of a report whose answers are samples: what needs greedy text is left out and said, the spread is shown."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from tds_atlas.gate.reports import read_sums
from tds_atlas.report import query
from tests.report import synthetic
from tests.report.sheets import pages, pct, points, read
from tests.report.test_clusters import sampled

HOW_MUCH, WHERE, COMPARE, METHOD = "findings/how-much.md", "findings/where.md", "findings/compare.md", "method.md"
HEADING, LEFT_OUT = "How far apart are samples?", "it is asked of greedy answers, and these were drawn at random"


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A report of greedy answers, and the same with a second sample of each, whose ranks are others."""
    folder = tmp_path_factory.mktemp("samples")
    made = [synthetic.write(folder / f"{name}.duckdb", prompts=12, rich=True) for name in ("greedy", "drawn")]
    sampled(made[1])
    with duckdb.connect(str(made[1])) as con:
        con.execute("UPDATE response SET temperature = 0.8, top_p = 0.9, seed = 3 WHERE condition_id IS NOT NULL")
        con.execute("UPDATE score SET rank = 1 WHERE response_id LIKE '%#2' AND pos % 3 = 0")
        con.execute("UPDATE divergence SET js = js / 2 WHERE response_id LIKE '%#2'")
    return made[0], made[1]


def test_findings_of_greedy_text_are_left_out_and_said(databases: tuple[Path, Path]) -> None:
    greedy, drawn = (pages(path, HOW_MUCH, WHERE, COMPARE, METHOD) for path in databases)
    assert "Where do the two first diverge?" in greedy[WHERE] and LEFT_OUT not in greedy[WHERE]
    assert "Where do the two first diverge?" not in drawn[WHERE] and LEFT_OUT in read(drawn[WHERE])
    assert "same as the base for" in greedy[COMPARE] and "same as the base for" not in drawn[COMPARE]
    assert "generated greedily" in greedy[METHOD] and "generated greedily" not in drawn[METHOD]
    assert "drawn at temperature 0.8, top p 0.9, seed 3" in drawn[METHOD]
    assert HEADING in drawn[HOW_MUCH] and HEADING not in greedy[HOW_MUCH]


def test_the_page_shows_the_spread_as_the_view_has_it(databases: tuple[Path, Path]) -> None:
    page = read(pages(databases[1], HOW_MUCH)[HOW_MUCH])
    with closing(query.connect(databases[1])) as con:
        rows = query.rows(con, "pages/sample_spread")
    assert {row["measure"] for row in rows} == {"shifted", "JS"}
    assert all(row["between_samples"] > 0 and row["answers"] == 2 * row["prompts"] for row in rows)
    for row in rows:
        if row["measure"] == "shifted":
            numbers = [row["between_samples"], row["between_prompts"], row["between_models"]]
            cells = [pct(row["mean"]), *("–" if x is None else f"{points(x)} points" for x in numbers)]
            assert f"| {row['label']} | shifted | {' | '.join(cells)} | {row['prompts']} | {row['answers']} |" in page


def test_the_gate_adds_up_all_samples_of_a_prompt(databases: tuple[Path, Path]) -> None:
    """One row per text of a prompt, over the positions of all its samples."""
    one, two = (read_sums(path) for path in databases)
    for key, texts in one.sums.items():
        if key[1] == "shifted":
            assert {text: 2 * n for text, (_, n, _) in texts.items()} == {
                t: n for t, (_, n, _) in two.sums[key].items()
            }
    assert any(measure == "shifted" for _, measure in one.sums)
