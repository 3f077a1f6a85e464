"""One teacher-forced pass per condition over given responses: the statistics of every position, and of every pair.

Bodies run on batches of similar length, heads and statistics on chunks of response positions, so that no [T, V] tensor
of a whole batch ever exists. Token ids pass through unchanged. Knows no text and no file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from tds_atlas.domain import REBATCHED, Comparison, Condition, Divergence, InputError, Prompt, Response, Score
from tds_atlas.measure import distance
from tds_atlas.measure.distance import Distribution
from tds_atlas.measure.engines.transformers import LoadedModel
from tds_atlas.measure.memory import without_overflow
from tds_atlas.measure.side import PromptIds, Side

_IN_CACHE = 400_000  # logits per condition that the statistics of a CPU work on at a time
_ROWS = 64  # positions that a head works on at a time, at least: with fewer its weights are read too often
_ON_A_GPU = 16  # times as many logits as on a CPU
ScoresAndDivergences = tuple[list[Score], list[Divergence]]


@dataclass(frozen=True)
class Scorer:
    """What to compute, and how much at a time."""

    sides: Sequence[Side]
    comparisons: Sequence[Comparison]
    top_k: int
    batch_tokens: int
    chunk_logits: int

    @cached_property
    def models(self) -> dict[Condition, LoadedModel]:
        """The model of each side, loaded on first use."""
        return {side.condition: side.model for side in self.sides}

    def prompt_ids(self, prompts: Mapping[str, Prompt]) -> PromptIds:
        """The ids that each side reads before each answer. `prompts`: response_id -> its prompt."""
        return {
            response_id: {side.condition: side.prompt_ids(prompt) for side in self.sides}
            for response_id, prompt in prompts.items()
        }

    @cached_property
    def widest(self) -> int:
        """Width of the widest logits."""
        return max(model.vocab_size for model in self.models.values())

    def batches(self, responses: Sequence[Response], prompts: PromptIds) -> Iterator[list[Response]]:
        """Responses of similar length, as many as fit into batch_tokens padded tokens (at least one)."""

        def length(response: Response) -> int:
            return max(map(len, prompts[response.response_id].values())) + len(response.token_ids)

        batch: list[Response] = []
        for response in sorted(responses, key=length):
            if batch and length(response) * (len(batch) + 1) > self.batch_tokens:
                yield batch
                batch = []
            batch.append(response)
        yield batch

    def score_all(
        self, responses: Sequence[Response], prompts: Mapping[str, Prompt], advance: Callable[[int], None]
    ) -> ScoresAndDivergences:
        """Scores and divergences of all responses, batch by batch; `prompts`: response_id -> its prompt."""
        ids = self.prompt_ids(prompts)
        scores, divergences = list[Score](), list[Divergence]()
        for batch in self.batches(responses, ids):
            for response_scores, response_divergences in self.score(batch, ids):
                scores += response_scores
                divergences += response_divergences
            advance(sum(len(r.token_ids) for r in batch))
        return scores, divergences

    def score(self, batch: Sequence[Response], prompts: PromptIds) -> list[ScoresAndDivergences]:
        """Scores by every condition and divergences of every comparison, one result per response of the batch.

        If memory runs out, the batch is halved. Raises InputError naming the response: too long for a model or for the
        memory, or logits that are not numbers.
        """
        for condition, model in self.models.items():
            _check_length(model, batch, [prompts[r.response_id][condition] for r in batch])
        return without_overflow(lambda part: self._score(part, prompts), batch, lambda i: _too_large(batch[i]))

    def _score(self, batch: Sequence[Response], prompts: PromptIds) -> list[ScoresAndDivergences]:
        with torch.inference_mode():
            states = {c: self._states(c, batch, prompts) for c in self.models}
            ids = torch.tensor([i for response in batch for i in response.token_ids])  # [N]
            on_cpu = all(model.device.type == "cpu" for model in self.models.values())
            step = max(1, (_IN_CACHE if on_cpu else _ON_A_GPU * self.chunk_logits) // self.widest)
            size = max(step, min(_ROWS, self.chunk_logits // self.widest))
            chunks = [
                chunk for i in range(0, len(ids), size) for chunk in self._portion(states, batch, ids, i, size, step)
            ]
        flat = {key: np.concatenate([chunk[key] for chunk in chunks]) for key in chunks[0]}
        return list(_split(flat, batch, self.models, self.comparisons))

    def _states(self, condition: Condition, batch: Sequence[Response], prompts: PromptIds) -> Tensor:
        """[N, d] hidden states (or [N, V] logits) that predict the batch's response positions, one after another."""
        model = self.models[condition]
        rows = [(*prompts[r.response_id][condition], *model.readable(r.token_ids[:-1])) for r in batch]
        with model.using():
            if condition.arithmetic == REBATCHED:
                out = [states_behind_padding(model, row) for row in rows]
            else:
                out = hidden_states(model, rows)
        return torch.cat([x[-len(response.token_ids) :] for x, response in zip(out, batch, strict=True)])

    def _portion(
        self,
        states: Mapping[Condition, Tensor],
        batch: Sequence[Response],
        ids: Tensor,
        start: int,
        size: int,
        step: int,
    ) -> Iterator[dict[tuple[str, str], np.ndarray]]:
        """Every statistic of `size` positions, `step` at a time, keyed by (condition or comparison id, name)."""
        logits = {}
        for condition, model in self.models.items():
            rows = states[condition][start : start + size]
            with model.using():
                logits[condition] = (model.head(rows) if model.head else rows).float()  # [T, V]
        own = ids[start : start + size]
        for i in range(0, len(own), step):
            few = {c: x[i : i + step] for c, x in logits.items()}
            yield self._statistics(few, own[i : i + step], batch, start + i)

    def _statistics(
        self, logits: Mapping[Condition, Tensor], own: Tensor, batch: Sequence[Response], start: int
    ) -> dict[tuple[str, str], np.ndarray]:
        """Of the positions from `start` on. Overwrites the logits."""
        out: dict[tuple[str, str], np.ndarray] = {}
        distributions: dict[Condition, Distribution] = {}
        for condition, raw in logits.items():
            ids = own.to(raw.device)
            rank = distance.rank(raw, ids)
            x = distributions[condition] = Distribution.of(raw)
            if not bool(x.mass.isfinite().all()):
                bad = start + int(x.mass.isfinite().logical_not().nonzero()[0])
                raise _not_a_number(self.models[condition], batch, bad)
            columns = _of_one(x, ids, min(self.top_k, self.widest)) | {"rank": rank}
            out |= {(condition.condition_id, name): value.cpu().numpy() for name, value in columns.items()}
        for c in self.comparisons:
            names = ("kl_aligned_base", "kl_base_aligned", "js", "clamped")
            values = divergences_of(distributions[c.aligned], distributions[c.base])
            for name, value in zip(names, values, strict=True):
                out[c.comparison_id, name] = value.cpu().numpy()
        return out


