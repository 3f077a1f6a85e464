"""What config.json and generation_config.json say about a model, checked against the shapes of its weights."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tds_atlas.domain import InputError
from tds_atlas.inputs.weights import Shape

CONFIG, GENERATION = "config.json", "generation_config.json"
_LENGTHS = ("max_position_embeddings", "n_positions")
_LAYERS = ("num_hidden_layers", "num_layers", "n_layer", "n_layers")
_WIDTHS = ("vocab_size", "hidden_size", "intermediate_size", "n_embd", "n_inner", "d_model")

Config = Mapping[str, Any]


def read_config(folder: Path, name: str = CONFIG) -> Config:
    """One of a model's settings files. Raises InputError if it holds no mapping."""
    path = folder / name
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        config = None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    if not isinstance(config, dict):
        raise InputError(f"{path}: not a model's {name}: it must be JSON text with keys and values")
    return config


def vocab_size(folder: Path, config: Config) -> int:
    size = _number(folder, _text(config), "vocab_size")
    if size is None:
        raise InputError(f"{folder / CONFIG}: not a model's config.json: no vocab_size")
    return size


def context_length(folder: Path, config: Config) -> int | None:
    """How many positions the model can read; None if the config does not say."""
    return next(filter(None, (_number(folder, _text(config), key) for key in _LENGTHS)), None)


def architecture(folder: Path, config: Config) -> str:
    names = config.get("architectures") or ["unknown"]
    if not isinstance(names, list) or not isinstance(names[0], str):
        raise InputError(f"{folder / CONFIG}: architectures: must be a list with the name of the model's class")
    return names[0]


def check_sizes(folder: Path, config: Config, shapes: Sequence[Shape]) -> None:
    """Raises InputError for a config of a larger model than the weights: to build it could take for ever."""
    widest = max((side for shape in shapes for side in shape), default=0)
    for keys, most, what in ((_LAYERS, len(shapes), "tensors"), (_WIDTHS, widest, "values in the longest dimension")):
        for key in keys:
            size = _number(folder, _text(config), key)
            if size is not None and size > most:
                raise InputError(f"{folder / CONFIG}: {key}: {size:,}, but the weights have {most:,} {what}")


def check_end_tokens(folder: Path, config: Config) -> None:
    """Raises InputError unless the ids that end an answer are ids of the vocabulary."""
    path, ids = end_token_ids(folder)
    size = vocab_size(folder, config)
    for i in ids if isinstance(ids, list) else [] if ids is None else [ids]:
        if type(i) is not int or not 0 <= i < size:
            raise InputError(f"{path}: eos_token_id: {str(i)[:40]!r} is not an id from 0 to {size - 1:,}")


def end_token_ids(folder: Path) -> tuple[Path, Any]:
    """The file that names the end tokens, and what it says: generation_config.json, or without one config.json."""
    name = GENERATION if (folder / GENERATION).is_file() else CONFIG
    return folder / name, _text(read_config(folder, name)).get("eos_token_id")


def _text(config: Config) -> Config:
    """The part about text, in models of several kinds of input."""
    text = config.get("text_config")
    return text if isinstance(text, dict) and not config.get("vocab_size") else config


def _number(folder: Path, config: Config, key: str) -> int | None:
    value = config.get(key)
    if value is not None and (type(value) is not int or value < 1):
        raise InputError(f"{folder / CONFIG}: {key}: {str(value)[:40]!r} is not a whole number above 0")
    return value
