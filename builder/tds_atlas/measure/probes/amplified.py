"""Amplified decoding: answers from ℓ + α (ℓ - ℓ of the base), where ℓ is what the aligned model says: tuning, louder.

Both models read the same answer so far, each in its own context. α = 0 is the aligned model as it is, α = -1 the base.
The answers to a prompt at all α begin alike, and what is alike so far is read once. Knows no file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from tds_atlas.domain import Prompt
from tds_atlas.measure.engines.transformers import LoadedModel
from tds_atlas.measure.memory import in_batches, rows_at_once
from tds_atlas.measure.probes.reader import Reader
from tds_atlas.measure.sampling import drawn, seed_of
from tds_atlas.measure.side import Ids, Side

_PASSAGE, _AGAIN, _LOOP = 16, 3, 12  # tokens that a loop goes round at most; times that it does; tokens of it in all


@dataclass(frozen=True)
class Draws:
    """How the tokens of answers are drawn."""

    temperature: float
    seed: int
    samples: int


@dataclass
class Amplified:
    """One answer, and what was measured at each of its tokens."""

    prompt: int  # index into the prompts
    sample: int  # from 1
    alpha: float
    numbers: np.ndarray | None = None  # [most] that pick its tokens; None: greedily
    ids: list[int] = field(default_factory=list)  # [n] with the end token last, if it was reached
    base_ranks: list[int] = field(default_factory=list)  # [n] in the base's distribution
    logprobs: list[float] = field(default_factory=list)  # [n] by the aligned model as it is, nats


def amplified(
    base: Side,
    aligned: Side,
    prompts: Sequence[Prompt],
    alphas: Sequence[float],
    max_new_tokens: int,
    draws: Draws | None = None,
) -> list[Amplified]:
    """Every prompt at every α. Of a draw the same numbers pick the tokens at all α, so that what differs is α."""
    heads = [(base.prompt_ids(prompt), aligned.prompt_ids(prompt)) for prompt in prompts]
    answers: list[Amplified] = []
    for i, prompt in enumerate(prompts):
        for sample in range(1, (draws.samples if draws else 1) + 1):
            numbers = _numbers(draws, aligned, prompt, sample, max_new_tokens) if draws else None
            answers += [Amplified(i, sample, alpha, numbers) for alpha in alphas]
    models = (base.resident, aligned.resident)
    longest = max((len(ids) for pair in heads for ids in pair), default=0) + max_new_tokens
    size = rows_at_once(models, longest, len(answers) or 1)

    def work(batch: Sequence[Amplified]) -> list[Amplified]:
        for answer in batch:  # a batch that did not fit has begun
            answer.ids, answer.base_ranks, answer.logprobs = [], [], []
        temperature = draws.temperature if draws else 1.0
        write(*models, [heads[answer.prompt] for answer in batch], batch, max_new_tokens, temperature)
        return list(batch)

    return in_batches(work, answers, size, lambda i: aligned.out_of_memory(prompts[answers[i].prompt]))


def write(
    base: LoadedModel,
    aligned: LoadedModel,
    heads: Sequence[tuple[Ids, Ids]],  # the ids before each answer, for base and aligned
    answers: Sequence[Amplified],
    most: int,
    temperature: float = 1.0,
) -> None:
    """Write the answers to their ends, which are those of the model that weighs more, or to so many tokens."""
    rows: dict[tuple[Ids, Ids], list[Amplified]] = {}  # those that are alike so far
    for head, answer in zip(heads, answers, strict=True):
        rows.setdefault(head, []).append(answer)
    with torch.inference_mode():
        readers = [Reader(model, [head[side] for head in rows]) for side, model in enumerate((base, aligned))]
        logits = [reader.read() for reader in readers]  # 2 x [B, V]
        going = list(rows.values())
        while True:
            new: dict[tuple[int, int], list[Amplified]] = {}
            for n, answer, token in _step(going, logits[0], logits[1], temperature):
                ends = (aligned if answer.alpha > -0.5 else base).end_ids
                if token not in ends and len(answer.ids) < most:
                    new.setdefault((n, token), []).append(answer)
            if not new:
                return
            going = list(new.values())
            for reader in readers:
                reader.keep([n for n, _ in new])
            logits = [reader.read([token for _, token in new]) for reader in readers]


def louder(base: Tensor, aligned: Tensor, alpha: float) -> Tensor:
    """[n, V] logits of both -> [n, V] float64, up to a constant of each row.

    Over the ids that both have: a token that one of them rules out has no difference, and is written at α = 0 alone.
    """
    if alpha == 0:
        return aligned.double()
    width = min(base.shape[-1], aligned.shape[-1])
    b, a = base[:, :width].double(), aligned[:, :width].double()
    return (a + alpha * (a - b)).masked_fill(~(a.isfinite() & b.isfinite()), -torch.inf)


def goes_round(ids: Sequence[int]) -> bool:
    """Whether a passage of at most 16 tokens follows itself twice or more, 12 tokens or more in all."""
    for length in range(1, min(_PASSAGE, len(ids) // _AGAIN) + 1):
        run, least = 0, max((_AGAIN - 1) * length, _LOOP - length)
        for at in range(length, len(ids)):
            run = run + 1 if ids[at] == ids[at - length] else 0
            if run >= least:
                return True
    return False


def _step(
    going: Sequence[Sequence[Amplified]], base: Tensor, aligned: Tensor, temperature: float
) -> list[tuple[int, Amplified, int]]:
    """Give every answer its next token. Returns the row that each was in, the answer and the token."""
    if base.device.type == "mps":  # which has no float64
        base = base.cpu()
    aligned = aligned.to(base.device)
    said = []
    for alpha in dict.fromkeys(answer.alpha for row in going for answer in row):
        mine = [(n, answer) for n, row in enumerate(going) for answer in row if answer.alpha == alpha]
        at = torch.tensor([n for n, _ in mine], device=base.device)
        b, a = base[at], aligned[at]  # 2 x [n, V]
        tokens = _chosen(louder(b, a, alpha) / temperature, [answer for _, answer in mine])
        for (n, answer), *column in zip(mine, tokens, _ranks(b, tokens), _logprobs(a, tokens), strict=True):
            token, rank, logprob = (x.item() for x in column)
            answer.ids.append(token)
            answer.base_ranks.append(rank)
            answer.logprobs.append(logprob)
            said.append((n, answer, token))
    return sorted(said, key=lambda row: row[0])


def _chosen(scores: Tensor, answers: Sequence[Amplified]) -> Tensor:
    """[n, V] -> [n] the likeliest ids, or those that the answers' numbers pick."""
    numbers = [answer.numbers[len(answer.ids)] for answer in answers if answer.numbers is not None]
    return drawn(scores, torch.tensor(numbers)) if numbers else scores.argmax(-1)


def _ranks(base: Tensor, tokens: Tensor) -> Tensor:
    """[n, V] logits, [n] ids -> [n] ranks; an id that the base does not have is behind all others."""
    known = tokens < base.shape[-1]
    own = base.gather(-1, tokens.clamp_max(base.shape[-1] - 1)[:, None])
    ranks: Tensor = 1 + (base > own).sum(-1)
    return ranks.where(known, base.shape[-1] + 1)


def _logprobs(aligned: Tensor, tokens: Tensor) -> Tensor:
    """[n, V] logits, [n] ids -> [n] nats"""
    return aligned.log_softmax(-1).gather(-1, tokens[:, None])[:, 0]


def _numbers(draws: Draws, side: Side, prompt: Prompt, sample: int, most: int) -> np.ndarray:
    key = seed_of(draws.seed, side.condition.condition_id, prompt.prompt_id, sample)
    return np.random.Generator(np.random.Philox(key=key)).random(most)
