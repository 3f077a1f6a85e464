"""Comparisons with two tokenizers on pages: numbers against a loop over made-up records, hostile text inert."""

from __future__ import annotations

import html
import re
from contextlib import closing
from itertools import cycle
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tds_atlas.report import query
from tds_atlas.report.docs import write_docs
from tds_atlas.report.examples.stretch_pages import write_stretch_pages
from tests import intervals
from tests.conftest import ROOT
from tests.report import synthetic
from tests.report.sheets import made_up, pages, pct, read, signed, within

PAGE = "findings/two-tokenizers.md"
TOKENS = """
    SELECT response_id, prompt_id, r.text, pos, char_start, char_end, rank, logprob
    FROM "position" p JOIN response r USING (response_id) JOIN score s USING (response_id, pos)
    WHERE source = 'sft·chat' AND s.condition_id = 'sft·chat' AND NOT is_end
    ORDER BY response_id, pos"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """The made-up report with a third comparison, whose base writes two of three tokens as one; and its stretches."""
    path = synthetic.write(tmp_path_factory.mktemp("two") / "made.duckdb")
    with duckdb.connect(str(path)) as con:
        con.execute("""INSERT INTO comparison BY NAME SELECT * REPLACE ('far' AS comparison_id, 60 AS ordinal,
            'other <b> → sft' AS label, 'tokenizers' AS kind, 'base·chat' AS base_condition_id)
            FROM comparison WHERE comparison_id = 'c-1'""")
        con.execute(
            "INSERT INTO condition BY NAME SELECT * REPLACE ('base·chat' AS condition_id) FROM condition LIMIT 1"
        )
        names = [column[0] for column in con.execute(TOKENS).description or ()]
        tokens = [dict(zip(names, row, strict=True)) for row in con.execute(TOKENS).fetchall()]
        found: list[dict[str, Any]] = []
        for name in dict.fromkeys(t["response_id"] for t in tokens):
            found += _stretches([t for t in tokens if t["response_id"] == name])
        synthetic.insert(con, "stretch", [row["stretch"] for row in found])
        synthetic.insert(con, "retold", [row["retold"] for row in found])
    return path, found


def _stretches(tokens: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One token, then two that the base writes as one, and so on; more where these have no characters."""
    found, sizes, ranks = list[dict[str, Any]](), cycle([1, 2]), cycle([1, 1, 2, 5, 1, 9, 3])
    first, byte, size, group = tokens[0], 0, 1, list[dict[str, Any]]()
    for token in tokens:
        group.append(token)
        text = first["text"][group[0]["char_start"] : group[-1]["char_end"]]
        if len(group) < size or not text:
            continue
        size = next(sizes)
        key = {"response_id": first["response_id"]}
        end, number, rank = byte + len(text.encode()), len(found) + 1, next(ranks)
        places = {"char_start": group[0]["char_start"], "char_end": group[-1]["char_end"]}
        places |= {"byte_start": byte, "byte_end": end, "pos": group[0]["pos"], "n_tokens": len(group)}
        said = {"rank": rank, "logprob": -0.25 * rank, "token_id": 1, "top_id": 1, "top_logprob": -0.25}
        bytes_of = {"byte_start": byte, "byte_end": end, "entropy": 1.0}
        found.append(
            {
                "stretch": key
                | places
                | {"comparison_id": "far", "number": number, "base_pos": number - 1, "base_n_tokens": 1},
                "retold": key | said | bytes_of | {"pos": number - 1, "condition_id": "base·chat"},
                "prompt": first["prompt_id"],
                "bytes": end - byte,
                "rank": rank if len(group) == 1 else None,
                "greedy": rank == 1,
                "delta": sum(t["logprob"] for t in group) + 0.25 * rank,
                "text": text,
            }
        )
        byte, group = end, []
    return found


