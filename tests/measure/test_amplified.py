"""Amplified decoding against a loop of whole passes of both models, combined in float64; and what counts as going round."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
import torch

from tds_atlas.domain import Prompt
from tds_atlas.measure.probes.amplified import Amplified, Draws, amplified, goes_round, louder
from tds_atlas.measure.side import Side
from tests.measure.test_models import own_logits
from tests.measure.test_probes import sides, slowly

ALPHAS, MOST = (-1.0, -0.25, 0.0, 1.0, 2.5), 14


def logits(base: Side, aligned: Side, prompt: Prompt, so_far: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    rows = [(side, [*side.prompt_ids(prompt), *so_far]) for side in (base, aligned)]
    b, a = (own_logits(side.model, row)[-1].double().log_softmax(-1) for side, row in rows)
    return b, a


def numbers(draws: Draws, condition: str, prompt: str, sample: int) -> np.ndarray:
    name = json.dumps([draws.seed, condition, prompt, sample]).encode()
    key = int.from_bytes(hashlib.sha256(name).digest()[:8], "big") >> 1
    return np.random.Generator(np.random.Philox(key=key)).random(MOST)


def check(x: Amplified, base: Side, aligned: Side, prompt: Prompt, draws: Draws | None) -> None:
    """Every token of an answer, its rank and its log-probability."""
    for t, token in enumerate(x.ids):
        b, a = logits(base, aligned, prompt, x.ids[:t])
        both = a + x.alpha * (a - b)
        if draws is None:
            assert token == int(both.argmax())
        else:
            drawn = numbers(draws, aligned.condition.condition_id, prompt.prompt_id, x.sample)[t]
            shares, total, wanted = (both / draws.temperature).softmax(-1).tolist(), 0.0, -1
            while total <= drawn:
                wanted += 1
                total += shares[wanted]
            assert token == wanted
        assert x.base_ranks[t] == 1 + sum(value > b[token] for value in b)
        assert x.logprobs[t] == pytest.approx(float(a[token]), abs=1e-4)
    ends = (base if x.alpha < -0.5 else aligned).model.end_ids
    assert (x.ids[-1] in ends) or len(x.ids) == MOST
    assert not any(token in ends for token in x.ids[:-1])


def test_every_token_against_whole_passes(pocket_report: Path) -> None:
    plan, base, aligned = sides(pocket_report)
    prompts = plan.prompt_set[:2]
    made = amplified(base, aligned, prompts, ALPHAS, MOST)
    assert [(x.prompt, x.sample, x.alpha) for x in made] == [(i, 1, alpha) for i in range(2) for alpha in ALPHAS]
    assert len({tuple(x.ids) for x in made}) > 4
    for x in made:
        prompt = prompts[x.prompt]
        check(x, base, aligned, prompt, None)
        if x.alpha in (0, -1):  # the aligned model as it is, and the base
            side = base if x.alpha else aligned
            assert x.ids == slowly(side.model, side.prompt_ids(prompt), MOST)


def test_draws_are_those_of_prompt_and_sample_whatever_is_beside_them(pocket_report: Path) -> None:
    plan, base, aligned = sides(pocket_report)
    prompts, draws = plan.prompt_set[:2], Draws(temperature=1.5, seed=3, samples=2)
    made = amplified(base, aligned, prompts, (0.0, 1.0), MOST, draws)
    assert [(x.prompt, x.sample, x.alpha) for x in made][:5] == [(0, 1, 0), (0, 1, 1), (0, 2, 0), (0, 2, 1), (1, 1, 0)]
    assert made[0].ids != made[2].ids
    for x in made:
        check(x, base, aligned, prompts[x.prompt], draws)
    with patch("tds_atlas.measure.probes.amplified.rows_at_once", lambda *_: 3):
        again = amplified(base, aligned, prompts[::-1], (0.0, 1.0), MOST, draws)
    assert [x.ids for x in again[4:] + again[:4]] == [x.ids for x in made]


def test_a_token_that_one_model_does_not_have_or_rules_out_is_written_at_0_alone() -> None:
    inf = torch.inf
    base, aligned = torch.tensor([[0.0, 1.0, -inf, 2.0]]), torch.tensor([[1.0, -inf, 8.0, 2.0, 9.0]])
    assert louder(base, aligned, 0).tolist() == [[1.0, -inf, 8.0, 2.0, 9.0]]
    assert louder(base, aligned, 1).tolist() == louder(base, aligned[:, :4], 1).tolist() == [[2.0, -inf, -inf, 2.0]]
    assert louder(base, aligned, 1).dtype == torch.float64


def test_going_round_against_every_passage_at_every_place() -> None:
    draw, found = random.Random(0), 0
    for _ in range(400):
        ids = [draw.randrange(2) for _ in range(draw.randrange(50))]
        if draw.random() < 0.5:
            passage = [draw.randrange(9) for _ in range(draw.randrange(1, 19))]
            ids = ids[:5] + (passage * 20)[: draw.randrange(8, 60)] + ids[5:9]
        stretches = (
            (ids[start : start + max(3 * length, 12)], length) for length in range(1, 17) for start in range(len(ids))
        )
        slow = any(
            len(part) == max(3 * n, 12) and all(x == y for x, y in zip(part[n:], part, strict=False))
            for part, n in stretches
        )
        assert goes_round(ids) == slow
        found += slow
    assert 50 < found < 350
