"""Answers with thinking: early is early in what is said, by role is by role of what is said; each part has its row."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tds_atlas.report import query
from tds_atlas.report.charts import drawings_of_parts, write_figures
from tds_atlas.report.pages import _figure, environment
from tests.report import synthetic
from tests.report.sheets import pages, pct, read, within

THINKING = 7  # tokens before the answer itself, in every second answer
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The made-up report, where every second answer begins with thinking, all of it shifted."""
    path = synthetic.write(tmp_path_factory.mktemp("segments") / "made.duckdb", prompts=48, rich=True, further=True)
    with duckdb.connect(str(path)) as con:
        thinks = "response_id IN (SELECT response_id FROM response JOIN prompt USING (prompt_id) WHERE ordinal % 2 = 0)"
        con.execute(f"UPDATE \"position\" SET segment = 'thinking' WHERE {thinks} AND pos < {THINKING}")
        con.execute(f'UPDATE "position" SET segment_start = {THINKING} WHERE {thinks} AND pos >= {THINKING}')
        con.execute(f"UPDATE score SET rank = 50 WHERE {thinks} AND pos < {THINKING}")
    return path


@pytest.fixture(scope="module")
def con(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with closing(query.connect(database)) as con:
        yield con


@pytest.fixture(scope="module")
def tokens(con: duckdb.DuckDBPyConnection) -> Rows:
    """Every token, with its place within its part counted here."""
    sql = "SELECT label, response_id, pos, segment, role, shift FROM tds JOIN comparison USING (comparison_id)"
    rows = con.sql(f"{sql} ORDER BY label, response_id, pos").to_arrow_table().to_pylist()
    for before, row in zip([{}, *rows], rows, strict=False):
        same = (before.get("label"), before.get("response_id"), before.get("segment"))
        row["place"] = before["place"] + 1 if same == (row["label"], row["response_id"], row["segment"]) else 0
    return rows


@pytest.fixture(scope="module")
def shared(con: duckdb.DuckDBPyConnection, tokens: Rows) -> Rows:
    """The tokens of the thinking, each with x, the share of the ten likeliest that both models have."""
    rows = con.sql(
        "SELECT label, response_id, pos, shared / k FROM support JOIN comparison USING (comparison_id)"
    ).fetchall()
    found = {tuple(key): x for *key, x in rows}
    mine = [t for t in tokens if t["segment"] == "thinking"]
    return [t | {"x": found[t["label"], t["response_id"], t["pos"]]} for t in mine]


@pytest.fixture(scope="module")
def of_thinking(database: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The figures of the thinking alone, and their folder."""
    folder = tmp_path_factory.mktemp("parts") / "figures"
    with closing(query.connect(database)) as con:
        return folder, dict(write_figures(con, folder, drawings_of_parts(con)))


def share(rows: Rows) -> float:
    return sum(row["shift"] == "shifted" for row in rows) / len(rows)


def test_early_and_late_are_those_of_what_is_said(con: duckdb.DuckDBPyConnection, tokens: Rows) -> None:
    found = query.rows(con, "pages/early_late")
    assert found
    for row in found:
        own = [t for t in tokens if t["label"] == row["label"] and t["segment"] == "answer"]
        assert row["early"] == pytest.approx(share([t for t in own if t["place"] < 5]))
        assert row["late"] == pytest.approx(share([t for t in own if t["place"] >= 5]))


@pytest.mark.parametrize("part", ["answer", "thinking"])
def test_curves_count_from_where_a_part_begins(con: duckdb.DuckDBPyConnection, tokens: Rows, part: str) -> None:
    curve = "MAP {'share': (shift = 'shifted')::INTEGER::DOUBLE}"
    found = con.execute(f"SELECT comparison, position, mean FROM by_position({curve}, part := '{part}')").fetchall()
    places: dict[tuple[str, int], Rows] = defaultdict(list)
    for t in tokens:
        if t["segment"] == part:
            places[t["label"], t["place"]].append(t)
    assert found and {place for _, place, _ in found} >= set(range(THINKING))
    for label, place, mean in found:
        assert mean == pytest.approx(share(places[label, place]))
    if part == "answer":
        drawn = query.rows(con, "figures/shift_by_position")
        assert [(r["comparison"], r["position"]) for r in drawn] == [row[:2] for row in found]
        assert [r["share"] for r in drawn] == pytest.approx([row[2] for row in found])


def test_roles_are_those_of_what_is_said(con: duckdb.DuckDBPyConnection, tokens: Rows) -> None:
    for row in query.rows(con, "figures/shift_by_role"):
        own = [t for t in tokens if (t["label"], t["role"]) == (row["comparison"], row["role"])]
        own = [t for t in own if t["segment"] == "answer"]
        if row["counted_as"] == "as counted":
            assert row["share"] == pytest.approx(share(own)) and row["positions"] == len(own)


def test_tenths_are_those_of_what_is_said(con: duckdb.DuckDBPyConnection, tokens: Rows) -> None:
    length: dict[tuple[str, str], int] = defaultdict(int)
    said = [t for t in tokens if t["segment"] == "answer"]
    for t in said:
        length[t["label"], t["response_id"]] += 1
    found = query.rows(con, "figures/shift_by_tenth")
    assert len(found) > 10
    for row in found:
        own = [t for t in said if t["label"] == row["comparison"]]
        own = [t for t in own if 10 * t["place"] // length[t["label"], t["response_id"]] + 1 == row["tenth"]]
        assert row["positions"] == len(own) and row["share"] == pytest.approx(share(own))


WITHIN = """SELECT x.*, p.segment, p.pos - p.segment_start AS place, label FROM {view} x
            JOIN "position" p USING (response_id, pos) JOIN comparison c USING (comparison_id)
            WHERE {where} AND segment = 'answer'"""


def within_answers(con: duckdb.DuckDBPyConnection, view: str, where: str) -> Rows:
    """The rows of a view that are of the answer itself, found through the table of positions."""
    return con.sql(WITHIN.format(view=view, where=where)).to_arrow_table().to_pylist()


def test_what_prompts_explain_is_by_role_of_what_is_said(con: duckdb.DuckDBPyConnection) -> None:
    rows = within_answers(con, "primed_pair", "is_aligned AND own_rank > 3")
    found = query.rows(con, "figures/prompt_explains_by_role")
    assert found
    for row in found:
        own = [r for r in rows if (r["label"], r["role"]) == (row["comparison"], row["role"])]
        assert row["positions"] == len(own)
        assert row["share"] == pytest.approx(sum(r["given_rank"] <= 3 for r in own) / len(own))


def test_what_is_left_of_the_gap_is_by_role_of_what_is_said(con: duckdb.DuckDBPyConnection) -> None:
    best = dict(con.execute("SELECT comparison_id, context_id FROM primed_best").fetchall())
    rows = [r for r in within_answers(con, "primed_pair", "true") if best[r["comparison_id"]] == r["context_id"]]
    found = query.rows(con, "figures/primed_by_role")
    assert found
    for row in found:
        own = [r for r in rows if (r["label"], r["role"]) == (row["comparison"], row["role"])]
        assert row["own_nats"] == pytest.approx(sum(r["own_kl"] for r in own), abs=1e-5)


def test_stages_and_splits_are_of_what_is_said(con: duckdb.DuckDBPyConnection) -> None:
    rows = within_answers(con, "stage_step", "has_both")
    found = query.rows(con, "figures/stage_credit")
    assert found
    for row in found:
        own = [r for r in rows if r["label"] == row["chain"] and row["role"] in ("all", r["role"])]
        assert row["positions"] == len(own) / 2  # a row for each of two stages
    for row in query.rows(con, "pages/stage_difference"):
        first, second = (r["nats"] for r in found if (r["chain"], r["role"]) == (row["chain"], "all"))
        assert row["difference"] == pytest.approx(first - second, abs=1e-6)
    rows = within_answers(con, "split", "delta IS NOT NULL AND context IS NOT NULL")
    found = query.rows(con, "figures/split_by_position")
    assert found and {0, THINKING} < {row["position"] for row in found}
    for row in found:
        own = [r for r in rows if (r["label"], r["place"]) == (row["comparison"], row["position"])]
        part = "context" if row["part"] == "the prompt" else "weights"
        assert row["responses"] == len(own) and row["nats"] == pytest.approx(sum(r[part] for r in own) / len(own))


def test_each_part_has_its_row_on_the_page(database: Path, con: duckdb.DuckDBPyConnection, tokens: Rows) -> None:
    page = read(pages(database, "findings/where.md")["findings/where.md"])
    found = query.rows(con, "pages/by_segment")
    assert {row["segment"] for row in found} == {"answer", "thinking"}
    for row in found:
        own = [t for t in tokens if (t["label"], t["segment"]) == (row["label"], row["segment"])]
        early, late = ([t for t in own if (t["place"] < 5) == first] for first in (True, False))
        cells = []
        for bounds, of in ((row["shifted"], own), (row["early"], early), (row["late"], late)):
            assert bounds["mean"] == pytest.approx(share(of))
            cells.append(pct(bounds["mean"]) + within(bounds))
        assert f"| {row['label']} | {row['segment']} | {' | '.join(cells)} | {len(own):,} |" in page


def test_a_report_without_parts_says_nothing_of_them(tmp_path: Path) -> None:
    page = pages(synthetic.write(tmp_path / "plain.duckdb", prompts=6), "findings/where.md")["findings/where.md"]
    assert "have parts besides the answer" not in page and "thinking" not in page


def test_a_figure_of_the_thinking_has_its_numbers_alone(
    of_thinking: tuple[Path, dict[str, Any]], tokens: Rows, shared: Rows, con: duckdb.DuckDBPyConnection
) -> None:
    """Each is there beside the ordinary one, which a later query still is; its SQL file makes the same rows by itself."""
    folder, figures = of_thinking
    rows = figures["shift_by_position__thinking"]["rows"]
    assert {row["position"] for row in rows} == set(range(THINKING)) and {row["share"] for row in rows} == {1.0}
    by_role = [row for row in figures["shift_by_role__thinking"]["rows"] if row["counted_as"] == "as counted"]
    for row in by_role:
        own = [
            t for t in tokens if (t["label"], t["role"], t["segment"]) == (row["comparison"], row["role"], "thinking")
        ]
        assert row["positions"] == len(own) and row["share"] == pytest.approx(share(own))
    tenths = figures["shift_by_tenth__thinking"]["rows"]
    assert sum(row["positions"] for row in tenths) == sum(t["segment"] == "thinking" for t in tokens) > 0
    of_lists = ("support_by_position", "support_mass", "suppressed_mass", "support_by_role")
    others = ("kl_by_position", "split_by_position", "primed_by_role")
    assert set(figures) >= {f"{name}__thinking" for name in others + of_lists}
    for row in figures["support_by_role__thinking"]["rows"]:
        own = [t for t in shared if (t["label"], t["role"]) == (row["comparison"], row["role"])]
        assert row["positions"] == len(own) and row["share"] == pytest.approx(sum(t["x"] for t in own) / len(own))
    for row in figures["support_by_position__thinking"]["rows"]:
        own = [t for t in shared if (t["label"], t["place"]) == (row["comparison"], row["position"])]
        assert row["share"] == pytest.approx(sum(t["x"] for t in own) / len(own))
    for name, figure in figures.items():
        assert figure["caption"].endswith(" Of the thinking alone.") and (folder / f"{name}.csv").is_file()
        assert figure["rows"] != query.rows(con, f"figures/{name.partition('__')[0]}"), name
    again = con.execute((folder / "shift_by_position__thinking.sql").read_text(encoding="utf-8")).fetchall()
    con.execute("RESET VARIABLE part")
    assert len(again) == len(rows)


def test_a_page_has_a_block_for_each_part(of_thinking: tuple[Path, dict[str, Any]]) -> None:
    figures = of_thinking[1]
    ordinary = {name.partition("__")[0]: entry for name, entry in figures.items()}
    figure = _figure(figures | ordinary, environment())
    both = figure("kl_by_position", "")
    assert re.findall(r'data-part="(.*?)"|data-chart="(.*?)"', both) == [
        ("answer", ""), ("", "kl_by_position"), ("thinking", ""), ("", "kl_by_position__thinking"),
    ]  # fmt: skip
    assert "data-part" not in _figure(ordinary, environment())("kl_by_position", "")
