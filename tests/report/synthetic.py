"""A small database of made-up numbers and hostile texts, written through the project's own schema: no model is needed."""

from __future__ import annotations

import math
import random
from pathlib import Path

import duckdb

from builder.record.store import SQL, STORAGE_VERSION

HOSTILE = [
    "</script><img src=x onerror=alert(1)> <b>bold</b> &amp; &lt;",
    "{{ 7*7 }} {% raw %} ${x} `code` **bold** __init__ [a](javascript:alert(1))",
    "<!-- a comment\n\n# not a heading\n\n| a | b |\n|---|---|\n\n    indented\n\ttab",
    "天地玄黄 🙂👩‍👩‍👧 עברית نص é",
    '---\ntitle: stolen\n---\n::: note\n--8<-- "/etc/passwd"',
    "plain words about the quiet harbour",
]
TOKENS = ["<|end|>", " the", "!", "\n", " sorry", " Thank", " you", "\\xf0", "<", "天"]


def write(
    path: Path,
    prompts: int = 24,
    comparisons: int = 2,
    tags: bool = True,
    shifted: bool = True,
    noise: bool = False,
    seed: int = 0,
) -> Path:
    """A database with that many prompts; without tags or a single shifted token, or with an A/A check, where wanted."""
    rng = random.Random(seed)
    with duckdb.connect(str(path), config={"storage_compatibility_version": STORAGE_VERSION}) as con:
        con.execute(SQL["schema"])
        con.executemany(
            "INSERT INTO model VALUES (?, ?, 'src', NULL, 'LlamaForCausalLM', 1000, 10, 'float32', 'hash', 'tok')",
            [["base", "Base <b>"], ["sft", "Tuned"]],
        )
        con.execute("INSERT INTO context (context_id, kind, template) VALUES ('plain', 'plain', 'Q: {prompt}')")
        con.execute("INSERT INTO context (context_id, kind) VALUES ('chat', 'chat')")
        con.executemany(
            "INSERT INTO condition VALUES (?, ?, ?, ?, ?, [1, 2], [3, 4], 1, 'f00d')",
            [
                ["base·plain", "base", "plain", "", f"Q: {HOSTILE[0]}"],
                ["base·plain·rebatched", "base", "plain", "rebatched", f"Q: {HOSTILE[0]}"],
                ["sft·chat", "sft", "chat", "", HOSTILE[1]],
            ],
        )
        con.executemany(
            "INSERT INTO comparison VALUES (?, ?, ?, 'tuning', 'base·plain', 'sft·chat', 'sft·chat', NULL)",
            [[f"c-{i}", i, f"base → sft {i} <i>"] for i in range(1, comparisons + 1)],
        )
        if noise:
            con.execute(
                "INSERT INTO comparison VALUES ('noise-1', 99, 'base·plain, rebatched', 'noise', 'base·plain', "
                "'base·plain·rebatched', 'sft·chat', NULL)"
            )
        con.executemany(
            "INSERT INTO token VALUES ('tok', ?, ?, ?, ?, ?)",
            [[i, t, t.strip(), t[0].isspace(), i == 0] for i, t in enumerate(TOKENS)],
        )
        con.execute(
            "INSERT INTO run VALUES ('report_name', 'made-up'), ('report_title', 'Made <up>'), ('report_description', ''),"
            " ('report_config', 'name: made-up'), ('content_key', 'x')"
        )
        ids = [f"c-{c}" for c in range(1, comparisons + 1)] + ["noise-1"] * noise
        _write_answers(con, rng, prompts, ids, tags, shifted)
        con.execute(SQL["views"])
    return path


def _write_answers(
    con: duckdb.DuckDBPyConnection, rng: random.Random, prompts: int, comparisons: list[str], tags: bool, shifted: bool
) -> None:
    for i in range(1, prompts + 1):
        text, response_id = HOSTILE[i % len(HOSTILE)], f"sft·chat/p{i}"
        con.execute(
            "INSERT INTO prompt VALUES (?, ?, 'set', ?, ?, ?, ?, [])",
            [
                f"p{i}",
                i,
                f"Prompt {i}: {text}",
                ["info-seek", "a|b"][: 1 + i % 2] if tags else [],
                ["places"] if tags else [],
                i % 3 == 0 if tags else None,
            ],
        )
        spans = _spans(text)
        con.execute(
            "INSERT INTO response VALUES (?, ?, 'sft·chat', 'sft·chat', ?, ?, 'stop', false)",
            [response_id, f"p{i}", text, len(spans)],
        )
        for pos, (start, end) in enumerate(spans):
            last = pos + 1 == len(spans)
            con.execute(
                'INSERT INTO "position" VALUES (?, ?, ?, ?, ?, ?)',
                [response_id, pos, 0 if last else rng.randrange(1, 10), start, end, last],
            )
            for condition in ("base·plain", "sft·chat", "base·plain·rebatched")[: 3 if "noise-1" in comparisons else 2]:
                con.execute(
                    "INSERT INTO score VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    [
                        response_id,
                        pos,
                        condition,
                        -rng.random() * 3,
                        rng.choice([1, 1, 2, 9]) if shifted else 1,
                        rng.random(),
                        list(range(10)),
                        [math.log(2.0 ** -(k + 1)) for k in range(10)],
                    ],
                )
            for c in comparisons:
                con.execute(
                    "INSERT INTO divergence VALUES (?, ?, ?, ?, ?, ?)",
                    [response_id, pos, c, rng.random(), rng.random(), rng.random() / 2],
                )


def _spans(text: str) -> list[tuple[int, int]]:
    """Tokens of three characters, an empty one among them, and the end token."""
    cuts = list(range(0, len(text), 3))
    spans = [(a, min(a + 3, len(text))) for a in cuts]
    return [*spans[:2], (spans[1][1], spans[1][1]), *spans[2:], (len(text), len(text))]
