"""Sampled answers: transformers' own distributions, drawn by numbers that are each answer's own, whatever is beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from tds_atlas.domain import Response, Sampling
from tds_atlas.measure.sampling import Draw, drawn, seed_of, warpers
from tests.measure.test_generate import answers

SETTINGS = [
    Sampling(1.0),
    Sampling(0.6, repetition_penalty=1.3, top_k=7),
    Sampling(1.7, top_p=0.8),
    Sampling(0.9, min_p=0.1),
    Sampling(1.2, repetition_penalty=0.8, top_k=12, top_p=0.7, min_p=0.05),
    Sampling(0.01, top_p=0.5),
]


def changed(sampling: Sampling, ids: list[int], logits: np.ndarray) -> np.ndarray:
    """Slowly: one row, [V] logits in float64 -> [V] probabilities, each rule by its definition."""
    logits = logits.astype(np.float64).copy()
    for i in set(ids):
        if sampling.repetition_penalty is not None:
            logits[i] = logits[i] * sampling.repetition_penalty ** (1 if logits[i] < 0 else -1)
    logits = logits / sampling.temperature
    if sampling.top_k is not None:
        logits[logits < sorted(logits)[-sampling.top_k]] = -np.inf
    p = np.exp(logits - logits.max())
    p /= p.sum()
    if sampling.top_p is not None:
        kept, mass = set(), 0.0
        for i in sorted(range(len(p)), key=lambda i: -p[i]):
            if mass < sampling.top_p:
                kept.add(i)
            mass += p[i]
        p = np.array([x if i in kept else 0 for i, x in enumerate(p)])
        p /= p.sum()
    if sampling.min_p is not None:
        p = np.where(p < sampling.min_p * p.max(), 0, p)
    return p / p.sum()


@pytest.mark.parametrize("sampling", SETTINGS)
def test_the_distribution_is_transformers_own_and_that_of_its_definition(sampling: Sampling, family: Path) -> None:
    """Logits equal to the last bit what generate's own processors make of them; probabilities those of a slow loop."""
    torch.manual_seed(0)
    ids, logits = torch.randint(0, 50, (4, 9)), torch.randn(4, 50) * 2
    used = {k: v for k, v in vars(sampling).items() if v is not None and k != "seed"}
    config = GenerationConfig(**({"do_sample": True, "top_k": 0} | used))
    model = AutoModelForCausalLM.from_pretrained(family / "base")
    theirs = model._get_logits_processor(config, input_ids_seq_length=9, encoder_input_ids=ids)(ids, logits.clone())
    draw = Draw(sampling, [9] * 4, [1] * 4, 1)
    ours = draw._penalised(ids, logits.clone())
    for warp in draw.warpers:
        ours = warp(ids, ours)
    assert torch.equal(ours, theirs)
    slow = np.array([changed(sampling, row.tolist(), x.numpy()) for row, x in zip(ids, logits, strict=True)])
    np.testing.assert_allclose(ours.double().softmax(-1).numpy(), slow, atol=1e-6)


def normal_of(chi_square: float, freedom: int) -> float:
    """Wilson and Hilferty: the cube root of a chi-square is nearly normal."""
    variance = 2 / (9 * freedom)
    return ((chi_square / freedom) ** (1 / 3) - (1 - variance)) / variance**0.5


@pytest.mark.parametrize("sampling", SETTINGS[:5])
def test_drawn_tokens_follow_the_distribution(sampling: Sampling) -> None:
    torch.manual_seed(1)
    ids, logits = torch.randint(0, 20, (1, 6)), torch.randn(1, 20)
    many = 20_000
    seeds = [seed_of(0, "sft·chat", "sky", number) for number in range(1, many + 1)]
    rows = Draw(sampling, [6] * many, seeds, 1)(ids.expand(many, -1), logits.expand(many, -1))
    assert rows.isfinite().sum(-1).eq(1).all()
    counts = np.bincount(rows.argmax(-1), minlength=20)
    p = changed(sampling, ids[0].tolist(), logits[0].numpy())
    assert not counts[p == 0].any()
    expected = many * p[p > 0]
    assert normal_of(float((((counts[p > 0] - expected) ** 2) / expected).sum()), len(expected) - 1) < 3.1  # p 0.001


