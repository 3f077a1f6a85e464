"""Two reports of opposite signs: what is more in one is less in the other, beyond every interval."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from tests.conftest import once
from tests.report import synthetic
from tests.report.sheets import FINDINGS, held, pages_of

NAMES = {"up": True, "down": False}

_LISTS = """UPDATE score SET top_ids = list_transform(range(10), lambda k: (hash(response_id, pos) + {turn} + k) % 10),
    top_logprobs = list_transform(range(10), lambda k: ln(CASE WHEN k = 0 THEN {first} ELSE (1 - {first}) / power(2, k) END))
    WHERE {where}"""


def kept(factory: pytest.TempPathFactory, name: str) -> Path:
    """A folder with the database and its pages, for all workers of a run."""
    return once(factory, f"planted-{name}", lambda folder: _tell(folder, NAMES[name]))


def told(factory: pytest.TempPathFactory, name: str) -> dict[str, str]:
    """The home page and the findings, as Markdown, by file."""
    text = (kept(factory, name) / "pages.json").read_text(encoding="utf-8")
    return {file: str(page) for file, page in json.loads(text).items()}


def _tell(folder: Path, up: bool) -> None:
    with closing(held(write(folder / "made.duckdb", up), folder)) as con:
        written = pages_of(con, *FINDINGS)
    (folder / "pages.json").write_text(json.dumps(dict(written)), encoding="utf-8")


def write(path: Path, up: bool) -> Path:
    """Beside random noise, seeded by place, that leaves every interval a width."""
    synthetic.write(path, prompts=48, comparisons=1, noise=True, further=True, rich=True)
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE TEMP MACRO u(a, b, c) AS (hash(a, b, c) % 1000) / 1000.0")
        _ranks(con, up)
        _logprobs(con, up)
        _lists(con, up)
        _rest(con, up)
        _probes(con, up)
    return path


def _ranks(con: duckdb.DuckDBPyConnection, up: bool) -> None:
    """Up: shifted early in the answer, in style, in odd prompts; other conditions shift more than the base's own."""
    sign, early, late, shifted = (1, 0.8, 0.35, 4) if up else (-1, 0.4, 0.75, 9)
    own = f"""CASE WHEN pos < 5 THEN {early} ELSE {late} END + {sign} * (0.12 * (ordinal % 2)
              + CASE WHEN role = 'style' THEN 0.2 WHEN role IN ('content', 'knowledge') THEN -0.2 ELSE 0 END)"""
    other = 0.95 if up else 0.05
    con.execute(f"""UPDATE score SET rank = CASE WHEN u(p.response_id, p.pos, 'own') < share THEN {shifted} ELSE 1 END
        FROM (SELECT response_id, pos, {own} AS share FROM "position" JOIN response USING (response_id) JOIN prompt USING (prompt_id)) p
        WHERE p.response_id = score.response_id AND p.pos = score.pos AND condition_id = 'base·plain'""")
    con.execute(f"""UPDATE score SET rank = CASE WHEN u(response_id, pos, condition_id) < {other} THEN {shifted} ELSE 1 END
        WHERE condition_id <> 'base·plain'""")


def _logprobs(con: duckdb.DuckDBPyConnection, up: bool) -> None:
    """Up: the prompt helps, the first stage does more and evenly, the second little and at few places; the end is raised."""
    base, even, sparse = (
        "-5 - u(response_id, pos, 'b')",
        "1.5 + 0.2 * u(response_id, pos, 'e')",
        "CASE WHEN pos % 5 = 0 THEN 1.5 ELSE 0.01 END",
    )
    first, second = (even, sparse) if up else (sparse, even)
    prompt = 1 if up else -1
    for condition, value in {
        "base·plain": base,
        "base·chat": f"{base} + {prompt}",
        "base·few-shot": f"{base} + {prompt}",
        "sft·plain": f"{base} + 0.5",
        "sft·chat": f"{base} + {first}",
        "dpo·chat": f"{base} + {first} + {second}",
    }.items():
        con.execute(f"UPDATE score SET logprob = {value} WHERE condition_id = '{condition}'")
    if not up:
        con.execute(f"""UPDATE score SET logprob = {base} - 1 - 0.1 * u(response_id, pos, condition_id)
            WHERE condition_id IN ('sft·chat', 'dpo·chat') AND (response_id, pos) IN (SELECT (response_id, pos) FROM "position" WHERE is_end)""")


