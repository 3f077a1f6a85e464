"""PEFT adapters over loaded models, each proven at load: all of it in place, switched off the model is as before."""

from __future__ import annotations

import re
import warnings
from collections.abc import Collection
from contextlib import suppress
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from tds_atlas.domain import InputError, one_line
from tds_atlas.inputs.adapters import ADAPTER_WEIGHTS, patterns
from tds_atlas.inputs.checkpoints import Checkpoint
from tds_atlas.measure.engines.loading import Weights
from tds_atlas.measure.time_limit import time_limit

_PEFT_PREFIX = "base_model.model."
_COPIES = r"\.(modules_to_save|original_module)\.(?=weight$)"


def shares_weights(checkpoint: Checkpoint, weights: Weights) -> bool:
    """Whether an adapter can be switched off again, so that the model it adapts and other adapters use one copy.

    It cannot if it writes over biases or embeddings; PEFT mixes no kinds over one model.
    """
    card = checkpoint.adapter_card
    assert card is not None
    writes = any(table.rpartition(".")[2] not in card.modules_to_save for table in _tables(checkpoint, weights))
    same_kind = weights.adapter_kind in ("", card.kind)
    return not card.trains_biases and not writes and same_kind and _rows(checkpoint, weights) is None


def attach_adapter(checkpoint: Checkpoint, weights: Weights, shared: bool) -> tuple[str, str]:
    """Attach a PEFT adapter to a loaded model, switched off. Returns its name, and what was found, for a reader.

    shared: the model itself is measured, too. Raises InputError unless every tensor of the adapter is in place, PEFT's
    own forward says the same, and (if shared) the model without the adapter says the same as before.
    """
    key = f"models.{checkpoint.model_id}.adapter: {checkpoint.adapter}"
    _check_numbers(key, checkpoint)
    # Without a dot, which no module's name may have; and never part of another's name: PEFT looks for it in names.
    name = f"<{checkpoint.model_id.replace('.', ' ')}>"
    rows = _rows(checkpoint, weights)
    if rows is not None:
        weights.model.resize_token_embeddings(rows, mean_resizing=False)  # the adapter brings all rows
    with weights.using(None):
        before = _logits(weights.model)
    _check_keys(key, _load(checkpoint, weights, name, key), _names(checkpoint))
    with weights.using(None):
        off = _logits(weights.model)
    with weights.using(name):
        on, whole = _logits(weights.model), _logits(weights.peft_model)
    if not _same(on, whole):
        raise InputError(f"{key}: works outside of the model's layers, which cannot be measured; give LoRA or its like")
    if shared and not _same(before, off):
        raise InputError(f"{key}: the model that it adapts says something else, even with the adapter switched off")
    finding = f"adapter: {len(_names(checkpoint)):,} tensors in place"
    finding += "; switched off, the model is as before" if shared else "; over a copy of its own"
    other = checkpoint.adapter_card.other_base if checkpoint.adapter_card else ""
    finding += f"; its settings say that it was trained on {other}" if other else ""
    return name, finding + ("; IT CHANGES NOTHING on a short text" if torch.equal(on, off) else "")


def _load(checkpoint: Checkpoint, weights: Weights, name: str, key: str) -> Any:
    """Attach, then load once more into the same place: only `load_adapter` tells what it found."""
    assert checkpoint.adapter_card is not None
    try:
        from peft import PeftModel
    except ImportError:
        raise InputError(
            f"models.{checkpoint.model_id}.adapter: needs the extra `adapters`: pip install 'tds-atlas[adapters]'"
        ) from None
    _check_patterns(key, checkpoint, weights.model)
    options: dict[str, Any] = {"use_safetensors": True, "local_files_only": True}
    mapping = getattr(weights.model, "_checkpoint_conversion_mapping", {})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if weights.peft_model is None:
                folder = str(checkpoint.adapter)
                weights.peft_model = PeftModel.from_pretrained(weights.model, folder, adapter_name=name, **options)
            weights.adapter_kind = checkpoint.adapter_card.kind
            return weights.peft_model.load_adapter(str(checkpoint.adapter), name, key_mapping=mapping, **options)
    except Exception as error:  # PEFT raises many types; the user needs the folders and the reason
        raise InputError(f"{key} does not fit {checkpoint.folder}: {one_line(error)}") from None


