"""The tokens that end an answer, as a model's own files name them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from transformers import PreTrainedTokenizerFast

from tds_atlas.domain import InputError
from tds_atlas.inputs.checkpoints import Checkpoint
from tds_atlas.inputs.model_config import end_token_ids


def end_ids_of(checkpoint: Checkpoint, tokenizer: PreTrainedTokenizerFast) -> tuple[int, ...]:
    """The ids that end an answer: from an adapter's own tokenizer, else the generation settings, else the tokenizer.

    Reads the settings, not the weights. Raises InputError if there is none, or one that no token has.
    """
    own_tokenizer = checkpoint.tokenizer_folder != checkpoint.folder
    path, ids = (checkpoint.tokenizer_folder, None) if own_tokenizer else end_token_ids(checkpoint.folder)
    ids = tokenizer.eos_token_id if ids is None or ids == [] else ids
    if ids is None:
        raise InputError(
            f"models.{checkpoint.model_id}: {checkpoint.folder} names no end token; set eos_token_id in "
            "generation_config.json"
        )
    end_ids: tuple[Any, ...] = tuple(ids) if isinstance(ids, list) else (ids,)
    for i in end_ids:
        if type(i) is not int or i < 0 or not tokenizer.convert_ids_to_tokens(i):
            raise InputError(f"{path}: eos_token_id: {i!r} is not the id of a token; give ids of the tokenizer")
    return end_ids


def until_end(ids: Sequence[int], end_ids: tuple[int, ...]) -> tuple[int, ...]:
    """The ids up to the first end token, with it; all of them if there is none."""
    end = next((i for i, token in enumerate(ids) if token in end_ids), len(ids) - 1)
    return tuple(ids[: end + 1])
