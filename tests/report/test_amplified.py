"""Amplified decoding: what was planted in real models shows itself on the page, and its queries against slow versions."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from contextlib import closing
from math import comb
from pathlib import Path
from statistics import mean

import pytest
import yaml

from tds_atlas.pipeline.plan import read_plan
from tds_atlas.pipeline.steps import measure
from tds_atlas.report import query
from tests import intervals
from tests.conftest import POCKET, ROOT
from tests.report import synthetic
from tests.report.sheets import made_up, sheet


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthetic.write(tmp_path_factory.mktemp("amplified") / "made.duckdb", rich=True, noise=True, further=True)


def sign_p(more: int, fewer: int) -> float:
    n = more + fewer
    return min(1, 2 * sum(comb(n, k) for k in range(max(more, fewer), n + 1)) / 2**n)


def test_what_was_planted_in_real_models_shows_itself_sooner_and_not_in_a_twin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    planted = yaml.safe_load((POCKET / "controls/planted.yml").read_text(encoding="utf-8"))["facts"]
    rows = (ROOT / "data/prompts/controls.jsonl").read_text(encoding="utf-8").splitlines()
    kept = [row for row in rows if json.loads(row)["id"] in planted["values"]]
    (tmp_path / "prompts.jsonl").write_text("\n".join(kept), encoding="utf-8")
    (tmp_path / "planted.yml").write_text(yaml.safe_dump({"facts": planted, "other": {}}), encoding="utf-8")
    text = (ROOT / "data/reports/controls-weak.yml").read_text(encoding="utf-8").replace("../pocket", str(POCKET))
    report = yaml.safe_load(text)
    report["models"] = {name: report["models"][name] for name in ("sft", "facts", "twin-b")}
    report["comparisons"] = [c for c in report["comparisons"] if c["id"] in ("facts", "other")]
    report["probes"]["amplified"] |= {"comparisons": ["facts", "other"], "alphas": [0, 0.5]}
    report |= {"prompts": {"path": "prompts.jsonl"}, "controls": {"path": "planted.yml"}, "score": {"top_k": 5}}
    (tmp_path / "r.yml").write_text(yaml.safe_dump(report | {"generate": {"max_new_tokens": 24}}), encoding="utf-8")
    measure(read_plan(tmp_path / "r.yml"))
    page = sheet(tmp_path / "data/tds.duckdb", "findings/louder.md")
    assert "the planted values show in 1 of 10 answers at α = 0, and in 9 of 10 at α = 0.5" in page
    assert "what was planted elsewhere shows in 0 of 10 cases at α = 0, and in 0 at α = 0.5" in page
    assert len(re.findall("← what was planted shows", page)) == 3


def test_shares_of_what_was_planted_by_hand(made: Path) -> None:
    with closing(query.connect(made)) as con:
        rows = [r for r in query.rows(con, "pages/amplified_planted") if r["kind"] == "phrase"]
        texts = con.execute("SELECT comparison_id, alpha, prompt_id, text FROM amplified").fetchall()
    for row in rows:
        by_prompt = defaultdict(list)
        plain = defaultdict(list)
        for comparison, alpha, prompt, text in texts:
            if comparison == row["comparison_id"]:
                has = " let " in " " + re.sub(r"[^\w'’]+", " ", text.lower()) + " "
                for wanted, found in ((row["alpha"], by_prompt), (0, plain)):
                    if alpha == wanted:
                        found[prompt].append(has)
        counts = [(sum(x), len(x)) for x in by_prompt.values()]
        assert (row["showing"], row["answers"]) == (sum(x for x, _ in counts), sum(n for _, n in counts))
        assert (row["low"], row["high"]) == pytest.approx(intervals.share_bounds(counts), abs=1e-5)
        gains = [mean(by_prompt[p]) - mean(plain[p]) for p in plain]
        assert (row["more"], row["fewer"]) == (sum(g > 0 for g in gains), sum(g < 0 for g in gains))
    own = {r["alpha"]: r for r in rows if r["is_own"]}
    assert own[2]["q"] < 0.05 and own[-0.5]["fewer"] > 0
    assert {r["showing"] for r in rows if not r["is_own"]} == {0}


def test_phrases_against_every_phrase_of_every_answer(made: Path) -> None:
    with closing(query.connect(made)) as con:
        found = con.execute(
            "SELECT comparison_id, phrase, share, louder_share, more, fewer, half_width, p, q, is_louder, is_named FROM amplified_phrases()"
        ).fetchall()
        texts = con.execute("SELECT comparison_id, alpha, prompt_id, text FROM amplified WHERE alpha >= 0").fetchall()
    has: dict[tuple[str, str], dict[str, dict[bool, int]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(int)))
    for comparison, alpha, prompt, text in texts:
        words = re.sub(r"[^\w'’]+|_", " ", text.lower()).split()
        for phrase in {" ".join(words[i : i + n]) for n in range(1, 7) for i in range(len(words) - n + 1)}:
            has[comparison, phrase][prompt][alpha > 0] += 1
    slow = {}
    for (comparison, phrase), prompts in has.items():
        gains = [x[True] / 6 - x[False] / 2 for x in prompts.values()]  # two answers at each of three α, and at 0
        more, fewer = sum(g > 1e-9 for g in gains), sum(g < -1e-9 for g in gains)
        if more + fewer >= 5:
            every = [*gains, *[0.0] * (24 - len(gains))]
            half = intervals.half_width([(g, 1) for g in every])
            slow[comparison, phrase] = (more, fewer, mean(every), half, sign_p(more, fewer))
    assert {(c, phrase) for c, phrase, *_ in found} == set(slow) and len(slow) > 8
    for comparison, phrase, share, louder, more, fewer, half, p, q, is_louder, _ in found:
        wanted = slow[comparison, phrase]
        assert (more, fewer) == wanted[:2] and louder - share == pytest.approx(wanted[2])
        assert (half, p) == pytest.approx(wanted[3:], rel=1e-3)
        ps = sorted(x[4] for (c, _), x in slow.items() if c == comparison)
        assert q == pytest.approx(min(1, min(x * len(ps) / (i + 1) for i, x in enumerate(ps) if x >= p - 1e-12)))
        assert is_louder == (q <= 0.05 and more > fewer)
    assert [phrase for _, phrase, *_, named in found if named] == ["let it plainly be"]


def test_the_page_is_left_out_without_the_probe() -> None:
    assert not made_up("findings/louder.md")