def _check_numbers(key: str, checkpoint: Checkpoint) -> None:
    """Raises InputError for a tensor with NaN: attention over short texts can pass it over."""
    assert checkpoint.adapter is not None
    with safe_open(checkpoint.adapter / ADAPTER_WEIGHTS, "pt") as file:
        for name in list(file.keys()):
            if not bool(file.get_tensor(name).float().isfinite().all()):
                raise InputError(f"{key}: {name} holds NaN or infinity; train or save it again")


def _check_patterns(key: str, checkpoint: Checkpoint, model: Any) -> None:
    """Raises InputError for a pattern that PEFT would never finish to look for."""
    assert checkpoint.adapter is not None
    for pattern in patterns(checkpoint.adapter):
        with time_limit(f"{key}: looking for the pattern {pattern[:40]!r}"), suppress(re.error):
            found = re.compile(rf"(.*\.)?({pattern})")
            for name, _ in model.named_modules():
                found.fullmatch(name)


def _check_keys(key: str, result: Any, names: Collection[str]) -> None:
    """Raises InputError naming the first tensor that is missing or left over.

    Of embeddings that were widened before training PEFT writes the same table under three names, and reads one.
    """
    copies = {tensor for tensor in names if re.sub(_COPIES, ".", tensor) in set(names) - {tensor}}
    unexpected = [tensor for tensor in result.unexpected_keys if tensor not in copies]
    for tensors, problem in (
        (result.missing_keys, "tensors are missing"),
        (unexpected, "tensors have no place in the model"),
    ):
        if tensors:
            raise InputError(
                f"{key}: {len(tensors)} of its {problem}, the first is {sorted(tensors)[0]}; was it trained on another "
                "model, or renamed?"
            )


def _tables(checkpoint: Checkpoint, weights: Weights) -> dict[str, int]:
    """The embedding tables that an adapter brings whole, with their rows."""
    assert checkpoint.adapter is not None
    tables = {}
    with safe_open(checkpoint.adapter / ADAPTER_WEIGHTS, "pt") as file:
        for tensor in list(file.keys()):
            table = tensor.removeprefix(_PEFT_PREFIX).removesuffix(".weight").removesuffix(".base_layer")
            if table in weights.embeddings:
                tables[table] = file.get_slice(tensor).get_shape()[0]
    return tables


def _rows(checkpoint: Checkpoint, weights: Weights) -> int | None:
    """The rows of an adapter's embeddings if they are more or fewer than the model's own; else None."""
    own = weights.model.get_input_embeddings().weight.shape[0]
    return next((rows for rows in _tables(checkpoint, weights).values() if rows != own), None)


def _names(checkpoint: Checkpoint) -> list[str]:
    assert checkpoint.adapter is not None
    with safe_open(checkpoint.adapter / ADAPTER_WEIGHTS, "pt") as file:
        return list(file.keys())


def _logits(model: Any) -> Tensor:
    """[T, V] logits for a short text."""
    width = model.get_input_embeddings().weight.shape[0]
    ids = torch.arange(1, 13, device=model.device)[None] % width  # [1, T]
    with torch.inference_mode():
        logits: Tensor = model(input_ids=ids, use_cache=False).logits[0].float()
    return logits


def _same(one: Tensor, other: Tensor) -> bool:
    """To a ten-thousandth of the logits' spread: order of sums alone."""
    return one.shape == other.shape and bool((one - other).abs().max() <= 1e-4 * one.std().clamp_min(1e-6))
