"""Scoring against an independent per-token loop: no batching, no cache, one softmax per step, in float64 where it counts."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tds_atlas.domain import InputError, Response
from tds_atlas.measure import score
from tds_atlas.measure.engines.transformers import LoadedModel
from tds_atlas.measure.score import Scorer
from tds_atlas.pipeline.cards import write_cards
from tds_atlas.pipeline.plan import Plan, read_plan
from tds_atlas.pipeline.responses import write_responses
from tds_atlas.pipeline.scores import write_scores
from tds_atlas.pipeline.sides import lazy_models, side_of
from tds_atlas.record.shards import read_responses
from tests import tiny

NOISE = 1e-4  # of a float32 logit: ranks of tokens that lie closer than this are arithmetic's to decide


@functools.cache
def loaded(folder: Path, dtype: torch.dtype) -> tuple[Any, Any]:
    return AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder, dtype=dtype)


def prompt_text(plan: Plan, folder: Path, context: str, prompt: str) -> str:
    """What the model sees before the answer, put together without the project's code."""
    tokenizer, _ = loaded(folder, torch.float32)
    if plan.report.contexts[context].kind == "chat":
        turns = [{"role": "user", "content": prompt}]
        return tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    return tokenizer.bos_token + plan.report.contexts[context].template.replace("{prompt}", prompt)


@functools.cache
def slow_logits(folder: Path, dtype: torch.dtype, text: str, ids: tuple[int, ...]) -> dict[int, torch.Tensor]:
    """Float64 of the logits [V] before an id, by its place: the whole prefix through the model, once per token.

    Of every id of a small model; of the pocket family's, of the first ids and then of every third (behind a few-shot
    prompt, of every seventh).
    """
    tokenizer, model = loaded(folder, dtype)
    head = tokenizer(text, add_special_tokens=False)["input_ids"]
    every = 1 if model.config.vocab_size < 1000 else 7 if len(head) > 150 else 3
    places = [t for t in range(len(ids)) if t < 4 or t % every == 0]
    with torch.no_grad():
        prefixes = {t: torch.tensor([[*head, *ids[:t]]]) for t in places}
        return {t: model(prefix, use_cache=False).logits[0, -1].double() for t, prefix in prefixes.items()}


def measured(plan: Plan) -> tuple[list[Response], list[dict[str, Any]], list[dict[str, Any]]]:
    models = lazy_models(plan)
    write_cards(plan, models)
    write_responses(plan, models)
    write_scores(plan, models)
    responses, scores, divergences = [], [], []
    for work in plan.scorings():
        responses += read_responses(work.answers)
        scores += work.shard.read("score").to_pylist()
        divergences += work.shard.read("divergence").to_pylist()
    return responses, scores, divergences


def check_against_loop(plan: Plan, dtype: torch.dtype) -> int:
    """Every stored number of a measured plan against the loop; returns the number of positions checked."""
    responses, scores, divergences = measured(plan)
    by_key = {(s["response_id"], s["condition_id"], s["pos"]): s for s in scores}
    far = {(d["response_id"], d["comparison_id"], d["pos"]): d for d in divergences}
    noise = NOISE if dtype == torch.float64 else 0
    checked = 0
    for response in responses:
        ids, prompt = response.token_ids, plan.prompts[response.prompt_id].text
        logits = {}
        for c in (c for c in plan.report.conditions_of(response.source) if c.arithmetic in ("", "rebatched")):
            folder = plan.checkpoints[c.model_id].folder
            logits[c] = slow_logits(folder, dtype, prompt_text(plan, folder, c.context_id, prompt), ids)
            for t, x in logits[c].items():
                check_score(by_key[response.response_id, c.condition_id, t], x, ids[t], plan.report.score.top_k, noise)
                checked += 1
        for pair in (c for c in plan.report.comparisons_of(response.source) if c.kind == "tuning"):
            for t in logits[pair.base].keys() & logits[pair.aligned].keys():
                check_divergence(
                    far[response.response_id, pair.comparison_id, t], logits[pair.base][t], logits[pair.aligned][t]
                )
    return checked


def check_score(row: dict[str, Any], x: torch.Tensor, token: int, k: int, noise: float) -> None:
    logp = x.log_softmax(-1)
    others = torch.cat([x[:token], x[token + 1 :]])
    assert 1 + (others > x[token] + noise).sum() <= row["rank"] <= 1 + (others > x[token] - noise).sum()
    assert row["logprob"] == pytest.approx(logp[token].item(), abs=1e-5, rel=1e-5)
    assert row["entropy"] == pytest.approx(-(logp.exp() * logp).sum().item(), rel=1e-5, abs=2e-6)
    assert len(row["top_ids"]) == k == len(set(row["top_ids"]))
    assert row["top_logprobs"] == sorted(row["top_logprobs"], reverse=True)
    np.testing.assert_allclose(row["top_logprobs"], logp.sort(descending=True).values[:k], atol=2e-5, rtol=1e-5)
    np.testing.assert_allclose(logp[row["top_ids"]], row["top_logprobs"], atol=2e-5, rtol=1e-5)


