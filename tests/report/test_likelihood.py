"""Comparisons of log-probabilities alone: numbers against a loop over made-up records, and no class or zero in their place."""

from __future__ import annotations

import html
import re
from collections import defaultdict
from contextlib import closing
from pathlib import Path
from statistics import mean, quantiles
from typing import Any

import duckdb
import pytest

from tds_atlas.report import query
from tds_atlas.report.docs import write_docs
from tds_atlas.report.examples.likelihood_pages import write_likelihood_pages
from tests import intervals
from tests.conftest import ROOT
from tests.report import extremes, synthetic
from tests.report.sheets import made_up, pages, pct, read, signed, within
from tests.report.undrawn import undrawn

PAGE = "findings/log-probabilities.md"
TOKENS = """
    SELECT response_id, prompt_id, pos, role, r.text[char_start + 1 : char_end] AS said, a.logprob AS own, b.logprob AS base
    FROM "position" p JOIN response r USING (response_id) JOIN score a USING (response_id, pos)
    JOIN score b USING (response_id, pos)
    WHERE a.condition_id = 'sft·chat' AND b.condition_id = 'rec·chat' ORDER BY response_id, pos"""
OPTIONS = {"prompts": 12}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """The made-up report with such a comparison, and each of its tokens."""
    path = synthetic.write(tmp_path_factory.mktemp("alone") / "made.duckdb", **OPTIONS)
    with duckdb.connect(str(path)) as con:
        con.execute(extremes.ALONE)
        names = [column[0] for column in con.execute(TOKENS).description or ()]
        return path, [dict(zip(names, row, strict=True)) for row in con.execute(TOKENS).fetchall()]


def sums(tokens: list[dict[str, Any]], clusters: dict[str, str], value: Any) -> list[tuple[float, int]]:
    found: dict[str, list[float]] = defaultdict(list)
    for t in tokens:
        if t["base"] is not None:
            found[clusters[t["prompt_id"]]].append(value(t["own"] - t["base"]))
    return [(sum(xs), len(xs)) for xs in found.values()]


def test_the_page_says_what_a_loop_counts(made: tuple[Path, list[dict[str, Any]]]) -> None:
    path, tokens = made
    with closing(query.connect(path)) as con:
        (row,) = query.rows(con, "pages/likelihood")
        roles = {r["role"]: r for r in query.rows(con, "pages/likelihood_roles")}
        far = query.rows(con, "pages/likelihood_tokens")
        clusters = dict(con.execute("SELECT prompt_id, cluster_id FROM prompt_cluster").fetchall())
    known = [t["own"] - t["base"] for t in tokens if t["base"] is not None]
    delta = sums(tokens, clusters, lambda d: d)
    assert row["per_token"]["nats"] == pytest.approx(mean(known), abs=1e-6)
    half = intervals.half_width(delta)
    assert half and row["per_token"]["high_nats"] - row["per_token"]["nats"] == pytest.approx(half, abs=1e-6)
    assert row["size"] == pytest.approx(mean(map(abs, known)), abs=1e-6)
    assert row["apart"] == pytest.approx(mean(abs(d) > 0.1 for d in known), abs=1e-6)
    bounds = intervals.share_bounds(sums(tokens, clusters, lambda d: abs(d) > 0.1))
    assert (row["apart_bounds"]["low"], row["apart_bounds"]["high"]) == pytest.approx(bounds, abs=1e-5)
    assert row["large_size"] == pytest.approx(quantiles(map(abs, known), n=20, method="inclusive")[-1], abs=1e-6)
    assert row["largest"] == pytest.approx(max(map(abs, known)), abs=1e-6)
    assert row["ruled_out"] == len(tokens) - len(known) > 0 and row["positions"] == len(tokens)
    assert row["ranked"] == 0 and row["shifted"] is None
    for role, found in roles.items():
        own = [t["own"] - t["base"] for t in tokens if t["role"] == role and t["base"] is not None]
        assert (found["tokens"], found["per_token"]["nats"]) == (len(own), pytest.approx(mean(own), abs=1e-6))
    assert [abs(t["delta_logprob"]) for t in far] == pytest.approx(sorted(map(abs, known), reverse=True)[:10], abs=1e-6)
    text = read(pages(path, PAGE)[PAGE]).replace("\u00a0", " ")
    assert f"Δ log p is {signed(row['per_token']['nats'], 3)} (" in text
    assert f"{pct(row['apart'])}{within(row['apart_bounds'])} of the tokens are more than 0.1 nats apart" in text
    assert "Where ranks were recorded" not in text and "None" not in text


