"""Checkpoints as loaded models and tokenizers: safetensors only, no remote code, no network."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, PreTrainedTokenizerFast
from transformers.utils import logging as transformers_logging

from builder.domain import InputError
from builder.measure.checkpoints import Checkpoint

transformers_logging.set_verbosity_error()
transformers_logging.disable_progress_bar()


@dataclass
class LoadedModel:
    """A model ready to score: its body gives hidden states, its head gives logits, apart or in one."""

    checkpoint: Checkpoint
    model: Any
    end_ids: tuple[int, ...]

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
    def head(self) -> Callable[[Tensor], Tensor] | None:
        """Hidden states -> logits, or None where this model's own forward does more than body + head."""
        head = _head_of(self.model)
        ids = torch.arange(8, device=self.device)[None] % self.vocab_size
        with torch.inference_mode():
            whole = self.model(input_ids=ids, use_cache=False).logits.float()
            parts = head(self.body(ids)).float()
        return head if torch.allclose(whole, parts, atol=1e-5, rtol=1e-5) else None

    def body(self, ids: Tensor) -> Tensor:
        """[B, T] ids, right-padded -> [B, T, d] hidden states. Causal, so padding on the right needs no mask."""
        hidden: Tensor = self.model.base_model(input_ids=ids, use_cache=False).last_hidden_state
        return hidden

    def logits(self, ids: Tensor) -> Tensor:
        """[B, T] ids -> [B, T, V] logits by the model's own forward: the road for heads that `head` does not know."""
        logits: Tensor = self.model(input_ids=ids, use_cache=False).logits
        return logits


@dataclass
class Models:
    """Loads each checkpoint once, when it is first asked for."""

    device: str
    tokenizers: dict[str, PreTrainedTokenizerFast] = field(default_factory=dict)
    loaded: dict[str, LoadedModel] = field(default_factory=dict)

    def tokenizer(self, checkpoint: Checkpoint) -> PreTrainedTokenizerFast:
        if checkpoint.model_id not in self.tokenizers:
            self.tokenizers[checkpoint.model_id] = load_tokenizer(checkpoint)
        return self.tokenizers[checkpoint.model_id]

    def model(self, checkpoint: Checkpoint) -> LoadedModel:
        if checkpoint.model_id not in self.loaded:
            self.loaded[checkpoint.model_id] = load_model(checkpoint, self.tokenizer(checkpoint), self.device)
        return self.loaded[checkpoint.model_id]


def choose_device(wanted: str) -> str:
    """`auto` is the first GPU, else the CPU. Raises InputError for a device that is not there."""
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        torch.empty(0, device=wanted)
    except (RuntimeError, AssertionError, NotImplementedError):
        raise InputError(f"device: {wanted!r} is not available here; use auto, cpu, cuda or cuda:N") from None
    return wanted


def load_tokenizer(checkpoint: Checkpoint) -> PreTrainedTokenizerFast:
    try:
        tokenizer = AutoTokenizer.from_pretrained(checkpoint.folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # transformers raises many kinds for one cause: the folder holds no tokenizer it knows
        raise InputError(
            f"models.{checkpoint.model_id}: no tokenizer can be loaded from {checkpoint.folder}: {_first_line(error)}"
        ) from None
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise InputError(
            f"models.{checkpoint.model_id}: {checkpoint.folder} has no fast tokenizer (tokenizer.json); "
            "character offsets need one"
        )
    return tokenizer


def load_model(checkpoint: Checkpoint, tokenizer: PreTrainedTokenizerFast, device: str) -> LoadedModel:
    dtype = checkpoint.settings.dtype
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = AutoModelForCausalLM.from_pretrained(
                checkpoint.folder,
                dtype=dtype if dtype == "auto" else getattr(torch, dtype),
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
            )
    except Exception as error:  # as above: whatever the cause, the user needs the folder and the first line
        raise InputError(
            f"models.{checkpoint.model_id}: cannot be loaded from {checkpoint.folder}: {_first_line(error)}"
        ) from None
    end_ids = _end_ids(model, tokenizer)
    model.generation_config = GenerationConfig()  # greedy means greedy: no penalty, no sampling from the checkpoint
    model.requires_grad_(False)
    nn.Module.to(model, device)
    return LoadedModel(checkpoint, model, end_ids)


def vocabulary_id(tokenizer: PreTrainedTokenizerFast) -> str:
    """Content hash of a vocabulary: equal for equal id -> piece tables, whatever the files."""
    digest = hashlib.sha256()
    for piece, i in sorted(tokenizer.get_vocab().items(), key=lambda item: item[1]):
        digest.update(f"{i}\0{piece}\n".encode())
    return digest.hexdigest()[:16]


def check_same_vocabulary(first: str, second: str, tokenizers: Mapping[str, PreTrainedTokenizerFast]) -> None:
    """Raises InputError naming the first id whose pieces differ between two models."""
    a, b = ({i: piece for piece, i in tokenizers[name].get_vocab().items()} for name in (first, second))
    for i in range(max(*a, *b) + 1):
        if a.get(i) != b.get(i):
            raise InputError(
                f"models {first} and {second} have different vocabularies: id {i} is {a.get(i)!r} in one "
                f"and {b.get(i)!r} in the other; a comparison needs one vocabulary"
            )


def _end_ids(model: Any, tokenizer: PreTrainedTokenizerFast) -> tuple[int, ...]:
    """The ids that end an answer: the generation settings' own, else the tokenizer's."""
    ids = model.generation_config.eos_token_id
    ids = ids if ids is not None else tokenizer.eos_token_id
    if ids is None:
        raise InputError(f"{tokenizer.name_or_path}: no end token; set eos_token_id in generation_config.json")
    return tuple(ids) if isinstance(ids, list) else (ids,)


def _head_of(model: Any) -> Callable[[Tensor], Tensor]:
    """Output embedding, with the soft cap that some models put on their logits."""
    embedding, cap = model.get_output_embeddings(), getattr(model.config, "final_logit_softcapping", None)
    if not cap:
        return lambda hidden: embedding(hidden)
    return lambda hidden: torch.tanh(embedding(hidden) / cap) * cap


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