def check_divergence(row: dict[str, Any], base: torch.Tensor, aligned: torch.Tensor) -> None:
    p, q = aligned.log_softmax(-1), base.log_softmax(-1)
    m = torch.logaddexp(p, q) - np.log(2)

    def kl(x: torch.Tensor, y: torch.Tensor) -> float:
        return (x.exp() * (x - y)).sum().item()

    close = {"rel": 1e-5, "abs": 2e-6}  # a logit's float32 noise, times what it weighs
    assert row["kl_aligned_base"] == pytest.approx(kl(p, q), **close)
    assert row["kl_base_aligned"] == pytest.approx(kl(q, p), **close)
    assert row["js"] == pytest.approx((kl(p, m) + kl(q, m)) / 2, **close)
    assert row["kl_aligned_base"] >= 0 and row["kl_base_aligned"] >= 0 and 0 <= row["js"] <= np.float32(np.log(2))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_tiny_pair_equals_the_loop(project: Path, dtype: torch.dtype) -> None:
    assert check_against_loop(read_plan(project / "report.yml"), dtype) > 80


def test_pocket_family_equals_the_loop(pocket_report: Path) -> None:
    """Every condition and comparison of the default report, on prompts from all over its file: every rank the same."""
    plan = read_plan(pocket_report)
    assert check_against_loop(plan, torch.float32) > 20 * len(plan.prompt_set)
    assert {c.comparison_id for c in plan.report.comparisons} == {"base-sft", "base-dpo", "sft-dpo"}


def without(report: Path, old: str, new: str, name: str) -> Plan:
    """The report with one thing in it written otherwise."""
    text = report.read_text(encoding="utf-8")
    assert old in text
    (report.parent / name).write_text(text.replace(old, new), encoding="utf-8")
    return read_plan(report.parent / name)


@pytest.mark.parametrize(
    "settings", ["shard_responses: 5\nscore: {batch_tokens: 1, chunk_logits: 7}", "score: {batch_tokens: 100000}"]
)
def test_batches_portions_and_shards_change_nothing(pocket_report: Path, settings: str) -> None:
    """The same ranks and lists on the pocket family, up to float32's noise."""
    (one, two) = (pocket_report, pocket_report.with_name("other.yml"))
    text = "\n".join(t for t in one.read_text(encoding="utf-8").splitlines() if not t.startswith(("score:", "shard_")))
    two.write_text(f"{text}\n{settings}\n", encoding="utf-8")
    rows = [{(s["response_id"], s["condition_id"], s["pos"]): s for s in measured(read_plan(p))[1]} for p in (one, two)]
    assert rows[0].keys() == rows[1].keys()
    for key, row in rows[0].items():
        if not key[1].endswith("bfloat16"):
            assert_alike(row, rows[1][key])


def assert_alike(one: Mapping[str, Any], two: Mapping[str, Any], noise: float = 5e-5) -> None:
    """The same but for float32's noise: only candidates that it cannot tell apart may have changed places."""
    logprobs = [np.array(row["top_logprobs"]) for row in (one, two)]
    np.testing.assert_allclose(*logprobs, atol=noise)
    assert one["logprob"] == pytest.approx(two["logprob"], abs=noise)
    alike = int((np.abs(logprobs[0] - one["logprob"]) <= 2 * noise).sum()) - 1  # others; -1: it stands below the list
    assert abs(one["rank"] - two["rank"]) <= abs(alike)
    places = [dict(zip(row["top_ids"], values, strict=True)) for row, values in zip((one, two), logprobs, strict=True)]
    for token in places[0].keys() | places[1].keys():
        assert places[0].get(token, logprobs[0][-1]) == pytest.approx(places[1].get(token, logprobs[1][-1]), abs=noise)


def test_the_same_model_on_both_sides_is_no_difference_bit_for_bit(project: Path) -> None:
    """base and a copy of it in another folder, each in both contexts: all that is left is the prompt."""
    shutil.copytree((project / "base").resolve(), project / "copy")
    extra = "conditions: [{model: base, context: chat}, {model: sft, context: plain}]\n"
    plan = without(project / "report.yml", "sft: {path: sft", "sft: {path: copy", "same.yml")
    plan.path.write_text(plan.text + extra, encoding="utf-8")
    _, scores, _ = measured(read_plan(plan.path))
    found = {(s["condition_id"], s["response_id"], s["pos"]): (s["logprob"], s["rank"], s["entropy"]) for s in scores}
    for (condition, *place), row in found.items():
        twin = condition.replace("base", "sft") if condition.startswith("base") else condition.replace("sft", "base")
        assert found[twin, *place] == row
    assert found["base·plain", place[0], place[1]] != found["base·chat", place[0], place[1]]


