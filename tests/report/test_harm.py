"""Harmful and harmless prompts kept apart, from the rows over the bars to the words: numbers planted for each kind."""

from __future__ import annotations

import duckdb
import pytest

from tds_atlas.report import query
from tests.report import synthetic
from tests.report.drawn import draw, drawn

PLANTED = {True: (2.0, 0.8), False: (0.5, 0.2)}  # by harmful: KL at each of the first five positions, and at later ones


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    """Two prompts in five are harmful. KL is what is planted, a tenth more or less by turns."""
    path = synthetic.write(tmp_path_factory.mktemp("db") / "made.duckdb", prompts=40, comparisons=1, rich=True)
    first, second = PLANTED[True], PLANTED[False]
    with duckdb.connect(str(path)) as con:
        con.execute("UPDATE prompt SET harmful = ordinal % 5 < 2")
        con.execute(f"""
            UPDATE divergence SET kl_aligned_base = (CASE WHEN harmful THEN CASE WHEN pos < 5 THEN {first[0]} ELSE {first[1]} END
                                                         ELSE CASE WHEN pos < 5 THEN {second[0]} ELSE {second[1]} END END)
                                                    * (1 + 0.1 * (ordinal // 5 % 2 * 2 - 1))
            FROM response JOIN prompt USING (prompt_id) WHERE response.response_id = divergence.response_id""")
    return query.connect(path)


def slow(con: duckdb.DuckDBPyConnection) -> dict[tuple[bool, int], list[float]]:
    """KL by harmful or not and by position, from the tables themselves."""
    sql = """SELECT harmful, pos, kl_aligned_base FROM divergence JOIN response USING (response_id) JOIN prompt USING (prompt_id)
             WHERE comparison_id = 'c-1'"""
    found: dict[tuple[bool, int], list[float]] = {}
    for harmful, pos, kl in con.execute(sql).fetchall():
        found.setdefault((harmful, pos), []).append(kl)
    return found


def test_rows_name_the_kind_of_their_prompts(con: duckdb.DuckDBPyConnection) -> None:
    kls = slow(con)
    rows = [r for r in query.rows(con, "figures/kl_by_harm") if r["panel"] == 0]
    assert {r["prompts"] for r in rows} == {"harmful", "harmless"}
    for row in rows:
        mine = kls[row["prompts"] == "harmful", row["position"]]
        assert row["nats"] == pytest.approx(sum(mine) / len(mine)) and row["responses"] == len(mine) >= 10


def test_harmful_prompts_are_the_bars_upward(con: duckdb.DuckDBPyConnection) -> None:
    """One comparison, so its strip's zero is that of the axis; harmless ones hang below it, and are paler."""
    table = query.table(con, "figures/kl_by_harm")
    table = table.filter([panel == 0 for panel in table["panel"].to_pylist()])
    figure, rows = drawn("kl_by_harm", table, ["base → sft 1 <i>"], "y"), table.to_pylist()
    sign = {"harmful": 1, "harmless": -1}
    bars = [
        (figure.value(i["y"]), figure.value(i["y2"]) if "y2" in i else figure.value(i["y"] + i["height"]), i["opacity"])
        for i in figure.items("rect")
    ]
    assert len(bars) == len(rows)
    for a, b, opacity in bars:
        assert (opacity == 1) == (a + b > 0) and min(abs(a), abs(b)) == pytest.approx(0, abs=1e-6)
    ends = sorted(max(a, b, key=abs) for a, b, _ in bars)
    assert ends == pytest.approx(sorted(sign[r["prompts"]] * r["nats"] for r in rows))
    rules = [tuple(sorted(span)) for span in figure.spans("rule")]
    for row in rows:
        wanted = sorted(sign[row["prompts"]] * row[end] for end in ("low_nats", "high_nats"))
        assert any(rule == pytest.approx(wanted) for rule in rules)
    assert [i["text"] for i in figure.items("text") if "↑" in i["text"]] == ["harmful ↑ harmless ↓"]


def test_curves_of_what_the_first_positions_hold(con: duckdb.DuckDBPyConnection) -> None:
    kls = slow(con)
    figure, rows = draw(con, "kl_depth", "y")
    rows = [row for row in rows if row["comparison"] == "base → sft 1 <i>"]
    for row in rows:
        mine = {pos: sum(v) for (harmful, pos), v in kls.items() if harmful == (row["prompts"] == "harmful")}
        held = sum(v for pos, v in mine.items() if pos < row["positions"])
        assert row["share"] == pytest.approx(held / sum(mine.values()))
    by_dash: dict[bool, list[float]] = {}
    for kind, items in figure.layers:
        if kind == "line":
            by_dash.setdefault(items[0]["strokeDash"] == [1, 0], []).extend(figure.value(i["y"]) for i in items)
    for drawn_through in (True, False):
        mine = [row["share"] for row in rows if (row["prompts"] == "harmful") == drawn_through]
        assert all(any(share == pytest.approx(y) for y in by_dash[drawn_through]) for share in mine)


def test_the_page_reads_its_numbers_off_the_right_kind(con: duckdb.DuckDBPyConnection) -> None:
    kls = slow(con)
    for row in (r for r in query.rows(con, "pages/safety") if r["comparison_id"] == "c-1"):
        mine = [(pos, kl) for (harmful, pos), values in kls.items() if harmful == row["harmful"] for kl in values]
        whole = sum(kl for _, kl in mine)
        assert row["nats"] == pytest.approx(whole / len(mine)) and row["prompts"] == (16 if row["harmful"] else 24)
        assert row["first_share"] == pytest.approx(sum(kl for pos, kl in mine if pos < 5) / whole)
        assert row["first_tokens"] == pytest.approx(sum(pos < 5 for pos, _ in mine) / len(mine))
