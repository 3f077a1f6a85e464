"""Checkpoints as loaded models and tokenizers: safetensors only, no remote code, no network."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, PreTrainedTokenizerFast
from transformers.utils import logging as transformers_logging

from builder.domain import InputError, first_line
from builder.measure.checkpoints import Checkpoint
from builder.measure.heads import Head, find_head

transformers_logging.set_verbosity_error()
transformers_logging.disable_progress_bar()


@dataclass
class Weights:
    """One model in memory. Adapters (PEFT) are hung over it as they are asked for, and switched on one at a time."""

    model: Any
    end_ids: int | list[int] | None  # as its generation settings say
    adapted: Any = None

    def using(self, adapter: str | None) -> AbstractContextManager[Any]:
        """Switch an adapter on, or all of them off."""
        if self.adapted is None:
            return nullcontext()
        if adapter is None:
            return self.adapted.disable_adapter()  # type: ignore[no-any-return]
        self.adapted.set_adapter(adapter)
        return nullcontext()


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
    def steady_length(self) -> float:
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
            behind = self.logits(ids, attention_mask=mask, **self.places(mask))[:, 3:]
            return self._alike(self.logits(self._few), behind)

    def places(self, mask: Tensor) -> dict[str, Tensor]:
        """[B, T] mask -> where each token stands, for the models that are told; others count for themselves."""
        takes = "position_ids" in inspect.signature(self.model.forward).parameters
        return {"position_ids": (mask.cumsum(-1) - 1).clamp_min(0)} if takes else {}

    @property
    def _few(self) -> Tensor:
        return torch.arange(1, 13, device=self.device)[None] % self.vocab_size  # [1, 12]

    def _alike(self, one: Tensor, other: Tensor) -> bool:
        near = 5e-2 if self.model.dtype in (torch.bfloat16, torch.float16) else 1e-3
        one, other = one.float(), other.float()
        return bool((one - other).abs().max() <= near * one.std().clamp_min(1e-6))

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

    device: str
    tokenizers: dict[str, PreTrainedTokenizerFast] = field(default_factory=dict)
    loaded: dict[tuple[str, str], LoadedModel] = field(default_factory=dict)
    weights: dict[tuple[Path, str], Weights] = field(default_factory=dict)

    def tokenizer(self, checkpoint: Checkpoint) -> PreTrainedTokenizerFast:
        if checkpoint.model_id not in self.tokenizers:
            self.tokenizers[checkpoint.model_id] = load_tokenizer(checkpoint)
        return self.tokenizers[checkpoint.model_id]

    def model(self, checkpoint: Checkpoint, dtype: str = "") -> LoadedModel:
        """The checkpoint in its own dtype, or loaded again in another."""
        dtype = dtype or checkpoint.dtype
        key, shared = (checkpoint.model_id, dtype), (checkpoint.folder, dtype)
        if key not in self.loaded:
            if shared not in self.weights:
                self.weights[shared] = load_weights(checkpoint, dtype, self.device)
            weights = self.weights[shared]
            adapter = _hang(checkpoint, weights) if checkpoint.adapter else None
            end_ids = _end_ids(weights, checkpoint, self.tokenizer(checkpoint))
            loaded = LoadedModel(checkpoint, weights, end_ids, adapter)
            loaded.check_causal()
            self.loaded[key] = loaded
        return self.loaded[key]


def choose_device(wanted: str) -> str:
    """`auto` is the first GPU, else the CPU. Raises InputError for a device that is not there."""
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=wanted)
    except (RuntimeError, AssertionError, NotImplementedError):
        raise InputError(f"device: {wanted!r} is not available here; use auto, cpu, cuda or cuda:N") from None
    return wanted


def load_tokenizer(checkpoint: Checkpoint) -> PreTrainedTokenizerFast:
    folder = checkpoint.tokenizer_folder
    if (folder / "tokenizer.model").is_file() and not list(folder.glob("tokenizer*.json")):
        raise InputError(
            f"models.{checkpoint.model_id}: {folder} has tokenizer.model but no tokenizer_config.json, which says what "
            "a text begins with; copy it from where the model is from"
        )
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # transformers raises many kinds for one cause: the folder holds no tokenizer it knows
        raise InputError(
            f"models.{checkpoint.model_id}: no tokenizer can be loaded from {folder}: {first_line(error)}"
        ) from None
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise InputError(
            f"models.{checkpoint.model_id}: {folder} has no fast tokenizer (tokenizer.json); character offsets need one"
        )
    return tokenizer


def load_weights(checkpoint: Checkpoint, dtype: str, device: str) -> Weights:
    device_map = checkpoint.settings.device_map
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = AutoModelForCausalLM.from_pretrained(
                checkpoint.folder,
                dtype=dtype if dtype == "auto" else getattr(torch, dtype),
                device_map=device_map,
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
            )
        model.requires_grad_(False)
        if device_map is None:
            nn.Module.to(model, device)
    except Exception as error:  # transformers raises many kinds: whatever the cause, the user needs the folder and why
        raise InputError(
            f"models.{checkpoint.model_id}: cannot be loaded from {checkpoint.folder}: {first_line(error)}"
        ) from None
    end_ids = model.generation_config.eos_token_id
    model.generation_config = GenerationConfig()  # greedy means greedy: no penalty, no sampling from the checkpoint
    return Weights(model, end_ids)


def _hang(checkpoint: Checkpoint, weights: Weights) -> str:
    """Hang a PEFT adapter over a loaded model, switched off; its name."""
    try:
        from peft import PeftModel
    except ImportError:
        raise InputError(
            f"models.{checkpoint.model_id}.adapter: needs the extra adapters: pip install 'tds-atlas[adapters]'"
        ) from None
    name = checkpoint.model_id.replace(".", "_")  # a module's name takes no dot
    options: dict[str, Any] = {"adapter_name": name, "use_safetensors": True, "local_files_only": True}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if weights.adapted is None:
                weights.adapted = PeftModel.from_pretrained(weights.model, str(checkpoint.adapter), **options)
            else:
                weights.adapted.load_adapter(checkpoint.adapter, **options)
    except Exception as error:  # as above
        raise InputError(
            f"models.{checkpoint.model_id}.adapter: {checkpoint.adapter} does not fit {checkpoint.folder}: "
            f"{first_line(error)}"
        ) from None
    return name


def _end_ids(weights: Weights, checkpoint: Checkpoint, tokenizer: PreTrainedTokenizerFast) -> tuple[int, ...]:
    """The ids that end an answer: of the generation settings, else of the tokenizer; of an adapter's own first."""
    own_tokenizer = checkpoint.tokenizer_folder != checkpoint.folder
    ids = tokenizer.eos_token_id if own_tokenizer or weights.end_ids is None else weights.end_ids
    if ids is None:
        raise InputError(
            f"models.{checkpoint.model_id}: {checkpoint.folder} names no end token; set eos_token_id in "
            "generation_config.json"
        )
    return tuple(ids) if isinstance(ids, list) else (ids,)