def test_ranks_without_lists_have_classes_there_alone(made: tuple[Path, list[dict[str, Any]]], tmp_path: Path) -> None:
    path = tmp_path / "ranked.duckdb"
    path.write_bytes(made[0].read_bytes())
    with duckdb.connect(str(path)) as con:
        con.execute("UPDATE score SET rank = 1 + pos % 5 WHERE condition_id = 'rec·chat' AND pos > 0")
        (count,) = con.execute("SELECT count(*) FROM tds WHERE comparison_id = 'alone'").fetchall()
    with closing(query.connect(path)) as con:
        (row,) = query.rows(con, "pages/likelihood")
    ranked = [1 + t["pos"] % 5 for t in made[1] if t["pos"] > 0]
    assert count == (0,) and row["ranked"] == len(ranked)
    assert row["shifted"] == pytest.approx(mean(r > 3 for r in ranked))
    assert f"| {pct(row['shifted'])}{within(row['shifted_bounds'])} |" in pages(path, PAGE)[PAGE].replace("\u00a0", " ")


def test_other_pages_leave_it_out_and_say_so(made: tuple[Path, list[dict[str, Any]]]) -> None:
    path, _ = made
    for file in ("findings/how-much.md", "findings/support.md"):
        with_it, without = pages(path, file)[file], made_up(file, **OPTIONS)
        notes = re.search(r'<p class="tds-small"><b>Log-probabilities alone.*?</p>\n\n', with_it, re.DOTALL)
        assert notes and "recorded &#60;b&#62; → sft: of a side neither ranks nor lists were recorded" in notes[0]
        assert with_it.replace(notes[0], "") == without, file
    assert made_up(PAGE, **OPTIONS) == ""


def test_no_page_has_none_and_an_example_page_the_answer_to_the_letter(
    made: tuple[Path, list[dict[str, Any]]], tmp_path: Path
) -> None:
    path, tokens = made
    written = pages(path, "index.md", "words.md", "examples.md", "findings/index.md", "findings/trust.md", PAGE)
    for file, text in written.items():
        assert not re.search(r"\b(None|nan|NaN)\b", text), file
        assert "Log-probabilities alone" in text or file == PAGE, file
    with closing(query.connect(path)) as con:
        rows = query.rows(con, "pages/likelihood_examples")
        assert list(write_likelihood_pages(con, tmp_path, rows)) == [row["page"] for row in rows]
        scores = query.rows(con, "pages/scores", comparison_id="c-1", responses=[rows[0]["response_id"]])
    assert {row["condition_id"] for row in scores} == {"base·plain", "sft·chat"}  # whose pages show lists
    assert len(rows) == len({t["response_id"] for t in tokens})
    for row in rows:
        page = (tmp_path / f"alone/{row['page']}.md").read_text(encoding="utf-8").split("---\n", 2)[-1]
        mine = [t for t in tokens if t["response_id"] == row["response_id"] and t["said"]]
        spans = re.findall(r'<span class="tds-x  tds-y\d" id="t\d+" title="ln p [^"]*">(.*?)</span>', page)
        assert [html.unescape(s) for s in spans if s != "⏹"] == [_held(t["said"]) for t in mine]
        assert "neither ranks nor lists were recorded, so that no token has a class" in page
        assert not re.search(r'class="tds-x tds-c-|<b>0</b>', page)
        assert [t for t in ("<img src=x", "<b>bold", "<!-- a comment") if t in page] == []


def _held(text: str) -> str:
    """What HTML can hold of it."""
    return "".join("\ufffd" if c < " " and c not in "\n\t" else c for c in text)


def test_a_report_of_nothing_else_has_a_site(made: tuple[Path, list[dict[str, Any]]], tmp_path: Path) -> None:
    path, docs = tmp_path / "alone.duckdb", tmp_path / "docs"
    path.write_bytes(made[0].read_bytes())
    with duckdb.connect(str(path)) as con:
        con.execute("DELETE FROM comparison WHERE kind = 'tuning'")
    with undrawn():
        write_docs(path, ROOT / "site_src", docs)
    findings = {page.stem for page in (docs / "findings").glob("*.md")}
    assert findings == {"index", "log-probabilities", "trust"} and not (docs / "words.md").exists()
    home, examples = (read((docs / name).read_text(encoding="utf-8")) for name in ("index.md", "examples.md"))
    with closing(query.connect(path)) as con:
        (row,) = query.rows(con, "pages/likelihood")
        broken = {c["check"] for c in query.rows(con, "pages/checks") if c["violations"]}
    assert broken <= {"tokens of rank 1 less likely than the first of the top list"}  # made-up ranks
    assert "Here only log-probabilities of the answers' own tokens were recorded" in home.replace("’", "'")
    assert signed(row["per_token"]["nats"], 3) in home and "none: no ranks recorded" in home and "shifted" not in home
    assert examples.count(" nats a token") == row["answers"]
