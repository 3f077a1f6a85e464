"""A small database that tells questions apart: distributions drawn over three vocabularies, several sources, all probes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from tds_atlas.record.schema import write_empty
from tests.report.synthetic import insert
from tests.report.varied_models import COMPARISONS, CONDITIONS, SCORED, TEXTS, WIDTHS, Rows, cards, probes

LISTED = 12
SIZE = max(WIDTHS.values())
ROLES = ["glue", "content", "safety", "style", "knowledge"]
# What chance does not make: differences as large as the noise, a tenth, or the largest there is, just where both lists hold
# ids that are text in one vocabulary only; and tokens whose probability did not change.
TIES = """
UPDATE divergence SET js = (SELECT max(js) FROM divergence WHERE comparison_id = 'noise-bfloat16')
WHERE comparison_id = 'base-sft' AND pos = 2;
UPDATE divergence SET js = 0.1 WHERE comparison_id = 'a-file' AND pos = 4;
UPDATE divergence SET js = ln(2) FROM score b, score a
WHERE comparison_id = 'base-dpo' AND b.condition_id = 'base·plain' AND a.condition_id = 'dpo·chat'
  AND b.response_id = divergence.response_id AND a.response_id = b.response_id AND b.pos = divergence.pos AND a.pos = b.pos
  AND list_contains(b.top_ids[1:10], 120) AND list_contains(a.top_ids[1:10], 121);
UPDATE score SET logprob = b.logprob FROM score b
WHERE score.condition_id = 'sft·chat' AND b.condition_id = 'base·plain' AND b.response_id = score.response_id
  AND b.pos = score.pos AND score.pos = 3 AND b.logprob IS NOT NULL;
