"""One checkpoint under vLLM: hidden states with our head over them, and greedy answers.

The process that writes also tells what the model's own head says about a short text, and nothing is scored before
hidden states and head have given the same.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tds_atlas.domain import InputError, Sampling
from tds_atlas.inputs.checkpoints import Checkpoint, dtype_of
from tds_atlas.inputs.engine_settings import VllmSettings
from tds_atlas.inputs.model_config import read_config
from tds_atlas.measure.end_tokens import until_end
from tds_atlas.measure.engines.quantised import described
from tds_atlas.measure.engines.vllm.frames import joined, parted
from tds_atlas.measure.engines.vllm.head import heads_of, skeleton
from tds_atlas.measure.engines.vllm.session import INSTALL, Session
from tds_atlas.measure.output_head import Head
from tds_atlas.measure.side import Ids

PYTHON = "TDS_VLLM_PYTHON"
_CLOSE = {"float32": 1e-3, "float16": 2e-2, "bfloat16": 5e-2}  # nats between two log-probabilities, on average
_LISTED = 20  # tokens that are compared at each position: as many as vLLM names unasked


@dataclass
class VllmModel:
    """A model ready to score or to write; its processes start on first use."""

    checkpoint: Checkpoint
    session: Session
    dtype: str
    max_model_len: int | None
    end_ids: Ids
    device: torch.device  # of the head and the statistics
    attention: str = ""

    @property
    def engine(self) -> str:
        return f"vllm {self.session.versions.get('vllm', '')}".strip()

    @property
    def loaded(self) -> str:
        head = "its head as read from the weights gives vLLM's own numbers" if "head" in self.__dict__ else ""
        return "; ".join(filter(None, (head, described(self.checkpoint))))

    @cached_property
    def vocab_size(self) -> int:
        return int(self._skeleton.get_output_embeddings().weight.shape[0])

    @cached_property
    def context_length(self) -> int | None:
        own = getattr(self._skeleton.config.get_text_config(), "max_position_embeddings", None)
        return min(filter(None, (own, self.max_model_len)), default=None)

    @cached_property
    def head(self) -> Head:
        """[T, d] hidden states -> [T, V] logits. Raises InputError unless they are what vLLM's own head says."""
        ids, expected = self._own_lists
        (states,) = self.states([self._text], [len(self._text)])
        apart = float("inf")
        for head in heads_of(self._skeleton):
            apart = min(apart, _distance(head, states[:-1], ids, expected))
            if apart <= _CLOSE[self.dtype]:
                return head
        raise InputError(
            f"{self.session.name}: hidden states and output embedding do not give the log-probabilities that it gives "
            f"itself ({apart:.2g} nats apart); run it with engine: transformers"
        )

    def using(self) -> AbstractContextManager[None]:
        return nullcontext()

    def readable(self, ids: Sequence[int]) -> Ids:
        return tuple(i if i < self.vocab_size else self.end_ids[0] for i in ids)

    def texts_at_once(self, tokens: int, most: int) -> int:
        """vLLM itself divides what it is given."""
        return most

    def states(self, rows: Sequence[Ids], last: Sequence[int], opening: int = 0) -> list[Tensor]:
        return self._states(rows, last, apart=False)

    def states_again(self, row: Ids, last: int) -> Tensor:
        """A row alone, which changes the order of sums."""
        return self._states([row], [last], apart=True)[0]

    def greedy(self, prompts: Sequence[Ids], max_new_tokens: int) -> list[Ids]:
        _ = self._own_lists  # while a process that writes is there
        fields = {"max_new_tokens": max_new_tokens, "end_ids": list(self.end_ids)}
        answer = self.session.ask("writer", "greedy", fields, joined(prompts))
        return [until_end(ids.tolist(), self.end_ids) for ids in parted(answer.arrays)]

    def sampled(
        self, prompts: Sequence[Ids], max_new_tokens: int, sampling: Sampling, seeds: Sequence[int]
    ) -> list[Ids]:
        """Drawn by vLLM from a generator for each answer; it applies min-p before top-k and top-p."""
        _ = self._own_lists
        settings = {name: x for name, x in asdict(sampling).items() if x is not None and name != "seed"}
        fields = {"max_new_tokens": max_new_tokens, "end_ids": list(self.end_ids)}
        fields |= {"sampling": settings, "seeds": list(seeds)}
        answer = self.session.ask("writer", "sampled", fields, joined(prompts))
        return [until_end(ids.tolist(), self.end_ids) for ids in parted(answer.arrays)]

    def _states(self, rows: Sequence[Ids], last: Sequence[int], apart: bool) -> list[Tensor]:
        arrays = joined(rows) | {"last": np.array(last, np.int32)}
        answer = self.session.ask("bodies", "states", {"apart": apart}, arrays)
        states = torch.from_numpy(answer.arrays["states"]).to(self.device)
        return list(torch.split(states, list(last)))

    @cached_property
    def _skeleton(self) -> Any:
        return skeleton(self.checkpoint, str(self.device))

    @property
    def _text(self) -> Ids:
        return tuple(i % self.vocab_size for i in range(1, 13))

    @cached_property
    def _own_lists(self) -> tuple[Tensor, Tensor]:
        """[T - 1, k] ids and log-probabilities after each token of a short text, as the model's own head has them."""
        k = min(_LISTED, self.vocab_size)
        answer = self.session.ask("writer", "lists", {"k": k}, {"ids": np.array(self._text, np.int32)})
        return torch.from_numpy(answer.arrays["ids"]), torch.from_numpy(answer.arrays["logprobs"])


def start(checkpoint: Checkpoint, dtype: str, settings: VllmSettings, end_ids: Ids, device: str) -> VllmModel:
    """A model under the Python that the report file or the environment names."""
    python, name = settings.python or os.environ.get(PYTHON), f"models.{checkpoint.model_id}: vllm"
    if not python:
        raise InputError(
            f"{name}: no Python that has it: give engine: {{kind: vllm, python: PATH}} or set {PYTHON}; {INSTALL}"
        )
    if checkpoint.adapter:
        raise InputError(f"{name} runs no adapters here: merge it into its model, or give engine: transformers")
    dtype = dtype_of(checkpoint, read_config(checkpoint.folder)) if dtype == "auto" else dtype
    if dtype not in _CLOSE:
        raise InputError(f"{name}: config.json gives the dtype {dtype[:40]!r}; give dtype: one of {', '.join(_CLOSE)}")
    given = settings.model_dump(exclude={"kind", "python"}, exclude_none=True)
    session = Session(name, Path(python), {"model": str(checkpoint.folder.resolve()), "dtype": dtype} | given)
    return VllmModel(checkpoint, session, dtype, settings.max_model_len, end_ids, torch.device(device))


def _distance(head: Head, states: Tensor, ids: Tensor, expected: Tensor) -> float:
    """Nats, on average, between the listed log-probabilities and those of this head; infinite if it cannot run."""
    try:
        with torch.inference_mode():
            logp = head(states).float().log_softmax(-1)
    except Exception:  # a head of another shape, or a forward that wants more than hidden states
        return float("inf")
    apart = (logp.gather(-1, ids.long().to(logp.device)).cpu() - expected).abs().mean()
    return float("inf") if bool(apart.isnan()) else float(apart)