def test_arithmetic_alone_is_measured_and_small(pocket_report: Path) -> None:
    """A/A: other batches and padding flip no rank of the pocket family; bfloat16 does, and stands far above."""
    _, scores, divergences = measured(read_plan(pocket_report))
    far: dict[str, list[float]] = {}
    for d in divergences:
        far.setdefault(d["comparison_id"], []).append(d["kl_aligned_base"])
        assert d["clamped"] < 1e-6
    checks = {name.removeprefix("noise-"): kl for name, kl in far.items() if name.startswith("noise-")}
    rebatched = checks.pop("base-plain-rebatched")
    assert set(checks) == {"base-plain-bfloat16", "sft-chat-bfloat16", "dpo-chat-bfloat16"}
    assert len(rebatched) == len(checks["base-plain-bfloat16"]) > 100
    assert max(rebatched) < 1e-6 < min(map(max, checks.values()))
    ranks = {(s["condition_id"], s["response_id"], s["pos"]): s["rank"] for s in scores}
    for (condition, *place), rank in ranks.items():
        if condition == "base·plain·rebatched":
            assert ranks["base·plain", *place] == rank


def test_a_vocabulary_that_extends_the_bases(project: Path) -> None:
    """A token that the base does not have: no probability, a rank behind all others, divergences over what both have."""
    tiny.extend(project / "base", project / "more", ["<|new|>"])
    plan = without(project / "report.yml", "sft: {path: sft", "sft: {path: more", "more.yml")
    models, answer = lazy_models(plan), (5, 340, 6, 1)
    write_cards(plan, models)
    sides = [side_of(plan, models(), c) for c in plan.report.conditions_used()]
    response = Response("r", "p", "s", None, "", answer, ((0, 0),) * 4, True, "stop")
    scorer = Scorer(sides, plan.report.all_comparisons, 5, 4096, 100_000)
    heads = {"r": {side.condition: (0, 7, 8) for side in sides}}
    ((scores, (far,)),) = scorer.score([response], heads)
    base, more = scores
    assert base.rank[1] == 341 and base.logprob[1] == -np.inf and more.logprob[1] > -np.inf
    x = [loaded(project / n, torch.float64)[1](torch.tensor([[0, 7, 8]])).logits[0, -1] for n in ("base", "more")]
    p, q = x[1][:340].log_softmax(-1), x[0].log_softmax(-1)
    assert far.kl_aligned_base[0] == pytest.approx((p.exp() * (p - q)).sum().item(), rel=1e-4, abs=1e-6)
    assert plan.cards().meta()["extended"] == {
        "base-sft": "sft has 1 tokens that base has not, from id 340: they have no probability there"
    }


def scorer_of(plan: Plan) -> tuple[Scorer, list[Response], dict[str, Any]]:
    """A scorer of the tiny pair with two answers made up for it."""
    models = lazy_models(plan)
    sides = [side_of(plan, models(), c) for c in plan.report.conditions_used()]
    answers = [
        Response(n, n, "s", None, "", (5, 6, 7) * m, ((0, 0),) * 3 * m, False, "length")
        for n, m in (("a", 1), ("b", 9))
    ]
    heads = {r.response_id: {side.condition: (0, 9) for side in sides} for r in answers}
    return Scorer(sides, plan.report.all_comparisons, 5, 4096, 100_000), answers, heads


def test_logits_that_are_no_numbers_name_the_answer_and_the_model(project: Path) -> None:
    scorer, answers, heads = scorer_of(read_plan(project / "report.yml"))
    embedding = next(m for c, m in scorer.models.items() if c.model_id == "sft").model.get_input_embeddings()
    embedding.weight[300] = torch.nan
    heads["b"] = dict.fromkeys(heads["b"], (0, 300))
    with pytest.raises(InputError, match=r"response 'b', position 0: model sft gives logits that are not numbers"):
        scorer.score(answers, heads)


def test_an_answer_longer_than_the_model_reads(project: Path) -> None:
    scorer, answers, heads = scorer_of(read_plan(project / "report.yml"))
    heads["b"] = dict.fromkeys(heads["b"], (5,) * 1000)
    message = r"response 'b': 1026 tokens with its prompt exceed the 1024 positions of model base; .*leave 'b' out"
    with pytest.raises(InputError, match=message):
        scorer.score(answers, heads)


def test_memory_that_runs_out_halves_the_batch(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that can take one row of ten tokens and no more: the batch goes in halves, and one answer stays too long."""
    scorer, answers, heads = scorer_of(read_plan(project / "report.yml"))
    whole = scorer.score(answers[:1] * 3, heads)

    def small(model: LoadedModel, rows: Any, real: Any = score.hidden_states) -> Any:
        if sum(map(len, rows)) > 10:
            raise torch.OutOfMemoryError("out of memory")
        return real(model, rows)

    monkeypatch.setattr(score, "hidden_states", small)
    halved = scorer.score(answers[:1] * 3, heads)
    for (a, _), (b, _) in zip(whole, halved, strict=True):
        np.testing.assert_array_equal(a[0].rank, b[0].rank)
    with pytest.raises(InputError, match=r"response 'b': its 27 tokens do not fit into memory even alone"):
        scorer.score(answers, heads)


def test_a_response_checks_itself() -> None:
    with pytest.raises(ValueError, match="2 ids but 1 spans"):
        Response("a/b", "b", "a", "a", "x", (1, 2), ((0, 1),), False, "length")
