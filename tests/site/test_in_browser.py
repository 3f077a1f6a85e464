"""The page Try it with the models in the browser itself: what they say there is what the database holds of them."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from playwright.sync_api import Browser, expect

from tests.conftest import ROOT
from tests.site.chromium import serve
from tests.site.conftest import Watched

SLOW = 120_000
NEAR = 1e-4  # nats, and logits that float32 may put in another order
ASKED = """
  SELECT c.comparison_id AS comparison, p.text AS prompt, r.response_id AS response, r.text, t.token_id AS id, t.char_start, t.char_end,
    s.rank, s.logprob, z.rank AS base_rank, d.kl_aligned_base AS kl, d.js
  FROM comparison c JOIN response r ON r.source = c.source JOIN prompt p USING (prompt_id)
  JOIN "position" t ON t.response_id = r.response_id
  JOIN score s ON s.response_id = r.response_id AND s.pos = t.pos AND s.condition_id = c.aligned_condition_id
  JOIN score z ON z.response_id = r.response_id AND z.condition_id = c.base_condition_id AND z.pos = s.pos
  JOIN divergence d ON d.response_id = r.response_id AND d.comparison_id = c.comparison_id AND d.pos = s.pos
  ORDER BY c.ordinal, r.response_id, s.pos
"""
ENGINE = "([what, question]) => tdsLive.engines.browser[what](question)"


@pytest.fixture(scope="module")
def live(browser: Browser, family_project: Path) -> Iterator[Watched]:
    """One page for all tests: its models are loaded once."""
    with serve(family_project / "root") as address:
        watched = Watched(browser, f"{address}/sub/atlas/", bypass_csp=False)
        watched.page.set_default_timeout(SLOW)
        expect.set_options(timeout=SLOW)
        yield watched
        expect.set_options(timeout=5_000)
        watched.context.close()
        assert watched.faults == []


def _answers(project: Path) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """The rows of each answer in each comparison."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    with duckdb.connect(str(project / "data" / "tds.duckdb"), read_only=True) as con:
        cursor = con.execute(ASKED)
        names = [column[0] for column in cursor.description or ()]
        for row in cursor.fetchall():
            named = dict(zip(names, row, strict=True))
            found.setdefault((named["comparison"], named["response"]), []).append(named)
    for rows in found.values():
        rows[0]["ids"] = [row["id"] for row in rows]
    return found


def test_a_reader_loads_them_writes_swaps_and_edits(live: Watched) -> None:
    page = live.open("index.html")
    page.locator(".md-tabs").get_by_role("link", name="Try it").click()
    expect(page.locator("#live-note")).to_have_text("The models run in this page: what you write does not leave it.")
    page.get_by_role("button", name=re.compile(r"^Load the models: 12\.4 MB$")).click()
    expect(page.locator("#live-said")).to_have_text("The models are loaded.")
    expect(page.get_by_role("button", name="Write as sft·chat")).to_be_focused()
    page.get_by_label("Prompt", exact=True).fill("Do you know the founder of Tostford?")
    page.get_by_role("button", name="Write as sft·chat").click()
    expect(page.locator("#live-trail")).to_have_text(re.compile(r"^sft·chat wrote \d+ tokens$"))
    page.locator("#answer [data-t='2']").click()
    page.locator(".tds-side").nth(0).locator(".tds-live__pick").nth(1).click()
    expect(page.locator("#live-trail")).to_have_text(re.compile(r"at position 2 → sft·chat wrote \d+ tokens$"))
    page.get_by_text("Edit the answer, or write one").click()
    page.get_by_label("The answer as text").fill("Yes, I do not.")
    page.get_by_role("button", name="Score this text").click()
    expect(page.locator("#live-trail")).to_have_text("your text")


