"""One teacher-forced pass per condition over given responses: the statistics of every position, and of every pair.

Bodies run on batches of similar length, heads and statistics on chunks of response positions, so that no [T, V] tensor
of a whole batch ever exists. Token ids pass through unchanged. Knows no text and no file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import numpy as np
import torch
from torch import Tensor

from tds_atlas.domain import REBATCHED, Comparison, Condition, Divergence, Prompt, Response, Score
from tds_atlas.measure.bounds import LEAST
from tds_atlas.measure.engines.engine import ExactModel, Model, gives_lists
from tds_atlas.measure.engines.opening import shared
from tds_atlas.measure.memory import without_overflow
from tds_atlas.measure.output_head import LinearHead
from tds_atlas.measure.pairs import check_widths, divergences
from tds_atlas.measure.score_errors import check_length, not_a_number, too_large
from tds_atlas.measure.side import PromptIds, Side
from tds_atlas.measure.statistics import Columns, Rows, rows_on

_IN_CACHE = 400_000  # logits per condition that stay in a CPU's cache between a head and the statistics
_ROWS = 128  # positions that a head works on at a time, at least: with fewer its weights are read too often
_ON_A_GPU = 4  # times as many logits as on a CPU
Openings = Mapping[Condition, int]
NO_OPENINGS: Openings = {}
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
    def models(self) -> dict[Condition, Model]:
        """The model of each side, loaded on first use. Raises InputError for a comparison that cannot be made."""
        models = {side.condition: side.model for side in self.sides}
        for c in self.comparisons:
            check_widths(c, models[c.base], models[c.aligned])
        return models

    @cached_property
    def exact(self) -> dict[Condition, ExactModel]:
        """Those whose whole distributions are known."""
        return {c: cast(ExactModel, model) for c, model in self.models.items() if not gives_lists(model)}

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
        # Of all prompts at hand, and not of a batch: what is read together decides the last digits.
        openings = {side.condition: shared([of[side.condition] for of in ids.values()]) for side in self.sides}
        scores, divergences = list[Score](), list[Divergence]()
        for batch in self.batches(responses, ids):
            for response_scores, response_divergences in self.score(batch, ids, openings):
                scores += response_scores
                divergences += response_divergences
            advance(sum(len(r.token_ids) for r in batch))
        return scores, divergences

    def score(
        self, batch: Sequence[Response], prompts: PromptIds, openings: Openings = NO_OPENINGS
    ) -> list[ScoresAndDivergences]:
        """Scores by every condition and divergences of every comparison, one result per response of the batch.

        openings: how many ids all prompts of a condition begin with. If memory runs out, the batch is halved. Raises
        InputError naming the response: too long for a model or for the memory, or logits that are not numbers.
        """
        for condition, model in self.models.items():
            check_length(model, batch, [prompts[r.response_id][condition] for r in batch])

        def work(part: Sequence[Response]) -> list[ScoresAndDivergences]:
            return self._score(part, prompts, openings)

        return without_overflow(work, batch, lambda i: too_large(batch[i]))

    def _score(self, batch: Sequence[Response], prompts: PromptIds, openings: Openings) -> list[ScoresAndDivergences]:
        with torch.inference_mode():
            states = {c: self._states(c, batch, prompts, openings.get(c, 0)) for c in self.exact}
            lists = {c: self._lists(c, batch, prompts) for c in self.models if c not in self.exact}
            ids = torch.tensor([i for response in batch for i in response.token_ids])  # [N]
            size = self._rows_at_once
            chunks = [self._portion(states, lists, batch, ids, start, size) for start in range(0, len(ids), size)]
        flat = {key: np.concatenate([chunk[key] for chunk in chunks]) for key in chunks[0]}
        return list(_split(flat, batch, self.models, self.comparisons))

    def _states(self, condition: Condition, batch: Sequence[Response], prompts: PromptIds, opening: int = 0) -> Tensor:
        """[N, d] hidden states (or [N, V] logits) that predict the batch's response positions, one after another."""
        model = self.exact[condition]
        rows = [(*prompts[r.response_id][condition], *model.readable(r.token_ids[:-1])) for r in batch]
        last = [len(response.token_ids) for response in batch]
        with model.using():
            if condition.arithmetic == REBATCHED:
                return torch.cat([model.states_again(row, n) for row, n in zip(rows, last, strict=True)])
            return torch.cat(model.states(rows, last, opening))

    def _lists(self, condition: Condition, batch: Sequence[Response], prompts: PromptIds) -> Columns:
        """The columns of the batch's response positions, one after another, of a model that gives no more."""
        model = self.models[condition]
        assert gives_lists(model)
        return model.lists(batch, [prompts[r.response_id][condition] for r in batch], self._k)

    @property
    def _k(self) -> int:
        """The length of the lists that are stored."""
        return min(self.top_k, self.widest)

    @cached_property
    def _rows_at_once(self) -> int:
        """Positions whose logits are in memory at a time."""
        if any(model.device.type != "cpu" for model in self.exact.values()):
            return max(1, _ON_A_GPU * self.chunk_logits // self.widest)
        return max(1, min(max(_ROWS, _IN_CACHE // self.widest), self.chunk_logits // self.widest))

    def _portion(
        self,
        states: Mapping[Condition, Tensor],
        lists: Mapping[Condition, Columns],
        batch: Sequence[Response],
        ids: Tensor,
        start: int,
        size: int,
    ) -> dict[tuple[str, str], np.ndarray]:
        """Every statistic of `size` positions, keyed by (condition or comparison id, name)."""
        logits = {}
        for condition, model in self.exact.items():
            rows = states[condition][start : start + size]
            with model.using():
                logits[condition] = self._logits(condition, rows).float()  # [T, V]
        columns = {c: {name: x[start : start + size] for name, x in found.items()} for c, found in lists.items()}
        return self._statistics(logits, columns, ids[start : start + size], batch, start)

    def _logits(self, condition: Condition, rows: Tensor) -> Tensor:
        """[T, V] Of hidden states, or what already are logits; they stand where those of the last portion stood."""
        head = self.exact[condition].head
        if not isinstance(head, LinearHead):
            return head(rows) if head else rows
        if condition not in self._rooms:
            self._rooms[condition] = head.room(self._rows_at_once)
        room = self._rooms[condition]
        return head(rows, None if room is None else room[: len(rows)])

    @cached_property
    def _rooms(self) -> dict[Condition, Tensor | None]:
        return {}

    def _statistics(
        self,
        logits: Mapping[Condition, Tensor],
        columns: dict[Condition, Columns],
        ids: Tensor,
        batch: Sequence[Response],
        start: int,
    ) -> dict[tuple[str, str], np.ndarray]:
        """Of the positions from `start` on. Overwrites the logits."""
        rows: dict[Condition, Rows] = {}
        kind = rows_on(x.device for x in logits.values())
        for condition, x in logits.items():
            rows[condition] = one = kind.of(x, ids, min(self._k, x.shape[-1]))
            if np.isnan(one.columns["entropy"]).any():
                bad = start + int(np.isnan(one.columns["entropy"]).argmax())
                raise not_a_number(self.models[condition], batch, bad)
            columns[condition] = one.columns
        for condition, found in columns.items():
            columns[condition] = found | _filled(found, self._k)
        stored = ((c, name, values) for c, found in columns.items() for name, values in found.items() if name != LEAST)
        out = {(c.condition_id, name): values for c, name, values in stored}
        for c in self.comparisons:
            values = divergences(c, rows, columns, ids.numpy(), self.models[c.base].vocab_size)
            out |= {(c.comparison_id, name): column for name, column in values.items()}
        return out


def _filled(columns: Columns, k: int) -> Columns:
    """Lists of k candidates: one that is longer than the vocabulary is filled with id -1, of log-probability -inf."""
    missing = ((0, 0), (0, k - columns["top_ids"].shape[1]))
    return {
        "top_ids": np.pad(columns["top_ids"], missing, constant_values=-1),
        "top_logprobs": np.pad(columns["top_logprobs"], missing, constant_values=-np.inf),
    }


def _split(
    flat: Mapping[tuple[str, str], np.ndarray],
    batch: Sequence[Response],
    conditions: Mapping[Condition, Model],
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
