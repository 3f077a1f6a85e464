"""The comparison site: what its pages and its data hold, where it may be written, and that it appears whole or not at all."""

from __future__ import annotations

import html
import json
import math
import re
from collections import Counter
from pathlib import Path

import pytest

from tds_atlas.gate import site as comparison
from tds_atlas.gate.beside import besides
from tds_atlas.gate.moved import SQL
from tds_atlas.report import own_folders, query
from tests.command import tds
from tests.report import synthetic


def test_the_exit_code_is_the_gates_and_the_numbers_are_on_the_page(compared: Path) -> None:
    site = compared / "root" / "beside"
    assert (compared / "code").read_text() == "1"
    gate = json.loads((site / "data" / "gate.json").read_text())
    assert (gate["a"]["database"], gate["b"]["database"]) == ("a.duckdb", "b.duckdb")  # not whose folder they are in
    assert gate["exit_code"] == 1 and [c["mode"] for c in gate["comparisons"]] == ["own answers", "same answers"]
    page = html.unescape(re.sub(r"<[^>]+>", " ", (site / "index.html").read_text(encoding="utf-8")))
    for rule in gate["rules"]:
        assert rule["rule"] in page and rule["verdict"] in page and rule["comparison"] in page
    assert "alert(1)</script>" not in (site / "index.html").read_text(encoding="utf-8")
    for figure in (
        "shift_by_position",
        "shift_by_role",
        "shift_by_task",
        "shift_by_topic",
        "moved_words",
        "moved_words_kl",
    ):
        assert (site / "figures" / f"{figure}.json").is_file()
    assert not list(site.parent.glob(".*.part"))


def test_the_answers_that_changed_most_stand_first(compared: Path) -> None:
    """By a slow version over both databases; each pair has a page with both answers' words."""
    site, expected = compared / "root" / "beside", {}
    for letter in "ab":
        con = query.connect(compared / f"{letter}.duckdb")
        rows = con.execute(
            "SELECT q.text, avg(js) FROM tds JOIN prompt q USING (prompt_id) WHERE comparison_id = 'c-2' GROUP BY ALL"
        )
        expected[letter] = dict(rows.fetchall())
    joined = query.connect(site / "data" / "tds.duckdb")
    pairs = [p for p in besides(query.rows(joined, "pages/examples")) if p.folder == "c-2"]
    sizes = {p.a["prompt"]: p.js for p in pairs}
    assert len(sizes) == 24
    assert sizes == pytest.approx({text: expected["b"][text] - js for text, js in expected["a"].items()}, abs=1e-6)
    assert list(sizes) == sorted(sizes, key=lambda text: -abs(sizes[text]))
    listed = re.findall(r'href="(examples/beside/c-2/[^"]+)"', (site / "examples.html").read_text(encoding="utf-8"))
    assert listed == [f"{p.page}.html" for p in pairs] and all((site / page).is_file() for page in listed)


def _p(up: int, down: int) -> float:
    """Of so many coins up or down, or any that are further from even."""
    n = up + down
    return sum(math.comb(n, k) for k in range(n + 1) if abs(2 * k - n) >= abs(up - down)) / 2**n


def test_moved_words_are_those_of_a_slow_version(compared: Path) -> None:
    con = query.connect(compared / "root" / "beside" / "data" / "tds.duckdb")
    rows = query.table(con, SQL / "moved_words.sql", measure="shifted").to_pylist()
    words = con.execute(
        "SELECT comparison_id, word, cluster_id, shift = 'shifted' FROM word WHERE word <> ''"
    ).fetchall()
    size = Counter((c, g) for c, _, g, _ in words)
    told = Counter((c, w, g) for c, w, g, hit in words if hit)
    prompts, tested = {g for _, _, g, _ in words}, {}
    for word in {w for c, w, _, _ in words if c == "a-c-1"}:
        a, b = ([told[c, word, g] / size[c, g] for g in sorted(prompts)] for c in ("a-c-1", "b-c-1"))
        up, down = sum(y > x for x, y in zip(a, b, strict=True)), sum(y < x for x, y in zip(a, b, strict=True))
        if sum(x > 0 or y > 0 for x, y in zip(a, b, strict=True)) >= 6:
            tested[word] = (up, down, _p(up, down))
    found = {row["word"]: row for row in rows if row["a_id"] == "a-c-1" and row["is_b"]}
    assert found and {row["tests"] for row in found.values()} == {len(tested)}
    for word, row in found.items():
        assert (row["up"], row["down"], row["p"]) == pytest.approx(tested[word]), word
        share = sum(told["b-c-1", word, g] for g in prompts) / sum(size["b-c-1", g] for g in prompts)
        assert row["share"] == pytest.approx(share)
    ranked = sorted(p for _, _, p in tested.values())
    adjusted = {w: min(p * len(ranked) / (i + 1) for i, p in enumerate(ranked) if p >= tested[w][2]) for w in found}
    assert {w: row["adjusted_p"] for w, row in found.items()} == pytest.approx(
        {w: min(1, q) for w, q in adjusted.items()}
    )


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (".", "is or holds A"),
        ("a.duckdb", "is or holds A"),
        ("thesis", "holds chapter.md, not written by tds; move it away, or name another folder in --site"),
        ("files", "is or holds --json"),
    ],
)
def test_what_must_stay_is_named_before_anything_is_compared(tmp_path: Path, place: str, line: str) -> None:
    a = synthetic.write(tmp_path / "a.duckdb")
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.md").write_text("mine")
    done = tds("compare", "a.duckdb", "a.duckdb", "--site", place, "--json", "files/o.json", cwd=tmp_path)
    assert done.returncode == 2 and line in done.stderr and done.stderr.count("\n") == 1 and done.stdout == ""
    assert a.is_file() and (tmp_path / "thesis" / "chapter.md").read_text() == "mine"


def _built(folder: Path, text: str) -> Path:
    own_folders.begin_site(folder)
    (folder / "index.html").write_text(text)
    own_folders.finish_site(folder)
    return folder


def test_a_site_is_replaced_whole_and_what_is_hidden_stays(tmp_path: Path) -> None:
    site = tmp_path / "site"
    comparison._put(_built(tmp_path / "one", "one"), site)
    (site / "index.html").rename(site / "old.html")
    comparison._put(_built(tmp_path / "two", "two"), site)
    assert sorted(p.name for p in site.iterdir()) == [".tds-site", "index.html"] and not list(tmp_path.glob(".*.part"))
    (site / ".git").mkdir()
    comparison._put(_built(tmp_path / "three", "three"), site)
    assert (site / "index.html").read_text() == "three" and (site / ".git").is_dir()
    own_folders.check_site(site)


def test_an_interrupted_build_leaves_nothing(compared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No site, and no part of one."""
    from tds_atlas.gate import run

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(comparison, "write_joined", stop)
    gate = run.compare(compared / "a.duckdb", compared / "b.duckdb", None, 0.05, ["c-2=c-2"], [], False)
    with pytest.raises(KeyboardInterrupt):
        comparison.write_site(gate, tmp_path / "site", 0)
    assert [p.name for p in tmp_path.iterdir()] == [".site.lock"]
