"""A report of two long answers, 336 tokens (the mean of AlignTDS's data) and 1,000, over a vocabulary of 32,000 whose tokens
are as frequent as words are (Zipf): what an example page of a real pair weighs, without one."""

from __future__ import annotations

import itertools
import math
import random
from pathlib import Path
from typing import Any

import duckdb

from tds_atlas.record.schema import write_empty
from tests.report.synthetic import describe, insert

VOCABULARY = 32_000
LENGTHS = (336, 1000)
CONDITIONS = ("base·plain", "sft·chat", "base·chat")
WEIGHTS = list(itertools.accumulate(1 / (rank + 2.7) for rank in range(VOCABULARY)))
PARTS = [
    "an",
    "ber",
    "co",
    "di",
    "el",
    "for",
    "gra",
    "hu",
    "in",
    "jo",
    "ken",
    "li",
    "mo",
    "ner",
    "or",
    "pe",
    "ra",
    "st",
    "ti",
    "un",
]


def write(path: Path, seed: int = 0) -> Path:
    rng = random.Random(seed)
    words = ["<|end|>", "\n", "```", *(_word(rng) for _ in range(VOCABULARY - 3))]
    write_empty(path)
    with duckdb.connect(str(path)) as con:
        describe(con, CONDITIONS, VOCABULARY)
        insert(con, "token", [_token(i, word) for i, word in enumerate(words)])
        pair = {"base_condition_id": CONDITIONS[0], "aligned_condition_id": CONDITIONS[1], "source": CONDITIONS[1]}
        insert(
            con, "comparison", [pair | {"comparison_id": "long", "ordinal": 1, "label": "base → sft", "kind": "tuning"}]
        )
        run = {"report_name": "long", "report_title": "Long", "report_description": "", "content_key": "x"}
        insert(con, "run", [{"key": k, "value": v} for k, v in (run | {"report_config": "name: long"}).items()])
        for ordinal, length in enumerate(LENGTHS, 1):
            _answer(con, rng, words, ordinal, length)
    return path


def _word(rng: random.Random) -> str:
    return " " * (rng.random() < 0.7) + "".join(rng.choices(PARTS, k=rng.choice([1, 2, 2, 3])))


def _token(i: int, text: str) -> dict[str, Any]:
    return {
        "tokenizer_id": "tok",
        "token_id": i,
        "text": text,
        "decoded": text.strip(),
        "is_word_start": text[0] == " ",
        "is_special": i == 0,
    }


def _answer(con: duckdb.DuckDBPyConnection, rng: random.Random, words: list[str], ordinal: int, length: int) -> None:
    """A paragraph, a fence with code in it, and lines: every seventeenth token ends one."""
    ids = [1 if t % 17 == 16 else _draw(rng, 1)[0] for t in range(length - 1)] + [0]
    ids[34:36], ids[50:52] = [2, 1], [2, 1]
    ids[33] = ids[49] = 1
    cuts = [0, *itertools.accumulate(len(words[i]) for i in ids[:-1])]
    text, at = "".join(words[i] for i in ids[:-1]), {"response_id": f"{CONDITIONS[1]}/{ordinal}"}
    prompt = {
        "prompt_id": f"{ordinal}",
        "ordinal": ordinal,
        "set": "set",
        "text": f"Answer in {length} tokens.",
        "tasks": ["list"],
    }
    insert(con, "prompt", [prompt | {"topics": [], "harmful": False, "truths": []}])
    source = {"source": CONDITIONS[1], "condition_id": CONDITIONS[1], "finish": "stop", "boundary": False}
    insert(con, "response", [at | source | {"prompt_id": f"{ordinal}", "text": text, "n_tokens": length}])
    cuts.append(cuts[-1])
    spans = [{"pos": t, "token_id": i, "char_start": cuts[t], "char_end": cuts[t + 1]} for t, i in enumerate(ids)]
    insert(con, "position", [at | p | {"is_end": p["token_id"] == 0, "role": "content"} for p in spans])
    insert(con, "score", [at | row for t, i in enumerate(ids) for row in _scores(rng, t, i)])
    far = ("kl_aligned_base", "kl_base_aligned", "js")
    apart = at | {"comparison_id": "long", "clamped": 0.0}
    insert(con, "divergence", [apart | {"pos": t} | {k: rng.expovariate(2) for k in far} for t in range(length)])


def _draw(rng: random.Random, k: int) -> list[int]:
    """Distinct tokens, frequent ones more often; the first three ids are no words."""
    found: dict[int, None] = {}
    while len(found) < k:
        found[3 + rng.choices(range(VOCABULARY - 3), cum_weights=WEIGHTS[: VOCABULARY - 3])[0]] = None
    return list(found)


def _scores(rng: random.Random, t: int, own: int) -> list[dict[str, Any]]:
    """Both models' lists share six of ten tokens; the tuned one is surer, and nearly always says its own token first."""
    shared, rows = _draw(rng, 6), []
    for condition in CONDITIONS:
        tuned = condition == CONDITIONS[1]
        rank = 1 if tuned or rng.random() < 0.8 else rng.choice([2, 3, 7, 80, 2500])
        top = list(dict.fromkeys([*rng.sample(shared, 6), *_draw(rng, 6)]))[:10]
        top = [i for i in top if i != own][: 9 if rank <= 10 else 10]
        if rank <= 10:
            top.insert(rank - 1, own)
        logprobs = list(
            itertools.accumulate([-rng.expovariate(4 if tuned else 1), *(-rng.expovariate(1.2) for _ in top[1:])])
        )
        logprob = logprobs[rank - 1] if rank <= len(logprobs) else logprobs[-1] - math.log(rank)
        rows.append(
            {
                "pos": t,
                "condition_id": condition,
                "logprob": logprob,
                "rank": rank,
                "entropy": rng.expovariate(1),
                "top_ids": top,
                "top_logprobs": logprobs,
            }
        )
    return rows
