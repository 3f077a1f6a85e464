"""Scoring against an independent per-token loop: no batching, no cache, one softmax per step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from builder.domain import Response
from builder.plan import Plan, load_plan
from builder.stages import lazy_models, write_cards, write_responses, write_scores


def slow_logits(folder: Path, text: str, ids: list[int]) -> list[torch.Tensor]:
    """Float32 logits [V] before each id: the whole prefix through the model, once per token."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    head = tokenizer(text, add_special_tokens=False)["input_ids"]
    with torch.no_grad():
        return [model(torch.tensor([head + ids[:t]]), use_cache=False).logits[0, -1] for t in range(len(ids))]


def prompt_text(folder: Path, chat: bool, prompt: str) -> str:
    """What the model sees before the answer, put together without the project's code."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    if chat:
        turns = [{"role": "user", "content": prompt}]
        return tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    return tokenizer.bos_token + "# Question:\n" + prompt + "\n\n# Answer:\n"


def measured(plan: Plan) -> tuple[list[Response], list[dict[str, Any]], list[dict[str, Any]]]:
    models = lazy_models(plan)
    write_cards(plan, models)
    write_responses(plan, models)
    write_scores(plan, models)
    responses, scores, divergences = [], [], []
    for _, some, shard in plan.scorings():
        responses += some
        scores += shard.read("score").to_pylist()
        divergences += shard.read("divergence").to_pylist()
    return responses, scores, divergences


def check_against_loop(plan: Plan) -> int:
    """Every stored number of a measured plan against the loop; returns the number of positions checked."""
    responses, scores, divergences = measured(plan)
    by_key = {(s["response_id"], s["condition_id"], s["pos"]): s for s in scores}
    far = {(d["response_id"], d["comparison_id"], d["pos"]): d for d in divergences}
    checked = 0
    for response in responses:
        ids, prompt = list(response.token_ids), plan.prompts[response.prompt_id].text
        logits = {}
        for condition in plan.report.conditions_of(response.source):
            folder = plan.checkpoints[condition.model_id].folder
            logits[condition] = slow_logits(folder, prompt_text(folder, condition.context_id == "chat", prompt), ids)
            for t, x in enumerate(logits[condition]):
                check_score(by_key[response.response_id, condition.condition_id, t], x, ids[t], plan.report.score.top_k)
        for pair in plan.report.comparisons_of(response.source):
            for t, (b, a) in enumerate(zip(logits[pair.base.condition], logits[pair.aligned.condition], strict=True)):
                check_divergence(far[response.response_id, pair.comparison_id, t], b, a)
        checked += len(ids)
    return checked


def check_score(row: dict[str, Any], x: torch.Tensor, token: int, k: int) -> None:
    p = x.double().softmax(-1)
    assert row["rank"] == 1 + sum(v > x[token].item() for v in x.tolist())
    assert row["logprob"] == pytest.approx(p[token].log().item(), abs=1e-4)
    assert row["entropy"] == pytest.approx(-(p * p.log()).sum().item(), abs=1e-4)
    assert len(row["top_ids"]) == k == len(set(row["top_ids"]))
    np.testing.assert_allclose(row["top_logprobs"], p.log().sort(descending=True).values[:k], atol=1e-4)
    np.testing.assert_allclose(p.log()[row["top_ids"]], row["top_logprobs"], atol=1e-4)


def check_divergence(row: dict[str, Any], base: torch.Tensor, aligned: torch.Tensor) -> None:
    p, q = aligned.double().softmax(-1), base.double().softmax(-1)
    m = (p + q) / 2
    assert row["kl_aligned_base"] == pytest.approx((p * (p / q).log()).sum().item(), abs=1e-4)
    assert row["kl_base_aligned"] == pytest.approx((q * (q / p).log()).sum().item(), abs=1e-4)
    assert row["js"] == pytest.approx(0.5 * ((p * (p / m).log()).sum() + (q * (q / m).log()).sum()).item(), abs=1e-4)


def test_tiny_pair_equals_the_loop(project: Path) -> None:
    assert check_against_loop(load_plan(project / "report.yml")) > 40


def test_pocket_family_equals_the_loop(pocket_report: Path) -> None:
    """All three comparisons of the default report, on prompts from all over its file."""
    plan = load_plan(pocket_report)
    assert check_against_loop(plan) > 10 * len(plan.given)
    assert {c.comparison_id for c in plan.report.comparisons} == {"base-sft", "base-dpo", "sft-dpo"}


def test_batching_and_sharding_change_nothing(project: Path) -> None:
    """Other batch sizes and shards store the same ranks; log-probabilities agree to float32's noise."""
    one = measured(load_plan(project / "report.yml"))[1]
    text = (project / "report.yml").read_text(encoding="utf-8").replace("shard_responses: 2", "shard_responses: 3")
    (project / "other.yml").write_text(text + "score: {batch_tokens: 1, chunk_positions: 7}\n", encoding="utf-8")
    other = {(s["response_id"], s["condition_id"], s["pos"]): s for s in measured(load_plan(project / "other.yml"))[1]}
    assert len(one) == len(other)
    for row in one:
        twin = other[row["response_id"], row["condition_id"], row["pos"]]
        assert row["rank"] == twin["rank"] and row["top_ids"] == twin["top_ids"]
        assert row["logprob"] == pytest.approx(twin["logprob"], abs=1e-5)


def test_same_model_on_both_sides_is_no_shift_at_all(project: Path) -> None:
    text = (project / "report.yml").read_text(encoding="utf-8")
    text = text.replace("base: {model: base, context: plain}", "base: {model: sft, context: chat}")
    (project / "same.yml").write_text(text, encoding="utf-8")
    _, _, divergences = measured(load_plan(project / "same.yml"))
    assert divergences and all(d["kl_aligned_base"] == 0 == d["kl_base_aligned"] for d in divergences)


def test_a_comparison_has_one_record_per_position(project: Path) -> None:
    responses, scores, divergences = measured(load_plan(project / "report.yml"))
    positions = sum(len(r.token_ids) for r in responses)
    assert len(scores) == 2 * positions and len(divergences) == positions


def test_a_response_checks_itself() -> None:
    with pytest.raises(ValueError, match="2 ids but 1 spans"):
        Response("a/b", "b", "a", "a", "x", (1, 2), ((0, 1),), False, "length")
