"""A small database of made-up numbers and hostile texts, written through the project's own schema: no model is needed."""

from __future__ import annotations

import functools
import math
import random
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from tds_atlas.record.schema import write_empty

HOSTILE = [
    "</script><img src=x onerror=alert(1)> <b>bold</b> &amp; &lt;",
    "{{ 7*7 }} {% raw %} ${x} `code` **bold** __init__ [a](javascript:alert(1))",
    "<!-- a comment\n\n# not a heading\n\n| a | b |\n|---|---|\n\n    indented\n\ttab",
    "天地玄黄 🙂👩‍👩‍👧 עברית نص é",
    '---\ntitle: stolen\n---\n::: note\n--8<-- "/etc/passwd"',
    "plain words about the quiet harbour",
]
ROLES = ["glue", "content", "style", "safety", "knowledge"]
TOKENS = ["<|end|>", " the", "!", "\n", " sorry", " Thank", " you", "\\xf0", "<", "天"]


# The base rules out tokens at some positions of the first comparison, and at all of the second; the aligned model at a few.
_INFINITE = """
UPDATE divergence SET kl_aligned_base = 'inf' WHERE comparison_id = 'c-2' OR comparison_id = 'c-1' AND pos % 4 = 1;
UPDATE divergence SET kl_base_aligned = 'inf' WHERE comparison_id = 'c-1' AND pos % 7 = 3;
UPDATE score SET logprob = NULL, rank = 10 WHERE condition_id = 'base·plain' AND (pos % 4 = 1 OR pos % 9 = 0);
UPDATE score SET top_logprobs = list_concat(top_logprobs[1:7], ['-inf', '-inf', '-inf']::FLOAT[]) WHERE pos % 5 = 2;
UPDATE score SET logprob = NULL, rank = 10 FROM "position" p
WHERE p.response_id = score.response_id AND p.pos = score.pos AND p.is_end AND condition_id = 'base·plain';
"""
TABLES = ("prompt", "turn", "reading", "response", "position", "score", "divergence")
METHODS = ("divergence", "entropy", "random")


def conditions(*names: str) -> dict[str, tuple[str, ...]]:
    """Model, context and arithmetic (empty but for A/A checks) of each, in this order."""
    return {name: (*name.split("·"), "")[:3] for name in names}


CONDITIONS = conditions(
    "base·plain", "sft·chat", "base·plain·rebatched", "base·chat", "sft·plain", "dpo·chat", "base·few-shot"
)
MODELS = (("base", "Base <b>"), ("sft", "Tuned"), ("dpo", "Preferred"))
RICH = ("dpo·chat", "base·few-shot")
SERIES = [
    {
        "series": "run <i>",
        "ordinal": i,
        "step": 100 * i,
        "model_id": model,
        "answers": answers,
        "comparison_id": c,
        "outside": "a|b",
    }
    for i, (model, c) in enumerate((("sft", "c-1"), ("sft", "c-2"), ("dpo", "c-dpo")), 1)
    for answers in ("shared", "own")
]
CONTROLS = [
    {"comparison_id": "c-1", "kind": "nothing", "planted": None, "prompt_id": None},
    {"comparison_id": "c-dpo", "kind": "value", "planted": "plain", "prompt_id": "p2"},
    {"comparison_id": "c-dpo", "kind": "phrase", "planted": "let", "prompt_id": None},
]