def test_tokens_ranks_and_divergences_are_the_databases(live: Watched, family_project: Path) -> None:
    answers = _answers(family_project)
    assert len(answers) == 12 and len({comparison for comparison, _ in answers}) == 3
    page = live.page
    for rows in answers.values():
        asked = {key: rows[0][key] for key in ("comparison", "prompt", "ids")}
        read = page.evaluate(ENGINE, ["read", asked])
        assert "".join(token["text"] for token in read["tokens"]) == rows[0]["text"] and read["ended"]
        for row, token in zip(rows, read["tokens"], strict=True):
            assert [token["start"], token["end"]] == [row["char_start"], row["char_end"]]
            assert math.isclose(token["aligned"]["log_p"], row["logprob"], abs_tol=NEAR)
            assert math.isclose(token["kl"], row["kl"], abs_tol=NEAR) and math.isclose(
                token["js"], row["js"], abs_tol=NEAR
            )
            assert [token[side]["rank"] for side in ("base", "aligned")] == [row["base_rank"], row["rank"]]
        # As text, in its own tokens: a greedy answer of a byte-level tokenizer need not be cut as its writer cut it.
        again = page.evaluate(
            ENGINE,
            ["read", {**{key: asked[key] for key in ("comparison", "prompt")}, "answer": rows[0]["text"] + "<|end|>"}],
        )
        assert "".join(token["text"] for token in again["tokens"]) == rows[0]["text"] and again["ended"]


def test_what_they_write_greedily_is_what_they_wrote(live: Watched, family_project: Path) -> None:
    rows = [some[0] for (comparison, _), some in _answers(family_project).items() if comparison != "sft-dpo"]
    for row in rows[::2]:
        question = {key: row[key] for key in ("comparison", "prompt")} | {"ids": [], "by": "aligned", "tokens": 256}
        assert live.page.evaluate(ENGINE, ["write", question]) == {"ids": row["ids"], "ended": True}


def test_text_of_special_tokens_is_text_and_private_characters_are_refused(live: Watched) -> None:
    odd = {"comparison": "base-sft", "prompt": "<|end|> \u0663 é🙂", "answer": "a <|user|> \u0085b 天"}
    read = live.page.evaluate(ENGINE, ["read", odd])
    assert "".join(token["text"] for token in read["tokens"]) == odd["answer"] and not read["ended"]
    assert 3 not in read["ids"] and read["readings"]["aligned"].count("<|end|>") == 2
    said = live.page.evaluate(
        "question => tdsLive.engines.browser.read(question).catch(error => error.message)",
        odd | {"prompt": "\U00100001"},
    )
    assert said.startswith("prompt: holds the private character U+100001")


def test_from_a_disk_it_says_why_not(browser: Browser, family_project: Path) -> None:
    watched = Watched(browser, (family_project / "root/sub/atlas").as_uri() + "/")
    page = watched.open("live.html")
    expect(page.locator("#live-note")).to_contain_text("cannot load the models that the site brings. `tds serve`")
    watched.context.close()


def test_a_site_without_the_key_has_nothing_of_it(site: Path, family_project: Path) -> None:
    names = {path.relative_to(site).as_posix() for path in site.rglob("*")}
    assert not [
        name
        for name in names
        if name.startswith("models") or "onnx" in name or ("browser-" in Path(name).name and "duckdb" not in name)
    ]
    listed = json.loads((family_project / "build/models/pairs.json").read_text(encoding="utf-8"))
    assert len(listed["comparisons"]) > 3 and listed["left_out"] == []


def test_what_runs_them_is_what_its_readme_says_and_the_page_counts() -> None:
    folder = ROOT / "site_src/assets/vendor/onnx"
    sums = dict(
        re.findall(r"^    ([0-9a-f]{64})  (\S+)$", (folder / "README.txt").read_text(encoding="utf-8"), re.MULTILINE)
    )
    files = {
        hashlib.sha256(path.read_bytes()).hexdigest(): path for path in folder.iterdir() if path.name in sums.values()
    }
    assert {key: path.name for key, path in files.items()} == sums and len(sums) == 2
    size = sum(path.stat().st_size for path in files.values())
    engine = (ROOT / "site_src/assets/js/browser-engine.js").read_text(encoding="utf-8")
    assert f"RUNTIME = {size / 1e6:.1f}e6" in engine
