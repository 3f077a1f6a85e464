"""Vocabulary fingerprint: which tokens tuning raises most, and lowers most, on texts that have nothing to do with it.

Both models read the same ids; after each of them stands Δ = ln p of the aligned model - ln p of the base, a number for
each token that both have. What is added to all logits of a position changes no Δ and no order. Knows no file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tds_atlas.domain import InputError
from tds_atlas.inputs.neutral_texts import NeutralText
from tds_atlas.inputs.settings import ContextSettings
from tds_atlas.measure.contexts import Frame
from tds_atlas.measure.engines.transformers import LoadedModel
from tds_atlas.measure.memory import in_batches
from tds_atlas.measure.side import Ids, Side

_ON_A_CPU = 2_000_000  # logits of a model whose differences are taken at a time


@dataclass(frozen=True)
class Raised:
    """A text as both models read it, and after each of its ids what tuning raised and lowered most."""

    text: NeutralText
    ids: Ids  # [n], begin token included
    begin: int  # how many of them are begin tokens
    up_ids: np.ndarray  # [n, k] int32, the largest Δ first
    up_nats: np.ndarray  # [n, k] float32
    down_ids: np.ndarray  # [n, k] int32, the smallest Δ first
    down_nats: np.ndarray  # [n, k] float32


def fingerprint(
    base: Side,
    aligned: Side,
    texts: Sequence[NeutralText],
    tokens: int,
    top: int,
    batch_tokens: int,
    chunk_logits: int,
) -> Iterator[Raised]:
    """Every text up to so many tokens, in the order given."""
    models = (base.resident, aligned.resident)
    frame = Frame("neutral", ContextSettings(kind="plain", template="{prompt}"), aligned.frame.tokenizer)
    most = min(tokens, *(model.context_length or tokens for model in models))
    rows = [frame.prompt_ids(text.text)[:most] for text in texts]
    order = sorted(range(len(rows)), key=lambda n: len(rows[n]))
    size = max(1, batch_tokens // most)

    def work(batch: Sequence[int]) -> list[tuple[np.ndarray, ...]]:
        return _extremes_of(models, [rows[n] for n in batch], top, chunk_logits)

    def too_large(n: int) -> InputError:
        return InputError(f"text {texts[order[n]].text_id!r} alone does not fit into memory; lower fingerprint.tokens")

    made = dict(zip(order, in_batches(work, order, size, too_large), strict=True))
    for n, text in enumerate(texts):
        yield Raised(text, rows[n], frame.begin_count(rows[n]), *made[n])


def _extremes_of(
    models: tuple[LoadedModel, LoadedModel], rows: Sequence[Ids], top: int, chunk_logits: int
) -> list[tuple[np.ndarray, ...]]:
    """Of each row ids and nats of the tokens raised most, and of those lowered most, after each of its ids."""
    lengths = [len(row) for row in rows]
    with torch.inference_mode():
        states = [_states(model, rows, lengths) for model in models]  # 2 x [N, d]
        width = max(model.vocab_size for model in models)
        on_cpu = all(model.device.type == "cpu" for model in models)
        size = max(1, (min(chunk_logits, _ON_A_CPU) if on_cpu else chunk_logits) // width)
        parts = []
        for start in range(0, sum(lengths), size):
            pair = [_logits(model, x[start : start + size]) for model, x in zip(models, states, strict=True)]
            parts.append([x.cpu().numpy() for x in extremes(pair[0], pair[1].to(pair[0].device), top)])
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    ends = np.cumsum(lengths)[:-1]
    return list(zip(*(np.split(column, ends) for column in columns), strict=True))


def extremes(base: Tensor, aligned: Tensor, top: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """[n, V] logits of both -> [n, k] ids and Δ of the tokens raised most, then of those lowered most.

    Over the ids that both have. A token that one of them rules out has no Δ.
    """
    width = min(base.shape[-1], aligned.shape[-1])
    b, a = base[:, :width], aligned[:, :width]
    delta = (a - a.logsumexp(-1, keepdim=True)) - (b - b.logsumexp(-1, keepdim=True))
    known = delta.isfinite()
    k = min(top, width)
    up = delta.masked_fill(~known, -torch.inf).topk(k)
    down = delta.masked_fill(~known, torch.inf).topk(k, largest=False)
    return up.indices.int(), up.values.float(), down.indices.int(), down.values.float()


def _states(model: LoadedModel, rows: Sequence[Ids], lengths: Sequence[int]) -> Tensor:
    """[N, d] hidden states (or [N, V] logits) of all rows, one after another."""
    with model.using():
        return torch.cat(model.states([model.readable(row) for row in rows], lengths))


def _logits(model: LoadedModel, states: Tensor) -> Tensor:
    """[n, V] float32"""
    with model.using():
        return (model.head(states) if model.head else states).float()