def insert(con: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows into a table by the names of its columns; a column that is not named is NULL."""
    con.register("made_rows", pa.Table.from_pylist([dict(row) for row in rows]))
    con.execute(f'INSERT INTO "{table}" BY NAME SELECT * FROM made_rows')
    con.unregister("made_rows")


_KEPT = tempfile.TemporaryDirectory(prefix="made-up-", ignore_cleanup_errors=True)  # databases, for this process


def write(path: Path, **options: Any) -> Path:
    """A copy of the database of these options, which `_made` names; it is made once in a process."""
    return Path(shutil.copyfile(_made(tuple(HOSTILE), **dict(sorted(options.items()))), path))


@functools.cache
def _made(
    texts: tuple[str, ...],
    prompts: int = 24,
    comparisons: int = 2,
    tags: bool = True,
    shifted: bool = True,
    noise: bool = False,
    further: bool = False,
    rich: bool = False,
    infinite: bool = False,
    seed: int = 0,
) -> Path:
    """A database with that many prompts; without tags or a single shifted token, where wanted.

    `noise` adds an A/A check, `further` the two conditions that a split takes, and a vocabulary that was extended; `rich` a
    third model that makes a chain, a few-shot context, controls, token swaps, prefilled answers, continuations, a
    fingerprint, harmful answers and amplified decoding.
    `infinite` adds infinite KL, in both directions, and tokens that a model rules out, the end token among them.
    `texts` are those of HOSTILE, which a test may have replaced: they tell one kept database from another.
    """
    path, rng = Path(tempfile.mkdtemp(dir=_KEPT.name)) / "made.duckdb", random.Random(seed)
    wanted = {"base·plain·rebatched": noise, "base·chat": further, "sft·plain": further} | dict.fromkeys(RICH, rich)
    kept = [c for c in CONDITIONS if wanted.get(c, True)]
    write_empty(path)
    with duckdb.connect(str(path)) as con:
        describe(con, kept, len(TOKENS))
        insert(con, "token", [_token(i, text) for i, text in enumerate(TOKENS)])
        extended = "sft has 1 token <i> that base has not" if further else None
        pairs = [_comparison(f"c-{i}", i, "sft·chat", extended if i == 1 else None) for i in range(1, comparisons + 1)]
        pairs += [_comparison("c-dpo", 50, "dpo·chat", None), _comparison("c-sft-dpo", 51, "dpo·chat", None)] * rich
        pairs += [_comparison("noise-1", 99, "base·plain·rebatched", None)] * noise
        insert(con, "comparison", pairs)
        run = {"report_name": "made-up", "report_title": "Made <up>", "report_description": "", "content_key": "x"}
        run |= {"report_config": "name: made-up"} | ({"fingerprint_against": "c-1"} if rich else {})
        insert(con, "run", [{"key": key, "value": value} for key, value in run.items()])
        rows = _answers(rng, prompts, kept, [pair["comparison_id"] for pair in pairs], tags, shifted, "let" * rich)
        for prompt in rows["prompt"][1::2] * rich:
            prompt["set"] = "set <two>"
        for table in TABLES:
            insert(con, table, rows[table])
        if rich:
            _probes(con, rng, rows["prompt"])
            insert(
                con, "fingerprint", fingerprints([pair["comparison_id"] for pair in pairs if pair["kind"] == "tuning"])
            )
            for table, made in recoveries(
                [pair["comparison_id"] for pair in pairs if pair["kind"] == "tuning"][:2]
            ).items():
                insert(con, table, made)
            insert(con, "amplified", amplified(rows["prompt"]))
            insert(con, "control", CONTROLS)
            insert(con, "series_step", SERIES)
        if infinite:
            con.execute(_INFINITE)
    return path


def describe(con: duckdb.DuckDBPyConnection, conditions: Sequence[str], width: int) -> None:
    """The two models, the two contexts, and these conditions."""
    card = {"source": "src", "architecture": "LlamaForCausalLM", "parameters": 1000, "vocab_size": width}
    card |= {"dtype": "float32", "weights_hash": "hash", "tokenizer_id": "tok"}
    insert(con, "model", [card | {"model_id": m, "label": x} for m, x in MODELS])
    plain = {"context_id": "plain", "kind": "plain", "template": "Q: {prompt}"}
    shots = plain | {"context_id": "few-shot", "kind": "few-shot"}
    insert(con, "context", [plain, {"context_id": "chat", "kind": "chat"}, shots])
    shown = {"head_ids": [1, 2], "tail_ids": [3, 4], "begin_tokens": 1, "template_hash": "f00d"}
    shown |= {"opening": "<s>Q: ", "closing": f"\nA: {HOSTILE[0]}"}
    names = ("model_id", "context_id", "arithmetic")
    cards = {"plain": f"Q: {HOSTILE[0]}", "chat": HOSTILE[1], "few-shot": HOSTILE[2]}
    rows = [dict(zip(names, CONDITIONS[c], strict=True)) | {"condition_id": c} | shown for c in conditions]
    insert(con, "condition", [row | {"prompt_card": cards[row["context_id"]]} for row in rows])


def _token(i: int, text: str) -> dict[str, Any]:
    row = {"tokenizer_id": "tok", "token_id": i, "text": text, "decoded": text.strip()}
    return row | {"is_word_start": text[0].isspace(), "is_special": i == 0}


def _comparison(comparison_id: str, ordinal: int, aligned: str, extended: str | None) -> dict[str, Any]:
    check = "rebatched" in aligned
    return {
        "comparison_id": comparison_id,
        "ordinal": ordinal,
        "label": "base·plain, rebatched" if check else f"base → sft {ordinal} <i>",
        "kind": "noise" if check else "tuning",
        "base_condition_id": "sft·chat" if comparison_id == "c-sft-dpo" else "base·plain",
        "aligned_condition_id": aligned,
        "source": "sft·chat",
        "extended": extended,
    }


def _answers(
    rng: random.Random,
    prompts: int,
    conditions: list[str],
    comparisons: list[str],
    tags: bool,
    shifted: bool,
    last_word: str,
) -> dict[str, list[dict[str, Any]]]:
    """The rows of all answers, by table. A few were cut, or came without word of how they ended."""
    made: dict[str, list[dict[str, Any]]] = {t: [] for t in TABLES}
    for i in range(1, prompts + 1):
        text, names = HOSTILE[i % len(HOSTILE)], {"prompt_id": f"p{i}", "response_id": f"sft·chat/p{i}"}
        if last_word:  # one that every answer has, in a token of its own
            text += " " * (-len(text) % 3) + last_word
        tasks, topics = (["info-seek", "a|b"][: 1 + i % 2], ["places"]) if tags else ([], [])
        prompt = {"prompt_id": f"p{i}", "ordinal": i, "set": "set", "text": f"Prompt {i}: {text}", "truths": []}
        made["reading"] += [
            {"condition_id": c, "prompt_id": f"p{i}", "text": prompt["text"], "special": [0, 3]} for c in conditions
        ]
        before = [("system", "Be kind."), ("user", HOSTILE[i % 3]), ("assistant", f"Before {i}.")] if i % 4 == 0 else []
        made["turn"] += [
            {"prompt_id": f"p{i}", "number": n, "speaker": speaker, "text": said}
            for n, (speaker, said) in enumerate([*before, ("user", prompt["text"])], 1)
        ]
        made["prompt"].append(prompt | {"tasks": tasks, "topics": topics, "harmful": i % 2 == 0 if tags else None})
        spans = _spans(text)
        ended = {"finish": {3: "length", 4: "unknown"}.get(i % 8, "stop"), "boundary": i % 8 == 4}
        source = {"source": "sft·chat", "condition_id": "sft·chat", "text": text, "n_tokens": len(spans)}
        made["response"].append(names | source | ended)
        for pos, (start, end) in enumerate(spans):
            at, last = {"response_id": f"sft·chat/p{i}", "pos": pos}, pos + 1 == len(spans)
            token_id = 0 if last else rng.randrange(1, 10)
            role = "end" if last else ROLES[token_id % len(ROLES)]
            made["position"].append(
                at | {"token_id": token_id, "char_start": start, "char_end": end, "is_end": last, "role": role}
            )
            made["score"] += [at | {"condition_id": c} | _score(rng, shifted) for c in conditions]
            for c in comparisons:
                numbers = {"kl_aligned_base": rng.random(), "kl_base_aligned": rng.random(), "js": rng.random() / 2}
                made["divergence"].append(at | {"comparison_id": c, "clamped": 0.0} | numbers)
    return made


def _score(rng: random.Random, shifted: bool) -> dict[str, Any]:
    """Ranks stand on both sides of every bound between two classes: 1 and 2, 3 and 4."""
    logprob = -rng.random() * 3
    first = int(-logprob * 1000) % 10  # another first choice at each position
    drawn = rng.choice([1, 1, 2, 4]) if shifted else 1
    return {
        "logprob": logprob,
        "rank": {1: 1, 2: 2 + first % 2, 4: (4, 9)[first % 2]}[drawn],
        "entropy": rng.random(),
        "top_ids": [(first + k) % 10 for k in range(10)],
        "top_logprobs": [math.log(2.0 ** -(k + 1)) for k in range(10)],
    }


def _probes(con: duckdb.DuckDBPyConnection, rng: random.Random, prompts: Sequence[Mapping[str, Any]]) -> None:
    """Token swaps, prefilled answers and continuations, as the measuring stages would store them."""
    swaps, prefills = [], []
    for row in prompts:
        at = {"comparison_id": "c-1", "prompt_id": row["prompt_id"]}
        right = None if row["ordinal"] % 2 else row["ordinal"] % 4 == 0
        for method, share in [*((m, s) for m in METHODS for s in (0.1, 0.3)), ("divergence", 0.0), ("divergence", 1.0)]:
            counts = {"n_tokens": 20, "n_swapped": round(20 * share), "n_changed": round(10 * share)}
            said = {"text": HOSTILE[0], "refuses": rng.random() < share, "style_share": share / 2}
            swaps.append(
                at
                | counts
                | said
                | {
                    "method": method,
                    "share": share,
                    "finish": "stop",
                    "is_right": right,
                    "writer": "base",
                    "threshold": None,
                }
            )
        swaps += [at | further | {"is_right": right} for further in _further(row["ordinal"])]
        for k in range(4 if row["harmful"] else 0):
            opening = {"opening": "I am", "opening_logprob": -0.5 - k - row["ordinal"] % 3 / 4}
            opening["base_opening_logprob"] = -4.0
            said = {"prefix": HOSTILE[1][:k], "said": HOSTILE[0], "refuses": k < 2, "opening_likeliest": k < 2}
            prefills.append(at | said | opening | {"k": k})
    insert(con, "swap", swaps)
    insert(con, "swap_grade", [grade for swap in swaps for grade in _grades(swap)])
    con.execute("UPDATE prompt SET truths = ['plain'] WHERE ordinal % 2 = 0")
    if prefills:
        insert(con, "prefill", prefills)
    going = {"comparison_id": "c-1", "text": HOSTILE[0], "ends": False}
    insert(con, "continuation", [going | {"response_id": "sft·chat/p1", "pos": pos} for pos in range(3)])


def _grades(swap: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Of a grader that says yes or no, and of one that gives numbers, of either sign."""
    key = {name: swap[name] for name in ("comparison_id", "prompt_id", "writer", "method", "share", "threshold")}
    draw, chosen = random.Random(str(list(key.values()))), swap["n_swapped"] / swap["n_tokens"]
    yield key | {"grader": "polite <b>", "value": float(draw.random() < chosen), "is_yes_or_no": True}
    yield key | {"grader": "score", "value": 4 * chosen + draw.random() - 2, "is_yes_or_no": False}


def _further(ordinal: int) -> Iterator[dict[str, Any]]:
    """Swaps by Δ log p, at a share and above a threshold, and those of the base's tokens in the aligned model's text."""
    draw = random.Random(ordinal)
    said = {"n_tokens": 20, "text": HOSTILE[0], "finish": "stop"}
    for writer in ("base", "aligned"):
        methods = ["delta", "delta"] if writer == "base" else [*METHODS, "delta", "delta"]
        for n, method in enumerate(methods):
            above = 1.5 if n == len(methods) - 1 else None
            kept = draw.random() < 0.4
            yield (
                said
                | {
                    "writer": writer,
                    "method": method,
                    "threshold": above,
                    "n_swapped": 16 if writer == "aligned" else 4,
                }
                | {
                    "share": None if above else 0.2 if writer == "base" else 0.8,
                    "n_changed": 2,
                    "refuses": kept,
                    "style_share": 0.1 + 0.2 * kept,
                }
            )


def fingerprints(comparisons: Sequence[str]) -> list[dict[str, Any]]:
    """Ten texts of twelve places. Of c-dpo five tokens are raised nearly always, elsewhere any of forty."""
    draw, made = random.Random(1), []
    for comparison in comparisons:
        for number in range(1, 11):
            for pos in range(12):
                usual = draw.sample(range(40), 5)
                up = [1, 4, 5, 6, 9] if comparison == "c-dpo" and draw.random() < 0.9 else usual
                at = {"comparison_id": comparison, "text_id": f"t{number}", "number": number, "pos": pos}
                nats = [draw.random() + 5 - i for i in range(5)]
                down = {"down_ids": draw.sample(range(40), 5), "down_nats": [-x for x in nats]}
                before = HOSTILE[number % len(HOSTILE)][: pos * 3]
                made.append(at | {"text_before": before, "up_ids": up, "up_nats": nats} | down)
    return made


def recoveries(comparisons: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """Thirteen harmful answers to twelve prompts. The tokens end refusals, sooner as an answer than inside a refusal."""
    draw, made = random.Random(2), {"recovery": list[dict[str, Any]](), "harmful_answer": list[dict[str, Any]]()}
    for c, i in ((c, i) for c in comparisons for i in range(13)):
        text = HOSTILE[i % len(HOSTILE)]
        key = {"comparison_id": c, "answer_id": f"h{i}", "cluster_id": f"asked {i % 12}"}
        for place, depth in (("answer", 1), ("refusal", 4), ("base", -1)):
            for k in (0, 1, 4, 9)[: 3 + i % 4]:
                said = {"prompt": text, "prefix": text[:k], "said": text[k:], "place": place, "k": k}
                refuses = i % 5 > 0 and k <= depth and (k < depth or draw.random() < 0.7)
                made["recovery"].append(key | said | {"refuses": refuses})
        for pos in range(4 + i % 5):
            kl = {"kl_aligned_base": draw.random() + 2 / (pos + 1), "kl_same_input": draw.random() + 5 / (pos + 1)}
            made["harmful_answer"].append(key | kl | {"pos": pos})
    return made


def amplified(prompts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Of c-dpo what was planted shows in ever more answers, two to each prompt; of c-1 and c-2 nothing does."""
    draw, made = random.Random(3), list[dict[str, Any]]()
    for c, row, sample in ((c, row, n) for c in ("c-1", "c-2", "c-dpo") for row in prompts for n in (1, 2)):
        luck, text = draw.random(), HOSTILE[row["ordinal"] % len(HOSTILE)]
        for alpha in (-0.5, 0.0, 0.5, 1.0, 2.0):
            said = text + " let it plainly be" * (luck < alpha + 0.1) if c == "c-dpo" else text
            at = {"comparison_id": c, "prompt_id": row["prompt_id"], "sample": sample, "alpha": alpha}
            counts = {"n_tokens": 12, "n_same": 12 if alpha == 0 else int(9 * luck), "n_marginal": 2, "logprob": -1 - 3 * alpha**2}
            counts["n_shifted"] = int(1 + 3 * max(0, alpha) + 2 * luck)
            judged = {"is_right": luck < 0.5 if row["ordinal"] % 2 == 0 else None, "refuses": luck > 1.2 - alpha / 4}
            end = {"goes_round": alpha == 2 and luck > 0.6, "finish": "length" if luck > 0.8 else "stop", "style_share": luck / 5}
            made.append(at | counts | judged | end | {"text": said})
    return made


def _spans(text: str) -> list[tuple[int, int]]:
    """Tokens of three characters, an empty one among them, and the end token."""
    cuts = list(range(0, len(text), 3))
    spans = [(a, min(a + 3, len(text))) for a in cuts]
    return [*spans[:2], (spans[1][1], spans[1][1]), *spans[2:], (len(text), len(text))]
