"""What all texts of a condition begin with is read once: the same numbers as of whole texts, where a model can do it."""

from __future__ import annotations

import random
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
import torch

from tds_atlas.domain import Condition, Response
from tds_atlas.measure.engines.opening import LEAST, Opening, shared
from tds_atlas.measure.score import Scorer
from tds_atlas.pipeline.plan import read_plan
from tds_atlas.pipeline.sides import lazy_models, side_of
from tests.measure.test_models import MODELS, loaded

WITHOUT = ("sliding", "stretched", "gemma2", "gemma3", "rwkv", "recurrent", "mamba")


def test_what_texts_share_leaves_each_something_of_its_own() -> None:
    assert shared([(1, 2, 3), (1, 2, 4), (1, 2)]) == 1
    assert shared([(1, 2, 3, 4), (1, 2, 5)]) == 2
    assert shared([(1, 2, 3)] * 2) == 2
    assert shared([(1,), (2,)]) == 0


@pytest.mark.parametrize("name", MODELS)
def test_states_behind_an_opening_are_those_of_whole_texts(name: str, tmp_path: Path) -> None:
    model = loaded(tmp_path, name)
    torch.manual_seed(1)
    opening = tuple(torch.randint(2, 340, (LEAST,)).tolist())
    rows = [(*opening, *torch.randint(2, 340, (n,)).tolist()) for n in (1, 9, 5, 9)]
    with torch.inference_mode(), model.using():
        whole = model.states(rows, list(map(len, rows)))
        for part in (rows, rows[1:3]):  # the second time from what was kept
            found = model.states(part, list(map(len, part)), LEAST)
            for row, x in zip(part, found, strict=True):
                assert x.shape == whole[rows.index(row)].shape
                if model.opening:
                    torch.testing.assert_close(x, whole[rows.index(row)], atol=3e-5, rtol=3e-5)
        assert (model.opening is not None) == (not any(kind in name for kind in WITHOUT))


def test_an_opening_is_read_once_for_all_batches_and_a_short_one_never(tmp_path: Path) -> None:
    model = loaded(tmp_path, "llama")
    opening = tuple(range(2, 2 + LEAST))
    rows = [(*opening, 5, 6), (*opening, 7)]
    with patch.object(Opening, "read", wraps=Opening.read) as read, torch.inference_mode():
        assert model.continues
        read.reset_mock()
        for _ in range(3):
            model.states(rows, list(map(len, rows)), LEAST)
        assert read.call_count == 1
        model.states(rows, list(map(len, rows)), LEAST - 1)
        model.states(rows, list(map(len, rows)))
        assert read.call_count == 1


def test_a_few_shot_context_of_the_pocket_family_gets_the_ranks_of_whole_texts(pocket_report: Path) -> None:
    plan = read_plan(pocket_report)
    models = lazy_models(plan)()
    side = side_of(plan, models, Condition("base", "few-shot"))
    scorer, draw = Scorer([side], [], 5, 4096, 20_000_000), random.Random(0)
    responses = []
    for prompt in plan.prompt_set:
        ids = tuple(draw.randrange(5, 1900) for _ in range(20))
        spans = ((0, 0),) * len(ids)
        name = prompt.prompt_id
        responses.append(Response(name, name, "", None, "", ids, spans, False, "length"))
    prompts = {prompt.prompt_id: prompt for prompt in plan.prompt_set}
    found, _ = scorer.score_all(responses, prompts, lambda n: None)
    assert side.resident.opening is not None and len(side.resident.opening.ids) >= LEAST
    whole = scorer.score(responses, scorer.prompt_ids(prompts))
    by_name = {score.response_id: score for (score,), _ in whole}
    for score in found:
        assert (score.rank == by_name[score.response_id].rank).all()
        np.testing.assert_allclose(score.logprob, by_name[score.response_id].logprob, atol=5e-5)