def test_a_token_without_probability_is_never_drawn() -> None:
    logits = torch.tensor([[-torch.inf, 0.0, -torch.inf, 0.0, -torch.inf]]).expand(3, -1)
    assert drawn(logits, torch.tensor([0.0, 0.5, 1 - 2**-53], dtype=torch.float64)).tolist() == [1, 3, 3]


def test_padding_is_no_repetition() -> None:
    """The end token fills up the shorter text on the left, and is not in it."""
    sampling = Sampling(1.0, repetition_penalty=50.0)
    draw = Draw(sampling, [3, 1], [1, 2], 1)
    logits = draw._penalised(torch.tensor([[5, 6, 7], [1, 1, 4]]), torch.ones(2, 8))
    assert logits[1].tolist() == [1, 1, 1, 1, pytest.approx(0.02), 1, 1, 1]


def slowly(folder: Path, prompt: str, sampling: Sampling, name: tuple[str, str, int], limit: int) -> list[int]:
    """One answer alone: a token at a time over the whole prefix, by the slow distribution above."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    turns = [{"role": "user", "content": prompt}]
    head = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    ids, out = tokenizer(head, add_special_tokens=False)["input_ids"], []
    numbers = np.random.Generator(np.random.Philox(key=seed_of(sampling.seed, *name))).random(limit)
    with torch.no_grad():
        while len(out) < limit and (not out or out[-1] != model.config.eos_token_id):
            p = changed(sampling, ids + out, model(torch.tensor([ids + out])).logits[0, -1].numpy())
            out.append(int(np.argmax(np.cumsum(p) > numbers[len(out)])))
    return out


SAMPLED = "temperature: 0.9, top_p: 0.95, top_k: 200, min_p: 0.001, repetition_penalty: 1.1, seed: 7, samples: 3"


def sampled(project: Path, batch: int = 2, more: str = SAMPLED, shards: int = 2) -> dict[str, Response]:
    text = (project / "report.yml").read_text(encoding="utf-8").replace("batch_size: 2", f"batch_size: {batch}, {more}")
    text = text.replace("shard_responses: 2", f"shard_responses: {shards}\noutput: {{shards: shards-{batch}-{shards}}}")
    (project / "sampled.yml").write_text(text, encoding="utf-8")
    return answers(project / "sampled.yml")


def test_sampled_answers_are_those_of_a_slow_loop_each_alone(project: Path) -> None:
    made = sampled(project, batch=5)
    assert len(made) == 12 and len({r.token_ids for r in made.values()}) == 12
    sampling = Sampling(0.9, repetition_penalty=1.1, top_k=200, top_p=0.95, min_p=0.001, seed=7)
    for number in (1, 2, 3):
        name = "sft·chat/sky" + (f"#{number}" if number > 1 else "")
        alone = slowly(project / "sft", "What is blue?", sampling, ("sft·chat", "sky", number), 24)
        assert list(made[name].token_ids) == alone


def test_batches_shards_and_more_samples_do_not_change_an_answer(project: Path) -> None:
    def ids(made: dict[str, Response]) -> dict[str, Any]:
        return {name: r.token_ids for name, r in made.items()}

    first = ids(sampled(project))
    assert ids(sampled(project, batch=7, shards=64)) == first
    more = ids(sampled(project, batch=4, more=SAMPLED.replace("samples: 3", "samples: 4"), shards=1))
    assert more | first == more and len(more) == 16
    other = ids(sampled(project, batch=3, more=SAMPLED.replace("seed: 7", "seed: 8"), shards=5))
    assert all(other[name] != first[name] for name in first)


def test_transformers_order_of_changes() -> None:
    kinds = [type(w).__name__ for w in warpers(SETTINGS[4])]
    assert kinds == ["TemperatureLogitsWarper", "TopKLogitsWarper", "TopPLogitsWarper", "MinPLogitsWarper"]
