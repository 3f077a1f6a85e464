"""Other ways to score the same tokens: each takes a pair, responses and prompts, and returns how many tokens it scored."""

from __future__ import annotations

import contextlib
import io
import logging
from typing import Any

import torch

from tds_atlas.domain import Response
from tds_atlas.inputs.step_settings import ScoreSettings
from tds_atlas.measure.score import Scorer
from tds_atlas.measure.side import Side
from tests.bench.pairs import COMPARISON, Pair

Prompts = dict[str, dict[Any, tuple[int, ...]]]
CHUNK = ScoreSettings().chunk_logits


def scorer(pair: Pair) -> Scorer:
    # Ids are given, so no side needs a context to render one.
    sides = [Side(c, None, lambda model=model: model) for c, model in pair.models.items()]  # type: ignore[arg-type,misc]
    return Scorer(sides, [COMPARISON], 30, pair.batch_tokens, CHUNK)


def ours(pair: Pair, responses: list[Response], prompts: Prompts) -> int:
    """The instrument itself: every statistic of both models, top 30, both KL and JS over the whole vocabulary."""
    work = scorer(pair)
    for batch in work.batches(responses, prompts):
        work.score(batch, prompts)
    return sum(len(r.token_ids) for r in responses)


def limit(pair: Pair, responses: list[Response], prompts: Prompts) -> int:
    """The limit: both bodies on the same batches, heads on response positions only, no statistics at all."""
    work = scorer(pair)
    size = max(64, 400_000 // pair.vocabulary)  # what is fastest on either pair
    with torch.inference_mode():
        for batch in work.batches(responses, prompts):
            for condition, model in pair.models.items():
                states = work._states(condition, batch, prompts)
                for start in range(0, len(states), size):
                    model.head(states[start : start + size])  # type: ignore[misc]
    return sum(len(r.token_ids) for r in responses)


def forward(pair: Pair, responses: list[Response], prompts: Prompts) -> int:
    """The models' own forward on the same batches: logits of every position, those of the prompts too."""
    work = scorer(pair)
    with torch.inference_mode():
        for batch in work.batches(responses, prompts):
            for condition, model in pair.models.items():
                rows = [[*prompts[r.response_id][condition], *r.token_ids[:-1]] for r in batch]
                width = max(map(len, rows))
                model.model(torch.tensor([row + [0] * (width - len(row)) for row in rows]), use_cache=False)
    return sum(len(r.token_ids) for r in responses)


def full_prefix_loop(pair: Pair, responses: list[Response], prompts: Prompts, every: int = 25) -> int:
    """AlignTDS's way: one forward pass over the whole prefix per position, batch of one, softmax and top 30.

    Every 25th position stands for all: the cost grows evenly along an answer.
    """
    count = 0
    with torch.inference_mode():
        for r in responses:
            for t in range(every // 2, len(r.token_ids), every):
                for condition, model in pair.models.items():
                    ids = torch.tensor([[*prompts[r.response_id][condition], *r.token_ids[:t]]])
                    model.model(ids).logits[0, -1].softmax(-1).topk(30)
                count += 1
    return count


def cache_loop(pair: Pair, responses: list[Response], prompts: Prompts) -> int:
    """One position at a time with the KV cache, batch of one, softmax and top 30."""
    with torch.inference_mode():
        for r in responses:
            for condition, model in pair.models.items():
                out = model.model(torch.tensor([prompts[r.response_id][condition]]), use_cache=True)
                for token in r.token_ids:
                    out.logits[0, -1].softmax(-1).topk(30)
                    out = model.model(torch.tensor([[token]]), past_key_values=out.past_key_values, use_cache=True)
    return sum(len(r.token_ids) for r in responses)


class Harness:
    """lm-evaluation-harness: the log-likelihood of the same ids by both models; no ranks, lists or divergences."""

    def __init__(self, pair: Pair, tokenizer: Any, batch_size: int) -> None:
        logging.getLogger("lm_eval").setLevel(logging.ERROR)
        from lm_eval.models.huggingface import HFLM

        with contextlib.redirect_stderr(io.StringIO()):
            self.models = {
                c: HFLM(pretrained=m.model, tokenizer=tokenizer, batch_size=batch_size, max_length=2048, device="cpu")
                for c, m in pair.models.items()
            }

    def __call__(self, pair: Pair, responses: list[Response], prompts: Prompts) -> int:
        for c, model in self.models.items():
            requests = [((r.response_id, ""), list(prompts[r.response_id][c]), list(r.token_ids)) for r in responses]
            model._loglikelihood_tokens(requests, disable_tqdm=True)
        return sum(len(r.token_ids) for r in responses)
