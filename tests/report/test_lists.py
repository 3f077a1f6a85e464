"""A report whose lists stay in its shards: the same numbers and pages where they need no list, and a word where they do."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pytest
import yaml

from tds_atlas.pipeline.plan import Plan, read_plan
from tds_atlas.pipeline.steps import measure
from tds_atlas.report.docs import write_docs
from tests.conftest import ROOT
from tests.report.undrawn import undrawn

WAYS = ("database", "shards")
# What is computed from whole lists: columns of views that still have rows, views without any, and figures.
COLUMNS = {
    "sentence_end": {"base_censored", "aligned_censored", "base_logprob", "aligned_logprob"},
    "primed": {"kl_listed"},
    "counted_twice": {"aligntds"},
    "score": {"top_ids", "top_logprobs", "top_id", "top_logprob"},
    "divergence": {"jaccard_10"},
}
EMPTY = {"aligntds", "candidate", "support"}
FIGURES = {"aligntds_beside", "primed_recovered", "primed_by_role", "primed_left", "support_by_role"}
FEWER = {"end_log_odds"}  # only where answers end
NOTES = {"findings/index.md", "findings/ending.md", "findings/primed.md", "findings/how-much.md", "examples.md"}
NOTES |= {"findings/support.md"}
OTHERS = {"method.md", "data.md", "schema.md", "findings/trust.md"}  # settings, sizes, samples; one check less
QUOTES = {"index.md", "summary.md"}  # what a finding with a note says, which may be another sentence
NOTE = "This report keeps them in its shards"


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Plan]:
    """The default report on every fortieth of its prompts, without probes: in both ways, measured once."""
    here, plans = tmp_path_factory.mktemp("lists"), {}
    prompts = (ROOT / "data/prompts/pocket.jsonl").read_text(encoding="utf-8").splitlines()[::40]
    (here / "prompts.jsonl").write_text("\n".join(prompts), encoding="utf-8")
    text = (ROOT / "data/reports/pocket.yml").read_text(encoding="utf-8")
    report = yaml.safe_load(text.replace("../prompts/pocket.jsonl", "prompts.jsonl").replace("../", f"{ROOT}/data/"))
    del report["probes"]
    for way in WAYS:
        places = {"shards": here / "shards", "database": here / way / "tds.duckdb", "site": here / way / "site"}
        report["output"] = {name: str(place) for name, place in places.items()} | {"lists": way}
        path = here / f"{way}.yml"
        path.write_text(yaml.safe_dump(report, allow_unicode=True), encoding="utf-8")
        plans[way] = read_plan(path)
        measure(plans[way])
    return plans


@pytest.fixture
def files(plans: dict[str, Plan]) -> Iterator[dict[str, duckdb.DuckDBPyConnection]]:
    cons = {way: duckdb.connect(str(plan.report.output.database), read_only=True) for way, plan in plans.items()}
    yield cons
    for con in cons.values():
        con.close()


def rows(con: duckdb.DuckDBPyConnection, name: str) -> pa.Table:
    keys = [
        c for c in ("comparison_id", "condition_id", "context_id", "response_id", "pos") if c in con.table(name).columns
    ]
    return con.sql(f"FROM {name} ORDER BY {', '.join(keys) or 'ALL'}").to_arrow_table()


def test_views_are_the_same_but_for_what_whole_lists_say(files: dict[str, duckdb.DuckDBPyConnection]) -> None:
    for view in (
        "score",
        "divergence",
        "tds",
        "example",
        "word",
        "stage",
        "noise",
        "sentence_end",
        "primed",
        "counted_twice",
    ):
        whole, narrow = (rows(files[way], view) for way in WAYS)
        assert whole.num_rows == narrow.num_rows > 0
        different = {name for name in whole.column_names if not whole[name].equals(narrow[name])}
        assert different == COLUMNS.get(view, set()), view
    for view in EMPTY:
        assert rows(files["database"], view).num_rows and not rows(files["shards"], view).num_rows
    assert files["database"].sql(
        "SELECT count(top_id) + (SELECT count(jaccard_10) FROM divergence) FROM score"
    ).fetchall() == [(0,)]
    known = (
        "SELECT count(*) FILTER (NOT is_end AND base_logprob IS NOT NULL), count(*) FILTER (is_end) FROM sentence_end"
    )
    assert files["shards"].sql(known).fetchall()[0][0] == 0 < files["shards"].sql(known).fetchall()[0][1]


def test_what_is_kept_of_lists_is_what_they_say(
    plans: dict[str, Plan], files: dict[str, duckdb.DuckDBPyConnection]
) -> None:
    """Against the shards themselves, position by position."""
    lists = {
        (row["response_id"], row["condition_id"], row["pos"]): row["top_ids"]
        for work in plans["shards"].scorings()
        for row in work.shard.read("score").to_pylist()
    }
    pairs = {
        c.comparison_id: (c.base.condition_id, c.aligned.condition_id) for c in plans["shards"].report.all_comparisons
    }
    found = rows(files["shards"], "paired").to_pylist()
    assert found
    for row in found:
        base, aligned = (lists[row["response_id"], side, row["pos"]] for side in pairs[row["comparison_id"]])
        assert (row["base_top_id"], row["aligned_top_id"]) == (base[0], aligned[0])
        assert row["jaccard_10"] == len({*base[:10]} & {*aligned[:10]}) / len({*base[:10]} | {*aligned[:10]})


def test_pages_and_figures_are_the_same_or_say_why_not(plans: dict[str, Plan], monkeypatch: pytest.MonkeyPatch) -> None:
    docs = {way: plan.path.parent / way / "build/docs" for way, plan in plans.items()}
    for way, plan in plans.items():
        monkeypatch.chdir(docs[way].parent.parent)
        with undrawn():
            write_docs(plan.report.output.database, ROOT / "site_src", docs[way])
    figures = {way: {path.stem: path.read_bytes() for path in (docs[way] / "figures").glob("*.json")} for way in WAYS}
    assert figures["database"].keys() - figures["shards"].keys() == FIGURES
    assert {name for name, spec in figures["shards"].items() if figures["database"][name] != spec} == FEWER
    pages = {
        way: {p.relative_to(docs[way]).as_posix(): p.read_text(encoding="utf-8") for p in docs[way].rglob("*.md")}
        for way in WAYS
    }
    assert pages["database"].keys() == pages["shards"].keys()
    noted = {name for name, text in pages["shards"].items() if NOTE in text}
    assert noted == NOTES | {"cookbook.md"} and not any(NOTE in text for text in pages["database"].values())
    changed = {name for name, text in pages["shards"].items() if pages["database"][name] != text}
    assert changed - {"console.md"} == noted | OTHERS | QUOTES  # which rounds the size of its download
    questions = (pages[way]["cookbook.md"].count("\n### ") for way in WAYS)
    assert next(questions) - next(questions) == 7  # those about whole lists, which the page says are left out
