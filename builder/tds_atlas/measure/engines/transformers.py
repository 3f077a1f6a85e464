"""Models in memory, ready to score: what each can do is asked of itself, not of its name."""

from __future__ import annotations

import inspect
import platform
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from tds_atlas.domain import InputError, first_line
from tds_atlas.inputs.checkpoints import Checkpoint
from tds_atlas.measure.engines.loading import (
    Weights,
    attach_adapter,
    choose_device,
    end_ids_of,
    load_tokenizer,
    load_weights,
)
from tds_atlas.measure.output_head import Head, find_head


@dataclass
class LoadedModel:
    """A model ready to score: its body gives hidden states, its head gives logits, apart or in one."""

    checkpoint: Checkpoint
    weights: Weights
    end_ids: tuple[int, ...]
    adapter: str | None = None

    @property
    def model(self) -> Any:
        return self.weights.model

    @property
    def device(self) -> torch.device:
        return torch.device(self.model.device)

    @cached_property
    def vocab_size(self) -> int:
        return int(self.model.get_output_embeddings().weight.shape[0])

    @cached_property
    def context_length(self) -> int | None:
        return getattr(self.model.config.get_text_config(), "max_position_embeddings", None)

    @cached_property
    def unreadable(self) -> int:
        """What the model reads in the place of an id that it does not have."""
        return self.end_ids[0]

    def readable(self, ids: Sequence[int]) -> tuple[int, ...]:
        """The ids as the model can read them: one that only an extended vocabulary has is read as the end token."""
        return tuple(i if i < self.vocab_size else self.unreadable for i in ids)

    def using(self) -> AbstractContextManager[Any]:
        """The adapter of this model switched on, or all off, for all that runs inside."""
        return self.weights.using(self.adapter)

    @cached_property
    def static_rope_length(self) -> float:
        """Up to how many tokens a row's length changes nothing before it. Some rotary embeddings stretch beyond."""
        config = self.model.config.get_text_config()
        rope = getattr(config, "rope_parameters", None) or {}
        if rope.get("rope_type") not in ("dynamic", "longrope"):
            return float("inf")
        return float(rope.get("original_max_position_embeddings") or config.max_position_embeddings)

    @cached_property
    def head(self) -> Head | None:
        """Hidden states -> logits, or None where only this model's own forward knows how."""
        with torch.inference_mode(), self.using():
            return find_head(self.model, self.body, self.logits)

    def check_causal(self) -> None:
        """Raises InputError for a model whose answer about a token depends on tokens after it, or that gives none."""
        name = f"models.{self.checkpoint.model_id}: {type(self.model).__name__}"
        try:
            with torch.inference_mode(), self.using():
                short, long = self.logits(self._few[:, :8]), self.logits(self._few)[:, :8]
        except Exception as error:  # its own code's, of any kind: the settings do not go together, a kernel is missing
            raise InputError(f"{name} cannot read a short text: {first_line(error)}; check its config.json") from None
        if bool(short.isfinite().all()) and not self._alike(short, long):
            raise InputError(
                f"{name} reads tokens ahead; a causal language model is wanted (does its config say is_decoder: false?)"
            )

    @cached_property
    def hides_padding(self) -> bool:
        """Whether padding on the left, behind a mask, changes nothing: some recurrent states and places read it."""
        ids = torch.cat([self._few[:, :3], self._few], -1)
        mask = (torch.arange(ids.shape[1], device=self.device) >= 3).long()[None]
        with torch.inference_mode(), self.using():
            behind = self.logits(ids, attention_mask=mask, **self.position_ids(mask))[:, 3:]
            return self._alike(self.logits(self._few), behind)

    def position_ids(self, mask: Tensor) -> dict[str, Tensor]:
        """[B, T] mask -> where each token stands, for the models that are told; others count for themselves."""
        return {"position_ids": (mask.cumsum(-1) - 1).clamp_min(0)} if self.accepts_position_ids else {}

    @cached_property
    def accepts_position_ids(self) -> bool:
        """Whether the model is told where each token stands."""
        return "position_ids" in inspect.signature(self.model.forward).parameters

    @property
    def _few(self) -> Tensor:
        return torch.arange(1, 13, device=self.device)[None] % self.vocab_size  # [1, 12]

    def _alike(self, one: Tensor, other: Tensor) -> bool:
        """On the whole, in standard deviations of the logits: in half precision a single one may be far off."""
        near = 5e-2 if self.model.dtype in (torch.bfloat16, torch.float16) else 1e-3
        one, other = one.float(), other.float()
        return bool((one - other).square().mean().sqrt() <= near * one.std().clamp_min(1e-6))

    def body(self, ids: Tensor, **masks: Tensor) -> Tensor:
        """[B, T] ids, right-padded -> [B, T, d] hidden states. Causal, so padding on the right needs no mask."""
        hidden: Tensor = self.model.base_model(input_ids=ids, use_cache=False, **masks).last_hidden_state
        return hidden

    def logits(self, ids: Tensor, **masks: Tensor) -> Tensor:
        """[B, T] ids -> [B, T, V] logits by the model's own forward: the road for heads that `head` does not know."""
        logits: Tensor = self.model(input_ids=ids, use_cache=False, **masks).logits
        return logits


@dataclass
class Models:
    """Loads each checkpoint once, when it is first asked for; an adapter shares the weights of what it adapts."""

    device: str  # `auto` becomes the first GPU, else the CPU
    tokenizers: dict[str, PreTrainedTokenizerFast] = field(default_factory=dict)
    loaded: dict[tuple[str, str], LoadedModel] = field(default_factory=dict)
    weights: dict[tuple[Path, str], Weights] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.device = choose_device(self.device)

    def tokenizer(self, checkpoint: Checkpoint) -> PreTrainedTokenizerFast:
        if checkpoint.model_id not in self.tokenizers:
            self.tokenizers[checkpoint.model_id] = load_tokenizer(checkpoint)
        return self.tokenizers[checkpoint.model_id]

    def provenance(self) -> dict[str, str]:
        """What of the machine and the libraries may show in the last digits of a number."""
        loaded = self.loaded.values()
        attention = sorted({str(m.model.config._attn_implementation) for m in loaded})
        dtypes = sorted({f"{m.checkpoint.model_id} {m.model.dtype}".replace("torch.", "") for m in loaded})
        return {
            "device": self.device,
            "machine": platform.machine(),
            "attention": ", ".join(attention),
            "dtypes": ", ".join(dtypes),
            "torch": version("torch"),
            "transformers": version("transformers"),
        }

    def model(self, checkpoint: Checkpoint, dtype: str = "") -> LoadedModel:
        """The checkpoint in its own dtype, or loaded again in another."""
        dtype = dtype or checkpoint.dtype
        key, shared = (checkpoint.model_id, dtype), (checkpoint.folder, dtype)
        if key not in self.loaded:
            if shared not in self.weights:
                self.weights[shared] = load_weights(checkpoint, dtype, self.device)
            weights = self.weights[shared]
            adapter = attach_adapter(checkpoint, weights) if checkpoint.adapter else None
            end_ids = end_ids_of(weights, checkpoint, self.tokenizer(checkpoint))
            loaded = LoadedModel(checkpoint, weights, end_ids, adapter)
            loaded.check_causal()
            self.loaded[key] = loaded
        return self.loaded[key]
