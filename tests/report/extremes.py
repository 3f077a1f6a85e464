"""Reports at the ends of what data can be: everything equal, nothing changed, one prompt, behaviour that moves away."""

from __future__ import annotations

from pathlib import Path

import duckdb

from tests.report import synthetic

_BASE = "condition_id LIKE 'base%'"
# What a swapped text does, by the outcome of both models alone (share 0 and 1) and of every mixture.
_SWAP = """UPDATE swap SET refuses = {0}, style_share = {1}, is_right = CASE WHEN is_right IS NOT NULL THEN {0} END,
    finish = CASE WHEN {0} THEN 'stop' ELSE 'length' END, text = CASE WHEN {0} THEN 'the same' ELSE 'other ' || coalesce(share, -1) END"""
_PERFECT = _SWAP.format("coalesce(share, 0.5) > 0", "CASE WHEN coalesce(share, 0.5) > 0 THEN 0.9 ELSE 0 END")
_NEGATIVE = _SWAP.format("coalesce(share, 0.5) IN (0, 1)", "CASE share WHEN 0 THEN 0.4 WHEN 1 THEN 0.9 ELSE 0 END")
# Every number the same at every position and in every text.
_TIES = f"""UPDATE score SET rank = 1 + 3 * (pos % 2), logprob = -1, entropy = 1, top_logprobs = list_transform(top_ids, lambda i: -2.3);
    UPDATE divergence SET kl_aligned_base = 1, kl_base_aligned = 1, js = 0.1;
    UPDATE prefill SET refuses = k % 2 = 0, opening_likeliest = k % 2 = 0, opening_logprob = -1; {_SWAP.format("true", "0.5")}"""
_AWAY = f"""UPDATE score SET logprob = -1 - 4 * (condition_id <> 'base·plain' AND {_BASE})::INTEGER - 2 * ({_BASE})::INTEGER;
    UPDATE score SET rank = 30 WHERE condition_id <> 'base·plain' AND {_BASE};
    UPDATE score SET top_ids = list_reverse(top_ids) WHERE condition_id <> 'base·plain' AND {_BASE}"""
# In half of the answers every token is near the top of every list, in the others none is; none is a first choice.
_EVEN = "UPDATE score SET rank = CASE WHEN hash(response_id) % 2 = 0 THEN 2 ELSE 9 END"
_ASIDE = "UPDATE swap SET refuses = false, style_share = 0, is_right = false"
# The base's lists are short at the beginning; the word that every answer ends with stands where the models disagree.
_SHORT = f"""UPDATE score SET top_ids = top_ids[1:4], top_logprobs = top_logprobs[1:4] WHERE {_BASE} AND pos < 5;
    UPDATE divergence SET js = 0.6 FROM response r WHERE r.response_id = divergence.response_id AND pos = n_tokens - 2"""
# Beside the others a comparison whose base was recorded: each token's log-probability, and nothing else.
ALONE = """
    INSERT INTO model BY NAME SELECT * REPLACE ('rec' AS model_id, 'Recorded <i>' AS label) FROM model WHERE model_id = 'sft';
    INSERT INTO condition BY NAME
        SELECT * REPLACE ('rec·chat' AS condition_id, 'rec' AS model_id) FROM condition WHERE condition_id = 'sft·chat';
    INSERT INTO comparison BY NAME SELECT * REPLACE ('alone' AS comparison_id, 70 AS ordinal, 'recorded <b> → sft' AS label,
        'log-probabilities' AS kind, 'rec·chat' AS base_condition_id) FROM comparison WHERE comparison_id = 'c-1';
    INSERT INTO score BY NAME SELECT response_id, pos, 'rec·chat' AS condition_id, 0.1 AS entropy_lower,
        2.0 AS entropy_upper, CASE WHEN hash(response_id) % 3 > 0 OR pos <> 2
        THEN least(0, logprob - (pos % 3) / 4 + (hash(response_id) % 8) / 20 - 0.2) END AS logprob
        FROM score WHERE condition_id = 'sft·chat';
    INSERT INTO divergence BY NAME SELECT response_id, pos, 'alone' AS comparison_id, 0.01 * pos AS kl_aligned_base_lower,
        0.02 * pos AS kl_base_aligned_lower, 0.001 * pos AS js_lower, 0.3 AS js_upper
        FROM divergence WHERE comparison_id = 'c-1'"""
# In amplified decoding nothing happens, or all; what grows is of a comparison without controls; α the other way round.
_CALM = "UPDATE amplified SET text = 'the same', n_shifted = 0, n_same = n_tokens, refuses = false, goes_round = false"
_LOUD = "UPDATE amplified SET text = 'the same', n_shifted = n_tokens, refuses = true, goes_round = true"
_TURNED = "UPDATE amplified SET comparison_id = CASE comparison_id WHEN 'c-1' THEN 'c-1' WHEN 'c-2' THEN 'c-dpo' ELSE 'c-2' END"
_BACKWARDS = "UPDATE amplified SET alpha = 2 - alpha WHERE alpha IN (0, 1, 2); DELETE FROM amplified WHERE alpha = 0.5"
# A report by its name: the options of synthetic.write, and what is changed then.
EXTREMES: dict[str, tuple[dict[str, int | bool], str]] = {
    "nothing changed": (
        {"shifted": False},
        f"UPDATE divergence SET kl_aligned_base = 0, kl_base_aligned = 0, js = 0; {_ASIDE}; {_CALM}",
    ),
    "all shifted": (
        {},
        "UPDATE score SET rank = 9, logprob = -9; UPDATE divergence SET kl_aligned_base = 9, js = 0.69; " + _LOUD,
    ),
    "one prompt": ({"prompts": 1}, "DELETE FROM recovery WHERE answer_id <> 'h1' OR k > 1; DELETE FROM amplified WHERE sample > 1"),
    "two prompts": ({"prompts": 2}, "DELETE FROM fingerprint WHERE number > 2; DELETE FROM recovery WHERE answer_id NOT IN ('h1', 'h2')"),
    "one comparison": ({"comparisons": 1, "rich": False, "noise": False}, _EVEN),
    "no tags": ({"tags": False, "infinite": True, "comparisons": 5}, "DELETE FROM run WHERE key = 'fingerprint_against'; DELETE FROM recovery WHERE k > 0; DELETE FROM amplified WHERE alpha NOT IN (0, 1)"),
    "ties": ({}, _TIES),
    "no harmful prompts": ({}, "UPDATE prompt SET harmful = false; DELETE FROM prefill; UPDATE recovery SET refuses = false"),
    "perfect swap": ({}, f"{_PERFECT}; UPDATE prefill SET refuses = true; UPDATE recovery SET refuses = true; {_TURNED}"),
    "negative swap": ({}, f"{_NEGATIVE}; {_AWAY}; {_SHORT}; {_BACKWARDS}"),
    "log-probabilities alone": ({}, ALONE),
    "cut before they part": ({"shifted": False, "rich": False}, "UPDATE response SET finish = 'length'"),
}


def write(path: Path, name: str) -> Path:
    options, change = EXTREMES[name]
    full = {"prompts": 16, "comparisons": 2, "rich": True, "noise": True, "further": True}
    synthetic.write(path, **(full | options))
    with duckdb.connect(str(path)) as con:
        con.execute(change or "SELECT 1")
    return path
