"""Checkpoints on disk: where a model's files are, the hash of its content, what its header says. Loads no weights.

This much decides whether there is anything left to measure, so it never imports torch or transformers.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
from dataclasses import dataclass
from pathlib import Path

from builder.config import ModelSettings
from builder.domain import InputError, ModelCard

WEIGHT_FILES = "*.safetensors"
TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
)
_CONFIG_FILES = ("config.json", "generation_config.json")
_HUB_FILES = [WEIGHT_FILES, "*.json", "*.jinja", "tokenizer.model", "merges.txt"]


@dataclass(frozen=True)
class Checkpoint:
    """A model's folder with the hashes of what decides its numbers."""

    model_id: str
    settings: ModelSettings
    folder: Path
    revision: str | None
    weights_hash: str
    tokenizer_hash: str

    @property
    def source(self) -> str:
        return self.settings.hub or self.folder.resolve().name

    @property
    def fingerprint(self) -> tuple[str, ...]:
        return self.weights_hash, self.tokenizer_hash, self.settings.dtype


def locate(model_id: str, settings: ModelSettings) -> Checkpoint:
    """Find a model's files, in its folder or in the hub's cache (fetched if not there). Raises InputError."""
    folder, revision = _from_hub(model_id, settings) if settings.hub else (_local(model_id, settings), None)
    weights = sorted(folder.glob(WEIGHT_FILES))
    if not (folder / "config.json").is_file() or not weights:
        what = "config.json" if weights else "safetensors weights"
        raise InputError(f"models.{model_id}: {folder} has no {what}; give a folder that save_pretrained wrote")
    content = _hash_files([folder / name for name in _CONFIG_FILES] + ([] if revision else weights))
    tokenizer = _hash_files([folder / name for name in TOKENIZER_FILES])
    return Checkpoint(model_id, settings, folder, revision, f"{revision or ''}{content}", tokenizer)


def card(checkpoint: Checkpoint, tokenizer_id: str) -> ModelCard:
    """What config.json and the headers of the weight files say of a model. Raises InputError for damaged files."""
    path = checkpoint.folder / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        vocab_size = config.get("vocab_size") or config["text_config"]["vocab_size"]
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{path}: not a model's config.json: no vocab_size") from None
    return ModelCard(
        checkpoint.model_id,
        checkpoint.settings.label or checkpoint.model_id,
        checkpoint.source,
        checkpoint.revision,
        (config.get("architectures") or ["unknown"])[0],
        sum(_parameters(path) for path in sorted(checkpoint.folder.glob(WEIGHT_FILES))),
        vocab_size,
        checkpoint.settings.dtype,
        checkpoint.weights_hash,
        tokenizer_id,
    )


def _local(model_id: str, settings: ModelSettings) -> Path:
    assert settings.path is not None
    if not settings.path.is_dir():
        raise InputError(
            f"models.{model_id}.path: there is no folder {settings.path}; paths are relative to the report file"
        )
    return settings.path


def _from_hub(model_id: str, settings: ModelSettings) -> tuple[Path, str]:
    """The snapshot folder and its commit; the cache is asked first, so that a finished report needs no network."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    assert settings.hub is not None
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    for offline in (True, False):
        try:
            path = Path(
                snapshot_download(
                    settings.hub, revision=settings.revision, allow_patterns=_HUB_FILES, local_files_only=offline
                )
            )
            return path, path.name
        except (LocalEntryNotFoundError, HfHubHTTPError, OSError, ValueError) as error:
            problem = str(error).splitlines()[0] if str(error) else type(error).__name__
    raise InputError(
        f"models.{model_id}.hub: cannot get {settings.hub} at {settings.revision}: {problem}; "
        "a local folder goes under path"
    )


def _hash_files(paths: list[Path]) -> str:
    """SHA-256 over names and contents, in order; a file that does not exist counts by its absence."""
    digest = hashlib.sha256()
    for path in paths:
        if path.is_file():
            with path.open("rb") as file:
                digest.update(f"{path.name}\0{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()


def _parameters(path: Path) -> int:
    """Number of values in a safetensors file: its first 8 bytes give the length of a JSON header of shapes."""
    try:
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            tensors = json.loads(file.read(size))
    except (ValueError, MemoryError, OverflowError):
        raise InputError(f"{path}: not a safetensors file, or cut short") from None
    return sum(math.prod(entry["shape"]) for name, entry in tensors.items() if name != "__metadata__")
