"""The tokens that end an answer, as a model's own files name them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerFast

from tds_atlas.domain import InputError
from tds_atlas.inputs.checkpoints import Checkpoint


def end_ids_of(checkpoint: Checkpoint, tokenizer: PreTrainedTokenizerFast) -> tuple[int, ...]:
    """The ids that end an answer: from an adapter's own tokenizer, else the generation settings, else the tokenizer.

    Reads the settings, not the weights. Raises InputError if there is none, or one that no token has.
    """
    path = _generation_settings(checkpoint)
    ids: Any = None if checkpoint.tokenizer_folder != checkpoint.folder else read_settings(path).get("eos_token_id")
    ids = tokenizer.eos_token_id if ids is None else ids
    if ids is None:
        raise InputError(
            f"models.{checkpoint.model_id}: {checkpoint.folder} names no end token; set eos_token_id in "
            "generation_config.json"
        )
    end_ids: tuple[Any, ...] = tuple(ids) if isinstance(ids, list) else (ids,)
    for i in end_ids:
        if not isinstance(i, int) or isinstance(i, bool) or i < 0 or not tokenizer.convert_ids_to_tokens(i):
            raise InputError(f"{path}: eos_token_id: {i!r} is not the id of a token; give ids of the tokenizer")
    return end_ids


def _generation_settings(checkpoint: Checkpoint) -> Path:
    """The file that names the end tokens; without one of its own, config.json."""
    own = checkpoint.folder / "generation_config.json"
    return own if own.is_file() else checkpoint.folder / "config.json"


def read_settings(path: Path) -> dict[str, Any]:
    """A model's settings, those of its text part included. Raises InputError if the file is damaged."""
    try:
        settings: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return dict(settings.get("text_config") or {}) | settings
    except (ValueError, AttributeError, TypeError, RecursionError):
        raise InputError(f"{path}: not valid JSON: damaged or incomplete; copy it from its source again") from None
