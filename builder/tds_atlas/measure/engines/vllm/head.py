"""A model's head alone: a skeleton without weights, whose output embedding is read from the weight files.

The skeleton's own forward does what comes after the embedding: soft caps, scaling. Whether hidden states and head
belong together is not decided here but by comparing with the engine's own log-probabilities.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForCausalLM

from tds_atlas.domain import InputError, one_line
from tds_atlas.inputs.checkpoints import Checkpoint
from tds_atlas.inputs.weights import weight_files
from tds_atlas.measure.output_head import Head, float32_head, forward_as_head, head_of

_OLD_NAMES = ("embed_out",)  # of an output embedding in files: transformers renames them as it reads


def skeleton(checkpoint: Checkpoint, device: str) -> Any:
    """The model without weights but for its output embedding. Raises InputError if that cannot be read."""
    name = f"models.{checkpoint.model_id}"
    try:
        config = AutoConfig.from_pretrained(checkpoint.folder, local_files_only=True, trust_remote_code=False)
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(config, dtype=torch.float32, trust_remote_code=False)
    except Exception as error:  # transformers raises many types; the user needs the folder and the reason
        raise InputError(f"{name}: no head can be made from {checkpoint.folder}: {one_line(error)}") from None
    module = model.get_output_embeddings()
    if type(module) is not nn.Linear:
        raise InputError(f"{name}: its output embedding is a {type(module).__name__}; run it with engine: transformers")
    own = next(key for key, part in model.named_modules() if part is module)
    names = (own, *_OLD_NAMES)
    weights = [*(f"{key}.weight" for key in names), *_twins(model)]
    module.weight = _parameter(checkpoint, weights, module.weight, device)
    if module.bias is not None:
        module.bias = _parameter(checkpoint, [f"{key}.bias" for key in names], module.bias, device)
    return model.eval().requires_grad_(False)


def heads_of(model: Any) -> list[Head]:
    """What could stand behind the hidden states, the plainest first: with float32 weights, else the model's own way."""
    plain = float32_head(model) or head_of(model)
    return [plain, forward_as_head(model)]


def _twins(model: Any) -> Sequence[str]:
    """The names of the input embedding, whose weights a tied head shares."""
    if not getattr(model.config.get_text_config(), "tie_word_embeddings", False):
        return ()
    table = model.get_input_embeddings()
    return [f"{key}.weight" for key, part in model.named_modules() if part is table]


def _parameter(checkpoint: Checkpoint, names: Sequence[str], wanted: Tensor, device: str) -> nn.Parameter:
    """The first tensor of the weight files that has one of these names, as float32."""
    files = weight_files(f"models.{checkpoint.model_id}", checkpoint.folder)
    for key in names:
        for path in files:
            with safe_open(path, "pt") as file:
                if (found := _find(list(file.keys()), key)) is not None:
                    return _checked(checkpoint, found, file.get_tensor(found), wanted, device)
    raise InputError(
        f"models.{checkpoint.model_id}: {checkpoint.folder} has no tensor {names[0]}, from which logits are computed; "
        "if its head is quantised, run it with engine: transformers"
    )


def _find(tensors: Sequence[str], key: str) -> str | None:
    """The tensor of that name, or the only one whose name differs by what stands before it."""
    if key in tensors:
        return key
    tail = [tensor for tensor in tensors if tensor.endswith(f".{key}") or key.endswith(f".{tensor}")]
    return tail[0] if len(tail) == 1 else None


def _checked(checkpoint: Checkpoint, name: str, tensor: Tensor, wanted: Tensor, device: str) -> nn.Parameter:
    if tensor.shape != wanted.shape or not tensor.is_floating_point():
        raise InputError(
            f"models.{checkpoint.model_id}: {name} is {tuple(tensor.shape)} of {tensor.dtype}, but the model's head "
            f"is {tuple(wanted.shape)} of floating-point numbers; run it with engine: transformers"
        )
    return nn.Parameter(tensor.to(device, torch.float32), requires_grad=False)