"""


def write(path: Path, prompts: int = 112, seed: int = 3) -> Path:
    """The database at that path. Answers have 1 to 30 tokens; some prompts have no answer from the last source."""
    draw = np.random.default_rng(seed)
    rows: dict[str, Rows] = {"response": [], "position": [], "score": [], "divergence": []}
    asked = [_prompt(i) for i in range(1, prompts + 1)]
    for source in SCORED:
        for prompt in asked[:: 3 if source == "written" else 1]:
            _answer(draw, prompt["prompt_id"], source, rows)
    write_empty(path)
    with duckdb.connect(str(path)) as con:
        for table, given in (cards() | {"prompt": asked} | rows | probes(draw, asked, rows["position"])).items():
            insert(con, table, given)
        con.execute(TIES)
    return path


def _prompt(i: int) -> dict[str, Any]:
    tasks = [f"task {k}" for k in range(2, 9) if i % k == 0] + ["rare"] * (i == 1)
    row = {"prompt_id": f"p{i}", "ordinal": i, "set": "made", "tasks": tasks, "topics": [], "truths": []}
    return row | {"text": f"{i} 🙂👩‍👧 " + "<b>word</b> " * (i % 9), "harmful": (True, False, None, False)[i % 4]}


def _answer(draw: np.random.Generator, prompt: str, source: str, rows: dict[str, Rows]) -> None:
    """One answer with its positions, scores and divergences."""
    n, name = int(min(1 + draw.geometric(0.09), 30)), f"{source}/{prompt}"
    finish = str(draw.choice(["stop", "length", "unknown"], p=[0.4, 0.4, 0.2]))
    ends = finish == "stop" or (finish == "unknown" and n % 2 == 0)
    logs = _logs(draw, n, ends)
    ids = _said(draw, logs["dpo·chat" if source == "dpo·chat" else "sft·chat"], 0.3 if source == "written" else 0.8)
    if ends:
        ids[-1] = 0
    texts = ["" if i == 0 or TEXTS[i].startswith("\\x") else TEXTS[i] for i in ids]
    answer = {"response_id": name, "prompt_id": prompt, "source": source, "text": "".join(texts), "n_tokens": n}
    answered_by = source if source in CONDITIONS else None
    rows["response"].append(answer | {"finish": finish, "boundary": False, "condition_id": answered_by})
    starts = np.cumsum([0, *map(len, texts)]).tolist()
    roles = np.repeat(draw.choice(ROLES, n), draw.integers(1, 4, n))[:n].tolist()
    if ends:
        roles[-1] = "end"
    at = [{"response_id": name, "pos": pos} for pos in range(n)]
    for t, (i, role) in enumerate(zip(ids, roles, strict=True)):
        span = {"char_start": starts[t], "char_end": starts[t + 1], "is_end": role == "end"}
        rows["position"].append(at[t] | span | {"token_id": i, "role": role})
    for c in SCORED[source]:
        rows["score"] += [at[t] | {"condition_id": c} | _score(logs[c][t], ids[t]) for t in range(n)]
    for c, _, base, aligned, answered in COMPARISONS:
        if answered == source:
            apart = [_apart(logs[base][t], logs[aligned][t]) for t in range(n)]
            rows["divergence"] += [at[t] | {"comparison_id": c} | apart[t] for t in range(n)]


def _logs(draw: np.random.Generator, n: int, ends: bool) -> dict[str, np.ndarray]:
    """Log-probabilities of every condition: a common taste, a step for chat, steps for tuning that are small at most places."""
    calm = 0.03 if draw.random() < 0.06 else 1.0  # an answer that tuning left nearly alone
    step = calm * np.exp(draw.normal(-1.0, 1.2, (n, 1)))  # how far apart the models are at this position
    shared = (2.2 / calm**0.3) * draw.normal(size=(n, SIZE)) - 0.9 * np.log1p(np.arange(SIZE))
    shared += 3.0 * (np.arange(SIZE) >= 119)
    chat, few, sft, dpo = (step * draw.normal(size=(n, SIZE)) for _ in range(4))
    last = (np.arange(SIZE) == 0) * (np.arange(n)[:, None] == n - 1) * float(ends)
    plain = shared + 2.0 * last
    sft += 4.0 * last * calm
    dpo += 3.0 * (np.arange(SIZE) == 121) * calm
    made = {"base·plain": plain, "base·chat": plain + 0.4 * chat, "base·few-shot": plain + 0.3 * few}
    made |= {"sft·plain": plain + sft, "sft·chat": plain + 0.4 * chat + sft, "dpo·chat": plain + 0.4 * chat + sft + dpo}
    for name, size in (("rebatched", 0.02), ("bfloat16", 0.08)):
        made[f"base·plain·{name}"] = plain + size * draw.normal(size=(n, SIZE))
    return {name: _normalised(logits, WIDTHS[CONDITIONS[name][0]]) for name, logits in made.items()}


def _normalised(logits: np.ndarray, width: int) -> np.ndarray:
    """Logarithms of the softmax over the ids that a model has; minus infinity for the others."""
    kept = np.where(np.arange(SIZE) < width, logits, -np.inf)
    return kept - np.log(np.exp(kept).sum(1, keepdims=True))


def _said(draw: np.random.Generator, logs: np.ndarray, greedy: float) -> list[int]:
    """First choices, with draws among them; the end token is not one of them."""
    drawn = [draw.choice(SIZE, p=np.exp(row) / np.exp(row).sum()) for row in logs]
    drawn = drawn if np.exp(logs.max(1)).mean() < 0.6 else list(logs.argmax(1))
    ids = np.where(draw.random(len(logs)) < greedy, logs.argmax(1), drawn)
    return [int(i) or 1 for i in ids]


def _score(log: np.ndarray, token_id: int) -> dict[str, Any]:
    has = np.isfinite(log)
    top = np.argsort(-log)[:LISTED]
    row = {"logprob": float(log[token_id]), "rank": 1 + int((log > log[token_id]).sum())}
    if not has[token_id]:
        row = {"logprob": None, "rank": int(has.sum()) + 1}
    entropy = -float((np.exp(log[has]) * log[has]).sum())
    return row | {"entropy": entropy, "top_ids": top.tolist(), "top_logprobs": log[top].tolist()}


def _apart(b: np.ndarray, a: np.ndarray) -> dict[str, float]:
    """Divergences over the ids that both have, given one of them."""
    both = np.isfinite(b) & np.isfinite(a)
    p, q = (np.exp(x[both]) / np.exp(x[both]).sum() for x in (a, b))
    mean = (p + q) / 2
    js = (_kl(p, mean) + _kl(q, mean)) / 2
    return {"kl_aligned_base": _kl(p, q), "kl_base_aligned": _kl(q, p), "js": js, "clamped": 0.0}


def _kl(p: np.ndarray, q: np.ndarray) -> float:
    return float((p * np.log(p / q)).sum())
