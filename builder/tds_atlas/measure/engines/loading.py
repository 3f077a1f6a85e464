"""Checkpoints as weights and tokenizers in memory: safetensors only, no remote code, no network.

What is loaded is what was asked for: a tensor that is missing, left over or of another shape is an error.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from safetensors import safe_open
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, GenerationConfig, PreTrainedTokenizerFast
from transformers.utils import logging as transformers_logging

from tds_atlas.domain import InputError, one_line
from tds_atlas.inputs.checkpoints import Checkpoint
from tds_atlas.inputs.weights import weight_files
from tds_atlas.measure.engines.quantised import check_packages, described, quietly
from tds_atlas.terminal import stderr_held

transformers_logging.set_verbosity_error()
transformers_logging.disable_progress_bar()
warnings.filterwarnings("ignore", module="peft")  # what it warns of is checked when an adapter is attached

# What wrappers write before or within the names of their tensors: torch.compile, DDP, FSDP, activation checkpointing.
_WRAPPERS = r"^module\.|_orig_mod\.|_fsdp_wrapped_module\.|_checkpoint_wrapped_module\."
_LAST_ID = 10_000_000  # the largest vocabularies have a million
_FLOATS = ("F64", "F32", "F16", "BF16")


@dataclass
class Weights:
    """One model in memory. PEFT adapters are attached on first use, and switched on one at a time."""

    model: Any
    loaded: str = ""  # what was found when it was loaded, for a reader
    is_quantised: bool = False
    embeddings: tuple[str, ...] = ()  # names of the tables that have a row for each token
    adapter_kind: str = ""  # of the adapters attached so far
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
        with stderr_held():
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            tokenizer("A word.")  # some settings fail only where they are used
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # transformers raises many types for one cause; tokenizers panic
        raise InputError(
            f"models.{checkpoint.model_id}: no tokenizer can be loaded from {folder}: {one_line(error)}"
        ) from None
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise InputError(
            f"models.{checkpoint.model_id}: {folder} has no fast tokenizer (tokenizer.json); character offsets need one"
        )
    last = max(tokenizer.get_vocab().values(), default=0)
    if last > _LAST_ID:  # tokenizers counts up to it
        raise InputError(f"models.{checkpoint.model_id}: {folder}: its tokenizer has the id {last:,}; ids count tokens")
    return tokenizer


def load_weights(checkpoint: Checkpoint, dtype: str, device: str) -> Weights:
    """The weights in memory. Raises InputError unless files and model have the same tensors."""
    name, quantised = f"models.{checkpoint.model_id}: {checkpoint.folder}", described(checkpoint)
    check_packages(checkpoint)
    try:
        tensors = {} if checkpoint.gguf else _tensor_types(checkpoint)
        with warnings.catch_warnings(), quietly(bool(quantised)):
            warnings.simplefilter("ignore")
            model, report = _loaded(checkpoint, dtype, any(re.search(_WRAPPERS, tensor) for tensor in tensors))
            model.requires_grad_(False)
            if checkpoint.settings.device_map is None:
                nn.Module.to(model, device)
            if quantised:  # some weights are unpacked when they are first used
                with torch.inference_mode():
                    model(torch.zeros(1, 1, dtype=torch.long, device=model.device), use_cache=False)
    except Exception as error:  # transformers raises many types; the user needs the folder and the reason
        where = checkpoint.gguf or checkpoint.folder
        raise InputError(f"models.{checkpoint.model_id}: cannot be loaded from {where}: {one_line(error)}") from None
    _check_report(name, report)
    if not quantised:
        _check_types(name, model, tensors)
    _spare_memory(model)
    model.generation_config = GenerationConfig()  # greedy means greedy: drop the checkpoint's penalties and sampling
    return Weights(model, _found(tensors, quantised), bool(quantised), _embedding_names(model))


def _loaded(checkpoint: Checkpoint, dtype: str, wrapped: bool) -> tuple[Any, Mapping[str, Any]]:
    """The model as transformers loads it, and its report of tensors."""
    own: dict[str, Any] = {"use_safetensors": True}
    if checkpoint.gguf:  # its own config says less than the folder's
        config = AutoConfig.from_pretrained(checkpoint.folder, local_files_only=True, trust_remote_code=False)
        own = {"gguf_file": str(checkpoint.gguf.resolve()), "config": config}
    pair: Any = AutoModelForCausalLM.from_pretrained(
        checkpoint.folder,
        dtype=dtype if dtype == "auto" else getattr(torch, dtype),
        device_map=checkpoint.settings.device_map,
        local_files_only=True,
        trust_remote_code=False,
        key_mapping={_WRAPPERS: ""} if wrapped else None,
        output_loading_info=True,
        ignore_mismatched_sizes=True,  # they are in the report
        **own,
    )
    return pair  # type: ignore[no-any-return]


def _found(tensors: Mapping[str, str], quantised: str) -> str:
    """What was found, for a reader."""
    wrapped = any(re.search(_WRAPPERS, tensor) for tensor in tensors)
    wrapper = " (the prefixes of a wrapper taken off their names)" if wrapped else ""
    place = f"all {len(tensors):,} tensors in place{wrapper}" if tensors else "all tensors in place"
    return f"{place}; {quantised}" if quantised else place


def _spare_memory(model: Any) -> None:
    """Give the output embedding whole tensors: for a slice of hidden states, as generation takes the last ones, torch
    multiplies in half precision by a copy of the weights for each row of the batch."""
    head = model.get_output_embeddings()
    if head is not None:
        head.register_forward_pre_hook(lambda _, states: (states[0].contiguous(), *states[1:]))


def _tensor_types(checkpoint: Checkpoint) -> dict[str, str]:
    """The tensors of the weight files with their types, from the headers."""
    types: dict[str, str] = {}
    for path in weight_files(f"models.{checkpoint.model_id}", checkpoint.folder):
        with safe_open(path, "pt") as file:
            types |= {tensor: str(file.get_slice(tensor).get_dtype()) for tensor in list(file.keys())}
    return types


def _check_report(name: str, report: Mapping[str, Any]) -> None:
    """Raises InputError naming the first tensor that is missing, left over or of another shape."""
    for key, problem in (
        ("missing_keys", "of the model's tensors are not in the weights"),
        ("unexpected_keys", "tensors of the weights have no place in the model"),
        ("mismatched_keys", "tensors of the weights have another shape than the model's"),
    ):
        tensors = sorted(report[key] or (), key=str)
        if tensors:
            first, *shapes = [tensors[0]] if isinstance(tensors[0], str) else tensors[0]
            differ = ", {} and in the model {}".format(*map(tuple, shapes)) if shapes else ""
            raise InputError(
                f"{name}: {len(tensors):,} {problem}, the first is {first}{differ}; give the folder as its own program "
                "saved it, config.json and weights of one model"
            )
    if report["error_msgs"]:
        raise InputError(f"{name}: cannot be loaded: {' '.join(str(report['error_msgs'][0]).split())}")


def _check_types(name: str, model: Any, tensors: Mapping[str, str]) -> None:
    """Raises InputError for numbers that mean nothing without a scale: nothing says how to read them."""
    parameters = {key for key, _ in model.named_parameters()}
    numbers = {tensor: re.sub(_WRAPPERS, "", tensor) for tensor, kind in tensors.items() if kind not in _FLOATS}
    odd = next((tensor for tensor, name_in_model in numbers.items() if name_in_model in parameters), None)
    if odd is not None:
        raise InputError(
            f"{name}: {odd} is stored as {tensors[odd]}, but config.json has no quantization_config that says how to "
            "read it; give the weights as float32, float16 or bfloat16, or with their quantization_config"
        )


def _embedding_names(model: Any) -> tuple[str, ...]:
    tables = [model.get_input_embeddings(), model.get_output_embeddings()]
    return tuple(key for key, module in model.named_modules() if any(module is table for table in tables))
