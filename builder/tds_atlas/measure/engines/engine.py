"""What scoring and generation need of a model, whoever computes its numbers.

An engine gives either what whole distributions come from (hidden states and a head, or logits), or only lists: each
token's own log-probability and rank, and the likeliest tokens. Shards and database are the same for both.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol, TypeGuard

import torch
from torch import Tensor

from tds_atlas.domain import Response, Sampling
from tds_atlas.inputs.checkpoints import Checkpoint
from tds_atlas.measure.output_head import Head
from tds_atlas.measure.side import Ids
from tds_atlas.measure.statistics import Columns


class Model(Protocol):
    """A model that writes answers. `engine`, `attention` and `dtype` are for the record: they may be empty."""

    @property
    def checkpoint(self) -> Checkpoint: ...
    @property
    def end_ids(self) -> Ids: ...
    @property
    def loaded(self) -> str:
        """What was found when it was loaded or reached, for a reader."""

    @property
    def engine(self) -> str:
        """Who computes, with the version: `transformers 5.23.0`."""

    @property
    def attention(self) -> str: ...
    @property
    def dtype(self) -> str: ...
    @property
    def device(self) -> torch.device: ...
    @property
    def vocab_size(self) -> int:
        """Width of the logits."""

    @property
    def context_length(self) -> int | None: ...

    def readable(self, ids: Sequence[int]) -> Ids:
        """The ids as the model can read them: one that only an extended vocabulary has becomes the end token."""

    def texts_at_once(self, tokens: int, most: int) -> int:
        """How many texts of so many tokens, cache included, it writes together; at most `most`."""

    def greedy(self, prompts: Sequence[Ids], max_new_tokens: int) -> list[Ids]:
        """New ids after those of each prompt, truncated after the first end token."""

    def sampled(
        self, prompts: Sequence[Ids], max_new_tokens: int, sampling: Sampling, seeds: Sequence[int]
    ) -> list[Ids]:
        """The same, drawn: what is drawn for a prompt depends on its seed, not on the prompts beside it."""


class ExactModel(Model, Protocol):
    """A model whose whole distributions are known."""

    @property
    def head(self) -> Head | None:
        """Hidden states [n, d] -> logits [n, V]; None if `states` gives logits."""

    def using(self) -> AbstractContextManager[object]:
        """Around each use: an adapter is switched on."""

    def states(self, rows: Sequence[Ids], last: Sequence[int], opening: int = 0) -> list[Tensor]:
        """[n, d] hidden states (or [n, V] logits) behind the last ids of each row, so many as `last` says.

        opening: how many ids all rows begin with, which an engine may read once.
        """

    def states_again(self, row: Ids, last: int) -> Tensor:
        """[n, d or V] The same numbers of one row, computed differently: for the A/A check `rebatched`."""


class ListedModel(Model, Protocol):
    """A model of which only lists are known."""

    def lists(self, responses: Sequence[Response], prompts: Sequence[Ids], k: int) -> Columns:
        """Columns of all positions, one response after another, behind the ids of each one's prompt.

        rank (0: not known), logprob, entropy (NaN: not known), entropy_lower, entropy_upper, and the k likeliest:
        top_ids (-1: none) and top_logprobs. Raises InputError for what cannot be had or is not consistent.
        """


def gives_lists(model: Model) -> TypeGuard[ListedModel]:
    """Whether only lists are known of a model."""
    return hasattr(model, "lists")