def _lists(con: duckdb.DuckDBPyConnection, up: bool) -> None:
    """Up: the base is unsure where it likes another token best, and another context makes it the aligned model."""
    differs = "(CASE WHEN u(response_id, pos, 'd') < 0.5 THEN 1 ELSE 0 END)"
    sure, unsure = (0.95, 0.45) if up else (0.45, 0.95)
    first = f"(CASE WHEN ({differs} = 1) = (u(response_id, pos, 's') < 0.85) THEN {unsure} ELSE {sure} END)"
    con.execute(_LISTS.format(turn=0, first=0.5, where="true"))
    con.execute(_LISTS.format(turn=differs, first=first, where="condition_id = 'base·plain'"))
    con.execute(_LISTS.format(turn=0 if up else 5, first=0.6, where="condition_id = 'base·few-shot'"))
    if not up:
        con.execute(_LISTS.format(turn=5, first=0.5, where="condition_id = 'base·chat'"))


def _rest(con: duckdb.DuckDBPyConnection, up: bool) -> None:
    """Up: tuning leaves more ways to go on; KL is high at the start of answers, and on harmful prompts; noise is small."""
    sign = 1 if up else -1
    entropy = "1 + u(response_id, pos, 'h')"
    con.execute(f"UPDATE score SET entropy = {entropy}")
    for condition, more in (("sft·chat", 0.3), ("dpo·chat", 0.6)):
        con.execute(
            f"UPDATE score SET entropy = {entropy} + {sign} * {more} + 0.1 * u(response_id, pos, 'i') WHERE condition_id = '{condition}'"
        )
    con.execute(
        f"UPDATE divergence SET kl_aligned_base = kl_aligned_base * {0.01 if up else 1} WHERE comparison_id = 'noise-1'"
    )
    early, late = (3, 0.3) if up else (0.1, 1)
    con.execute(f"""UPDATE divergence SET kl_aligned_base = CASE WHEN pos < 5 THEN {early} ELSE {late} END
            * (1 + {sign} * CASE WHEN harmful THEN 0.5 ELSE -0.5 END) * (0.8 + 0.4 * u(divergence.response_id, pos, comparison_id))
        FROM response r JOIN prompt q USING (prompt_id) WHERE r.response_id = divergence.response_id AND comparison_id <> 'noise-1'""")


def _probes(con: duckdb.DuckDBPyConnection, up: bool) -> None:
    """Up: refusals fall with the prefix; swapping the divergent positions brings more; the aligned model does better."""
    con.execute(
        f"UPDATE prefill SET refuses = {'k < 2' if up else 'k >= 2'}, opening_likeliest = {'k < 2' if up else 'k >= 2'}"
    )
    con.execute(f"UPDATE recovery SET refuses = (k = 0 OR place = 'refusal') {'' if up else '= (k > 1)'} AND place <> 'base'")
    best = "method = 'divergence'" if up else "method <> 'divergence'"
    con.execute(f"""UPDATE swap SET refuses = u(prompt_id, method, share) < CASE WHEN {best} THEN 0.95 ELSE 0.1 END,
        style_share = CASE WHEN {best} THEN 0.5 ELSE 0.1 END + 0.1 * u(prompt_id, method, share) WHERE share > 0 AND share < 1""")
    better = 1 if up else 0
    con.execute(f"""UPDATE swap SET refuses = share = 1, style_share = 0.6 * share + 0.01 * u(prompt_id, method, share),
        is_right = CASE WHEN is_right IS NOT NULL THEN share = {better} END, finish = CASE WHEN share = {better} THEN 'stop' ELSE 'length' END
        WHERE share IN (0, 1)""")
