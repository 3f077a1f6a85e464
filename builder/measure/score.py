"""One teacher-forced pass per condition over given responses: the statistics of every position, and of every pair.

Bodies run on batches of like length; heads and statistics run on chunks of response positions, so no [T, V] tensor of a
whole batch ever exists. Token ids go through untouched. Knows no text and no file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from builder.domain import Condition, Divergence, InputError, Response, Score
from builder.measure import distance
from builder.measure.models import LoadedModel

PromptIds = Mapping[str, Mapping[Condition, tuple[int, ...]]]  # response_id -> condition -> ids before the answer


@dataclass(frozen=True)
class Pair:
    """A comparison, as far as scoring needs to know it."""

    comparison_id: str
    base: Condition
    aligned: Condition


@dataclass(frozen=True)
class Scorer:
    """What to compute and in what portions."""

    models: Mapping[Condition, LoadedModel]
    pairs: Sequence[Pair]
    top_k: int
    batch_tokens: int
    chunk_positions: int

    def batches(self, responses: Sequence[Response], prompts: PromptIds) -> Iterator[list[Response]]:
        """Responses of like length, as many as fit into batch_tokens padded tokens (at least one)."""

        def length(response: Response) -> int:
            return max(map(len, prompts[response.response_id].values())) + len(response.token_ids)

        batch: list[Response] = []
        for response in sorted(responses, key=length):
            if batch and length(response) * (len(batch) + 1) > self.batch_tokens:
                yield batch
                batch = []
            batch.append(response)
        yield batch

    def score(self, batch: Sequence[Response], prompts: PromptIds) -> tuple[list[Score], list[Divergence]]:
        """Scores by every condition and divergences of every pair, for the responses of one batch."""
        with torch.inference_mode():
            states = {c: self._states(c, batch, prompts) for c in self.models}
            ids = torch.tensor([i for response in batch for i in response.token_ids])  # [N]
            columns = [self._chunk(states, ids, start) for start in range(0, len(ids), self.chunk_positions)]
        flat = {key: np.concatenate([chunk[key] for chunk in columns]) for key in columns[0]}
        return _split(flat, batch, self.models, self.pairs)

    def _states(self, condition: Condition, batch: Sequence[Response], prompts: PromptIds) -> Tensor:
        """[N, d] hidden states (or [N, V] logits) that predict the batch's response positions, one after another."""
        model = self.models[condition]
        rows = [(*prompts[r.response_id][condition], *r.token_ids[:-1]) for r in batch]
        _check_length(model, batch, rows)
        width = max(map(len, rows))
        ids = torch.tensor([[*row, *[0] * (width - len(row))] for row in rows], device=model.device)  # [B, T]
        out = model.body(ids) if model.head else model.logits(ids)  # [B, T, d or V]
        return torch.cat(
            [out[i, len(row) - len(r.token_ids) : len(row)] for i, (row, r) in enumerate(zip(rows, batch, strict=True))]
        )

    def _chunk(self, states: Mapping[Condition, Tensor], ids: Tensor, start: int) -> dict[tuple[str, str], np.ndarray]:
        """Every statistic of up to chunk_positions positions, keyed by (condition or comparison id, name)."""
        stop = start + self.chunk_positions
        own = ids[start:stop]
        out: dict[tuple[str, str], np.ndarray] = {}
        logps: dict[Condition, Tensor] = {}
        for condition, model in self.models.items():
            hidden = states[condition][start:stop]
            logits = (model.head(hidden) if model.head else hidden).float()  # [T, V]
            logps[condition] = logits.log_softmax(-1)  # [T, V]
            out |= {
                (condition.condition_id, name): value.cpu().numpy()
                for name, value in _statistics(logits, logps[condition], own.to(logits.device), self.top_k).items()
            }
        for pair in self.pairs:
            out |= {
                (pair.comparison_id, name): value.cpu().numpy()
                for name, value in _divergences(logps[pair.aligned], logps[pair.base]).items()
            }
        return out


def _statistics(logits: Tensor, logp: Tensor, ids: Tensor, k: int) -> dict[str, Tensor]:
    top = logp.topk(min(k, logp.shape[-1]), dim=-1)
    return {
        "logprob": logp.gather(-1, ids[:, None])[:, 0],
        "rank": distance.rank(logits, ids),
        "entropy": distance.entropy(logp),
        "top_ids": top.indices.int(),
        "top_logprobs": top.values,
    }


def _divergences(aligned: Tensor, base: Tensor) -> dict[str, Tensor]:
    """Over the ids that both models have: a padded head may be wider than the other, past any token."""
    width = min(aligned.shape[-1], base.shape[-1])
    base, aligned = base[:, :width].to(aligned.device), aligned[:, :width]
    return {
        "kl_aligned_base": distance.kl(aligned, base),
        "kl_base_aligned": distance.kl(base, aligned),
        "js": distance.js(aligned, base),
    }


def _split(
    flat: Mapping[tuple[str, str], np.ndarray],
    batch: Sequence[Response],
    conditions: Mapping[Condition, LoadedModel],
    pairs: Sequence[Pair],
) -> tuple[list[Score], list[Divergence]]:
    """The batch's columns cut into one record per response."""
    scores, divergences, start = [], [], 0
    for response in batch:
        part = slice(start, start := start + len(response.token_ids))
        for c in conditions:
            scores.append(Score(response.response_id, c.condition_id, **_named(flat, c.condition_id, part)))
        for pair in pairs:
            columns = _named(flat, pair.comparison_id, part)
            divergences.append(Divergence(response.response_id, pair.comparison_id, **columns))
    return scores, divergences


def _named(flat: Mapping[tuple[str, str], np.ndarray], owner: str, part: slice) -> dict[str, np.ndarray]:
    return {name: values[part] for (key, name), values in flat.items() if key == owner}


def _check_length(model: LoadedModel, batch: Sequence[Response], rows: Sequence[tuple[int, ...]]) -> None:
    limit = model.context_length
    for response, row in zip(batch, rows, strict=True):
        if limit is not None and len(row) > limit:
            raise InputError(
                f"response {response.response_id!r}: {len(row)} tokens with its prompt exceed the {limit} "
                f"positions of model {model.checkpoint.model_id}; shorten or leave it out"
            )
