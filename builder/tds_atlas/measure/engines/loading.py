"""Checkpoints as weights and tokenizers in memory: safetensors only, no remote code, no network."""

from __future__ import annotations

import warnings
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, PreTrainedTokenizerFast
from transformers.utils import logging as transformers_logging

from tds_atlas.domain import InputError, first_line
from tds_atlas.inputs.checkpoints import Checkpoint

transformers_logging.set_verbosity_error()
transformers_logging.disable_progress_bar()


@dataclass
class Weights:
    """One model in memory. PEFT adapters are attached on first use, and switched on one at a time."""

    model: Any
    end_ids: int | list[int] | None  # as in its generation settings
    peft_model: Any = None

    def using(self, adapter: str | None) -> AbstractContextManager[Any]:
        """Switch an adapter on, or all of them off."""
        if self.peft_model is None:
            return nullcontext()
        if adapter is None:
            return self.peft_model.disable_adapter()  # type: ignore[no-any-return]
        self.peft_model.set_adapter(adapter)
        return nullcontext()


def choose_device(name: str) -> str:
    """`auto` is the first GPU, else the CPU. Raises InputError for a device that is not there."""
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError, NotImplementedError):
        raise InputError(f"device: {name!r} is not available here; use auto, cpu, cuda or cuda:N") from None
    return name


def load_tokenizer(checkpoint: Checkpoint) -> PreTrainedTokenizerFast:
    folder = checkpoint.tokenizer_folder
    if (folder / "tokenizer.model").is_file() and not list(folder.glob("tokenizer*.json")):
        raise InputError(
            f"models.{checkpoint.model_id}: {folder} has tokenizer.model but no tokenizer_config.json, which says what "
            "a text begins with; copy it from the source of the model"
        )
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # transformers raises many types for one cause: no tokenizer that it knows
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
    except Exception as error:  # transformers raises many types; the user needs the folder and the reason
        raise InputError(
            f"models.{checkpoint.model_id}: cannot be loaded from {checkpoint.folder}: {first_line(error)}"
        ) from None
    end_ids = model.generation_config.eos_token_id
    model.generation_config = GenerationConfig()  # greedy means greedy: drop the checkpoint's penalties and sampling
    return Weights(model, end_ids)


def attach_adapter(checkpoint: Checkpoint, weights: Weights) -> str:
    """Attach a PEFT adapter to a loaded model, switched off. Returns its name."""
    try:
        from peft import PeftModel
    except ImportError:
        raise InputError(
            f"models.{checkpoint.model_id}.adapter: needs the extra `adapters`: pip install 'tds-atlas[adapters]'"
        ) from None
    name = checkpoint.model_id.replace(".", "_")  # a module's name takes no dot
    options: dict[str, Any] = {"adapter_name": name, "use_safetensors": True, "local_files_only": True}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if weights.peft_model is None:
                weights.peft_model = PeftModel.from_pretrained(weights.model, str(checkpoint.adapter), **options)
            else:
                weights.peft_model.load_adapter(checkpoint.adapter, **options)
    except Exception as error:  # as above
        raise InputError(
            f"models.{checkpoint.model_id}.adapter: {checkpoint.adapter} does not fit {checkpoint.folder}: "
            f"{first_line(error)}"
        ) from None
    return name


def end_ids_of(weights: Weights, checkpoint: Checkpoint, tokenizer: PreTrainedTokenizerFast) -> tuple[int, ...]:
    """The ids that end an answer: from an adapter's own tokenizer, else the generation settings, else the tokenizer."""
    own_tokenizer = checkpoint.tokenizer_folder != checkpoint.folder
    ids = tokenizer.eos_token_id if own_tokenizer or weights.end_ids is None else weights.end_ids
    if ids is None:
        raise InputError(
            f"models.{checkpoint.model_id}: {checkpoint.folder} names no end token; set eos_token_id in "
            "generation_config.json"
        )
    return tuple(ids) if isinstance(ids, list) else (ids,)