def hidden_states(model: LoadedModel, rows: Sequence[Sequence[int]]) -> list[Tensor]:
    """[n, d] hidden states (or [n, V] logits) of each row: together, padded on the right, if that gives the same."""
    width = max(map(len, rows))
    if model.head is None or width > model.static_rope_length:
        forward = model.body if model.head else model.logits
        return [forward(torch.tensor([row], device=model.device))[0] for row in rows]
    ids = torch.tensor([[*row, *[0] * (width - len(row))] for row in rows], device=model.device)  # [B, T]
    return [x[: len(row)] for x, row in zip(model.body(ids), rows, strict=True)]


def states_behind_padding(model: LoadedModel, row: Sequence[int]) -> Tensor:
    """[n, d or V] The same numbers computed differently: a row alone, behind masked padding if that changes nothing."""
    forward = model.body if model.head else model.logits
    pad = 1 + len(row) % 7 if model.hides_padding else 0
    ids = torch.tensor([[0] * pad + list(row)], device=model.device)
    mask = torch.tensor([[0] * pad + [1] * len(row)], device=model.device)
    return forward(ids, attention_mask=mask, **model.position_ids(mask))[0, pad:]


def _of_one(x: Distribution, ids: Tensor, k: int) -> dict[str, Tensor]:
    """An id beyond the vocabulary has log-probability -inf; a list longer than the vocabulary is filled with id -1."""
    in_vocabulary = ids < x.logp.shape[-1]
    own = x.logp.gather(-1, ids.where(in_vocabulary, 0)[:, None])[:, 0]
    values, indices = distance.top(x.logp, k)
    padding = k - values.shape[-1]
    return {
        "logprob": own.where(in_vocabulary, -torch.inf),
        "entropy": distance.entropy(x),
        "top_ids": torch.nn.functional.pad(indices.int(), (0, padding), value=-1),
        "top_logprobs": torch.nn.functional.pad(values, (0, padding), value=-torch.inf),
    }


def divergences_of(aligned: Distribution, base: Distribution) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Over the ids that both models have: if one vocabulary extends the other, both are conditioned on those ids."""
    width = min(aligned.logp.shape[-1], base.logp.shape[-1])
    device = aligned.logp.device
    base = Distribution(*(t.to(device) for t in (base.logp, base.p, base.mass, base.rounding)))
    return distance.divergences(*(x if x.logp.shape[-1] == width else x.given_first(width) for x in (aligned, base)))


def _split(
    flat: Mapping[tuple[str, str], np.ndarray],
    batch: Sequence[Response],
    conditions: Mapping[Condition, LoadedModel],
    comparisons: Sequence[Comparison],
) -> Iterator[ScoresAndDivergences]:
    """The batch's columns split into one record per response and condition or comparison."""
    start = 0
    for response in batch:
        part, name = slice(start, start := start + len(response.token_ids)), response.response_id
        yield (
            [Score(name, c.condition_id, **_columns_of(flat, c.condition_id, part)) for c in conditions],
            [Divergence(name, c.comparison_id, **_columns_of(flat, c.comparison_id, part)) for c in comparisons],
        )


def _columns_of(flat: Mapping[tuple[str, str], np.ndarray], owner: str, part: slice) -> dict[str, np.ndarray]:
    return {name: values[part] for (key, name), values in flat.items() if key == owner}


def _check_length(model: LoadedModel, batch: Sequence[Response], prompts: Sequence[tuple[int, ...]]) -> None:
    limit = model.context_length
    for response, prompt_ids in zip(batch, prompts, strict=True):
        length = len(prompt_ids) + len(response.token_ids) - 1
        if limit is not None and length > limit:
            raise InputError(
                f"response {response.response_id!r}: {length} tokens with its prompt exceed the {limit} positions of "
                f"model {model.checkpoint.model_id}; shorten it, or leave {response.prompt_id!r} out with leave_out"
            )


def _too_large(response: Response) -> InputError:
    return InputError(
        f"response {response.response_id!r}: its {len(response.token_ids)} tokens do not fit into memory even alone; "
        f"lower score.chunk_logits, or leave {response.prompt_id!r} out with leave_out"
    )


def _not_a_number(model: LoadedModel, batch: Sequence[Response], position: int) -> InputError:
    for response in batch:
        if position < len(response.token_ids):
            break
        position -= len(response.token_ids)
    return InputError(
        f"response {response.response_id!r}, position {position}: model {model.checkpoint.model_id} gives logits "
        "that are not numbers; check its weights, or run it with dtype: float32"
    )