def test_the_page_says_what_a_loop_counts(made: tuple[Path, list[dict[str, Any]]]) -> None:
    path, found = made
    with query.connect(path) as con:
        clusters = dict(con.execute("SELECT prompt_id, cluster_id FROM prompt_cluster").fetchall())
        (row,) = query.rows(con, "pages/token_path")
    sums: dict[str, list[float]] = {}
    for s in found:
        ranked, greedy = s["rank"] is not None, float(s["greedy"])
        terms = [
            float(ranked and s["rank"] > 3),
            ranked,
            greedy,
            1,
            not ranked and greedy,
            not ranked,
            s["delta"],
            s["bytes"],
        ]
        old = sums.setdefault(clusters[s["prompt"]], [0.0] * 8)
        sums[clusters[s["prompt"]]] = [a + b for a, b in zip(old, terms, strict=True)]
    for name, i in (("shifted", 0), ("greedy", 2), ("longer_greedy", 4)):
        pairs = [(x[i], int(x[i + 1])) for x in sums.values()]
        assert row[name] == pytest.approx(sum(x for x, _ in pairs) / sum(n for _, n in pairs))
        bounds = row[f"{name}_bounds"]
        assert (bounds["low"], bounds["high"]) == pytest.approx(intervals.share_bounds(pairs), abs=1e-5)
    assert row["per_byte"]["nats"] == pytest.approx(
        sum(s["delta"] for s in found) / sum(s["bytes"] for s in found), abs=1e-6
    )
    assert row["one_to_one"] == sum(s["rank"] is not None for s in found) < row["stretches"] == len(found)
    text = read(pages(path, PAGE)[PAGE]).replace("\u00a0", " ")
    said = f"the base’s greedy path writes {pct(row['greedy'])}{within(row['greedy_bounds'])} of the stretches"
    assert said in text and f"Δ log p is {signed(row['per_byte']['nats'], 3)} (" in text
    assert f"one token on both sides {pct(row['shifted'])}{within(row['shifted_bounds'])} are shifted" in text


def test_other_pages_leave_it_out_and_say_so(made: tuple[Path, list[dict[str, Any]]]) -> None:
    path, _ = made
    file = "findings/how-much.md"
    with_it, without = pages(path, file)[file], made_up(file)
    notes = re.search(r'<p class="tds-small"><b>Two tokenizers.*?</p>\n\n', with_it, re.DOTALL)
    assert notes and "other &#60;b&#62; → sft: without common tokens there is nothing to rank" in notes[0]
    assert with_it.replace(notes[0], "") == without and made_up(PAGE) == ""


def test_an_example_page_has_the_answer_to_the_letter(made: tuple[Path, list[dict[str, Any]]], tmp_path: Path) -> None:
    path, found = made
    with query.connect(path) as con:
        rows = query.rows(con, "pages/retold_examples")
        assert list(write_stretch_pages(con, tmp_path, rows)) == [row["page"] for row in rows]
    live = ("<img src=x", "<b>bold", "<!-- a comment", "| a | b |")
    for row in rows:
        page = (tmp_path / "far" / f"{row['page']}.md").read_text(encoding="utf-8").split("---\n", 2)[-1]
        mine = [s for s in found if s["stretch"]["response_id"] == row["response_id"]]
        spans = re.findall(r'<span class="tds-x (\S+) tds-y\d" id="s\d+" title="[^"]*">(.*?)</span>', page)
        classes = {
            None: ("tds-w-other", "tds-w-greedy"),
            1: "tds-c-unshifted",
            2: "tds-c-marginal",
            3: "tds-c-marginal",
        }
        looks = [
            classes[None][s["greedy"]] if s["rank"] is None else classes.get(s["rank"], "tds-c-shifted") for s in mine
        ]
        shown = [html.unescape(text) for _, text in spans]
        assert [look for look, _ in spans] == looks and shown == [_held(s["text"]) for s in mine]
        assert [text for text in live if text in page] == []


def _held(text: str) -> str:
    """What HTML can hold of it."""
    return "".join("\ufffd" if c < " " and c not in "\n\t" else c for c in text)


def test_a_report_of_nothing_else_has_a_site_without_ordinary_pages(
    made: tuple[Path, list[dict[str, Any]]], tmp_path: Path
) -> None:
    path, docs = tmp_path / "alone.duckdb", tmp_path / "docs"
    path.write_bytes(made[0].read_bytes())
    with duckdb.connect(str(path)) as con:
        con.execute("DELETE FROM comparison WHERE kind = 'tuning'")
    write_docs(path, ROOT / "site_src", docs)
    findings = {page.stem for page in (docs / "findings").glob("*.md")}
    assert findings == {"index", "two-tokenizers", "trust"} and not (docs / "words.md").exists()
    home, examples = (read((docs / name).read_text(encoding="utf-8")) for name in ("index.md", "examples.md"))
    with closing(query.connect(path)) as con:
        (row,), told = query.rows(con, "pages/token_path"), query.rows(con, "pages/retold_examples")
    assert f"{pct(row['shifted'])} of one-to-one stretches shifted{within(row['shifted_bounds'])}" in home
    assert "Most tokens are" not in home and f"{row['stretches']} stretches, " in home
    assert examples.count(" nats a byte") == len(told) and "image:" not in (docs / "index.md").read_text()
    for link in re.findall(r'href="(examples/[^"#]+)\.html"', (docs / "examples.md").read_text(encoding="utf-8")):
        assert (docs / f"{link}.md").is_file()
