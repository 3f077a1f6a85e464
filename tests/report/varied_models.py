"""The cards of the varied database: three vocabularies, conditions, sources and comparisons; and what its probes wrote."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.report.synthetic import conditions

PIECES = [
    "<|end|>",
    " the",
    " harbour",
    "ing",
    "s",
    ".",
    ",",
    "!",
    "\n",
    " 12",
    "7",
    "'s",
    " don",
    "'t",
    "天",
    " é",
    "</b>",
]
WORDS = [f" w{i}" if i % 3 else f"x{i}" for i in range(20, 120)]
TEXTS = [*PIECES, "\\xf0", "\\x9f", " the ", *WORDS, " sorry", " hm", " 🙂"]
WIDTHS = {
    "base": 121,
    "sft": 123,
    "dpo": 122,
}  # ids 121 and 122 are the tuned models' own; the base's id 120 is padding
CONDITIONS = conditions(
    "base·plain",
    "base·chat",
    "base·few-shot",
    "sft·chat",
    "sft·plain",
    "dpo·chat",
    "base·plain·rebatched",
    "base·plain·bfloat16",
)
SCORED = {
    "sft·chat": [name for name in CONDITIONS if name != "dpo·chat"],
    "dpo·chat": ["base·plain", "base·chat", "sft·chat", "dpo·chat"],
    "written": ["base·plain", "sft·chat"],
}
COMPARISONS = [  # the first stage of the chain is base-sft by its place, a-file by its name
    ("base-sft", "tuning", "base·plain", "sft·chat", "sft·chat"),
    ("base-dpo", "tuning", "base·plain", "dpo·chat", "dpo·chat"),
    ("sft-dpo", "tuning", "sft·chat", "dpo·chat", "dpo·chat"),
    ("a-file", "tuning", "base·plain", "sft·chat", "written"),
    ("dpo-base", "tuning", "dpo·chat", "base·chat", "dpo·chat"),  # backwards: its aligned side lacks a token
    ("noise-rebatched", "noise", "base·plain", "base·plain·rebatched", "sft·chat"),
    ("noise-bfloat16", "noise", "base·plain", "base·plain·bfloat16", "sft·chat"),
]
Rows = list[dict[str, Any]]


def cards() -> dict[str, Rows]:
    """Models with a vocabulary each, contexts, conditions, comparisons and the run."""
    card = {"source": "made", "architecture": "None", "parameters": 1, "dtype": "float32", "weights_hash": ""}
    columns = ("comparison_id", "kind", "base_condition_id", "aligned_condition_id", "source")
    comparisons = [dict(zip(columns, c, strict=True)) for c in COMPARISONS]
    run = {"report_name": "varied", "report_config": "name: varied", "report_description": "", "device": "none"}
    run |= {"fingerprint_against": "base-dpo"}
    return {
        "model": [
            card | {"model_id": m, "label": m, "tokenizer_id": f"of-{m}", "vocab_size": n} for m, n in WIDTHS.items()
        ],
        "token": [_token(model, i) for model, width in WIDTHS.items() for i in range(width)],
        "context": [{"context_id": c, "kind": c} for c in ("plain", "chat", "few-shot")],
        "condition": [_condition(i, c) for i, c in enumerate(CONDITIONS)],
        "comparison": [c | {"ordinal": i, "label": f"label {i}"} for i, c in enumerate(comparisons, 1)],
        "run": [{"key": key, "value": value} for key, value in run.items()],
    }


def _condition(i: int, condition: str) -> dict[str, Any]:
    of = dict(zip(("model_id", "context_id", "arithmetic"), CONDITIONS[condition], strict=True))
    read = {"head_ids": [0], "tail_ids": [i, 17, i + 1, 120], "begin_tokens": i % 2}
    return of | read | {"condition_id": condition, "prompt_card": "", "template_hash": "", "opening": "", "closing": ""}


def _token(model: str, i: int) -> dict[str, Any]:
    text = None if model == "base" and i == 120 else TEXTS[i]
    decoded = "\ufffd" if text and text.startswith("\\x") else text
    row = {"tokenizer_id": f"of-{model}", "token_id": i, "text": text, "decoded": decoded}
    return row | {"is_word_start": bool(text) and text[0].isspace(), "is_special": i == 0}


def probes(draw: np.random.Generator, prompts: Rows, positions: Rows) -> dict[str, Rows]:
    """Token swaps and prefilled answers for the first prompts, continuations at some of the positions, harmful answers."""
    pairs = [(c, prompt) for c, *_ in COMPARISONS[:2] for prompt in prompts[:20]]
    going = [
        {
            "comparison_id": c,
            "response_id": p["response_id"],
            "pos": p["pos"],
            "text": f"on {p['pos']}",
            "ends": p["pos"] % 3 == 0,
        }
        for c, *_, source in COMPARISONS[:2]
        for p in positions
        if p["response_id"].startswith(source) and p["pos"] % 11 == 4
    ]
    return {
        "swap": [row for c, prompt in pairs for row in _swaps(draw, c, prompt["prompt_id"])],
        "prefill": [row for c, prompt in pairs if prompt["harmful"] for row in _prefills(draw, c, prompt)],
        "continuation": going,
        "fingerprint": [
            row for c, *_ in COMPARISONS[:3] for number in range(1, 16) for row in _raised(draw, c, number)
        ],
        "recovery": [row for c, *_ in COMPARISONS[:2] for number in range(30) for row in _recovered(draw, c, number)],
        "amplified": [_louder(draw, c, prompt["prompt_id"], alpha) for c, prompt in pairs for alpha in (-1.0, 0.0, 1.5)],
    }


def _recovered(draw: np.random.Generator, comparison: str, number: int) -> Rows:
    """What follows a harmful answer, of which every third is short."""
    at = {"comparison_id": comparison, "answer_id": f"h{number}", "cluster_id": f"asked {number % 20}", "prompt": "Why?"}
    return [
        at | {"place": place, "k": k, "prefix": "", "said": "", "refuses": bool(draw.random() < 0.6)}
        for place in ("answer", "refusal", "base")
        for k in (0, 2, 7)[: 2 + (number % 3 > 0)]
    ]


def _louder(draw: np.random.Generator, comparison: str, prompt: str, alpha: float) -> dict[str, Any]:
    at = {"comparison_id": comparison, "prompt_id": prompt, "sample": 1, "alpha": alpha, "text": f"said at {alpha}"}
    n = int(draw.integers(3, 40))
    counts = {"n_tokens": n, "n_same": int(draw.integers(0, n)), "n_marginal": n // 3, "n_shifted": int(draw.integers(0, n // 2 + 1))}
    judged = {"is_right": [None, True, False][draw.integers(3)], "refuses": bool(draw.random() < 0.3), "style_share": draw.random()}
    end = {"logprob": -float(draw.random() * n), "goes_round": bool(draw.random() < 0.2), "finish": "stop"}
    return at | counts | judged | end


def _raised(draw: np.random.Generator, comparison: str, number: int) -> Rows:
    """A neutral text of its own length. Some tokens are raised often in the first comparison, and others in the yardstick
    as often as some in the third: there none stands out."""
    made = []
    for pos in range(3 + number * 7 % 17):
        raised = np.arange(121) % 13 == (7 if comparison == "base-dpo" else 5)
        weights = np.where(raised, 60.0 if comparison == "base-sft" else 9.0, 1.0)
        up, down = (draw.choice(121, 6, replace=False, p=w / w.sum()).tolist() for w in (weights, np.ones(121)))
        at = {"comparison_id": comparison, "text_id": f"t{number}", "number": number, "pos": pos, "text_before": ""}
        made.append(at | {"up_ids": up, "up_nats": [1.0] * 6, "down_ids": down, "down_nats": [-1.0] * 6})
    return made


def _swaps(draw: np.random.Generator, comparison: str, prompt: str) -> Rows:
    made = []
    for method in ("divergence", "entropy", "random"):
        for share in (0.1, 0.4):
            n = int(draw.integers(5, 40))
            counts = {"n_tokens": n, "n_swapped": n // 2, "n_changed": int(draw.integers(0, n // 2))}
            said = {"is_right": [None, True, False][draw.integers(3)], "refuses": bool(draw.random() < 0.4)}
            said |= {"style_share": draw.random(), "finish": "stop", "text": "text"}
            made.append(
                {"comparison_id": comparison, "prompt_id": prompt, "method": method, "share": share} | counts | said
            )
    return made


def _prefills(draw: np.random.Generator, comparison: str, prompt: dict[str, Any]) -> Rows:
    """Refusals that give way with k; some prompts are not refused even at k = 0, and have no opening."""
    made = []
    for k in range(4):
        said = {"prefix": "", "said": "", "refuses": bool(draw.random() < 0.9 - 0.2 * k)}
        opening = {"opening_logprob": -draw.random() if prompt["ordinal"] % 3 else None, "base_opening_logprob": -4.0}
        made.append({"comparison_id": comparison, "prompt_id": prompt["prompt_id"], "k": k} | said | opening)
    return made
