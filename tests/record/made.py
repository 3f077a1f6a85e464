"""Made-up shards, large enough to measure storing with. Imports no torch, so that a process has little memory of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tds_atlas.domain import Divergence, Prompt, Response, Score
from tds_atlas.inputs.roles import Roles
from tds_atlas.record import score_tables, shards
from tds_atlas.record.shards import Shard
from tds_atlas.record.store import Records
from tests.report.synthetic import HOSTILE


def made_records(root: Path, times: int) -> Records:
    """One shard of 64 answers, and its scores so many times over: to the database as many shards."""
    draw, n, names = np.random.default_rng(0), 500, [f"a/{i}" for i in range(64)]
    cards, answers, scores = (Shard(root, kind, "made") for kind in ("cards", "responses", "scores"))
    if not scores.exists():
        ids, spans = tuple(range(n)), tuple((i, i) for i in range(n))
        rows = [Response(name, "1", "a", None, HOSTILE[0], ids, spans, True, "stop") for name in names]
        answers.write({"response": shards.response_table(rows)})

        def drawn(*shape: int) -> np.ndarray:
            return draw.random(shape, dtype=np.float32)

        top = draw.integers(0, 32000, (n, 30), dtype=np.int32)
        said = [
            Score(name, c, drawn(n), np.ones(n, np.int32), drawn(n), top, drawn(n, 30)) for name in names for c in "xy"
        ]
        apart = [Divergence(name, "c", *(drawn(n) for _ in range(4))) for name in names]
        scores.write({"score": score_tables.score_table(said), "divergence": score_tables.divergence_table(apart)})
        token = {"tokenizer_id": "t", "token_id": 0, "is_word_start": False, "is_special": False}
        model = {"model_id": "m", "label": "m", "source": "", "architecture": "", "parameters": 1, "vocab_size": 1}
        model |= {"dtype": "", "weights_hash": "", "tokenizer_id": "t"}
        condition = {"condition_id": "x", "model_id": "m", "context_id": "p", "arithmetic": "", "prompt_card": ""}
        condition |= {
            "head_ids": [1],
            "tail_ids": [1],
            "begin_tokens": 0,
            "template_hash": "",
            "opening": "",
            "closing": "",
        }
        reading = {"condition_id": "x", "prompt_id": "1", "text": "?", "special": [0, 1]}
        tables = {"model": model, "condition": condition, "token": token, "reading": reading}
        cards.write({name: shards.rows_table([row]) for name, row in tables.items()})
    pair = {"comparison_id": "c", "ordinal": 1, "label": "c", "kind": "tuning", "source": "a"}
    pair |= {"base_condition_id": "x", "aligned_condition_id": "y"}
    context = {"context_id": "p", "kind": "chat"}
    return Records(
        cards,
        [answers],
        [scores] * times,
        [],
        [Prompt("1", "?", "s")],
        Roles(),
        [context],
        [pair],
        {"content_key": "k"},
    )
