"""Checkpoints on disk: a model's files, the hash of their content, what their headers say. Loads no weights.

This is enough to decide whether anything is left to measure, so torch and transformers are never imported here.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tds_atlas.domain import InputError, ModelCard, one_line
from tds_atlas.hashes import hash_files
from tds_atlas.inputs import model_config
from tds_atlas.inputs.adapters import ADAPTER_CONFIG, ADAPTER_WEIGHTS, AdapterCard, read_adapter
from tds_atlas.inputs.engine_settings import EngineSettings, TransformersSettings
from tds_atlas.inputs.model_config import CONFIG, GENERATION, check_end_tokens, check_sizes, read_config
from tds_atlas.inputs.settings import ModelSettings, Source
from tds_atlas.inputs.weights import tensor_shapes, weight_files, weights_are_in
from tds_atlas.paths import real_path

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
_MORE_TEMPLATES = "additional_chat_templates/*.jinja"
_HUB_FILES = ["model*.safetensors", ADAPTER_WEIGHTS, "*.json", "*.jinja", "tokenizer.model", "merges.txt"]


@dataclass(frozen=True)
class Checkpoint:
    """A model's folder (of an adapter: the adapted model's) with the hashes of all that its numbers depend on."""

    model_id: str
    settings: ModelSettings
    folder: Path
    revision: str | None
    weights_hash: str
    tokenizer_hash: str
    dtype: str
    tokenizer_folder: Path
    adapter: Path | None = None
    adapter_card: AdapterCard | None = None
    engine: EngineSettings = field(default_factory=TransformersSettings)
    gguf: Path | None = None  # the weights, in place of those of the folder

    @property
    def source(self) -> str:
        if self.gguf and not self.adapter:
            return self.gguf.name
        origin = self.settings.adapter or self.settings
        return origin.hub or real_path(self.adapter or self.folder).name

    @property
    def fingerprint(self) -> tuple[str, ...]:
        return self.weights_hash, self.tokenizer_hash, self.dtype, *self.engine.identity


def locate(model_id: str, models: Mapping[str, ModelSettings]) -> Checkpoint:
    """Find a model's files, in its folder or in the hub's cache (downloaded if missing). Raises InputError."""
    settings = models[model_id]
    if settings.adapts is not None:
        return _locate_adapter(model_id, settings, locate(settings.adapts, models))
    folder, revision = _folder(f"models.{model_id}", settings)
    if not (folder / CONFIG).is_file():
        raise InputError(f"models.{model_id}: {folder} {_instead_of_a_model(folder)}")
    key, gguf = f"models.{model_id}", settings.gguf
    weights = [_gguf_file(key, gguf)] if gguf else weights_of(key, folder, settings.engine)
    pinned = revision and not gguf
    content = hash_files([folder / name for name in (CONFIG, GENERATION)] + ([] if pinned else weights))
    tokenizer = _hash_tokenizer(folder)
    weights_hash = f"{revision or ''}{content}"
    checkpoint = Checkpoint(model_id, settings, folder, revision, weights_hash, tokenizer, settings.dtype, folder)
    return replace(checkpoint, engine=settings.engine, gguf=gguf)


def _gguf_file(key: str, path: Path) -> Path:
    """The same path. Raises InputError unless such a file is there."""
    if not path.is_file():
        raise InputError(f"{key}.gguf: no file {path}; paths are relative to the report file")
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise InputError(f"{key}.gguf: {path} is no GGUF file")
    return path


def weights_of(key: str, folder: Path, engine: EngineSettings) -> list[Path]:
    """The weight files; none where the engine has the weights elsewhere."""
    if not engine.reads_weights and not weights_are_in(folder):
        return []
    return weight_files(key, folder)


def _locate_adapter(model_id: str, settings: ModelSettings, base: Checkpoint) -> Checkpoint:
    assert settings.adapter is not None
    if base.engine.kind == "vllm":
        raise InputError(f"models.{model_id}: vllm runs no adapters here: merge it into {settings.adapts}")
    folder, revision = _folder(f"models.{model_id}.adapter", settings.adapter)
    files = [folder / ADAPTER_CONFIG, folder / ADAPTER_WEIGHTS]
    for file in files:
        if not file.is_file():
            raise InputError(f"models.{model_id}.adapter: {folder} has no {file.name}; give a folder written by PEFT")
    own_tokenizer = (folder / "tokenizer.json").is_file()
    tokenizer_hash = _hash_tokenizer(folder) if own_tokenizer else base.tokenizer_hash
    return replace(
        base,
        model_id=model_id,
        settings=settings,
        revision=revision,
        weights_hash=f"{base.weights_hash}+{hash_files(files)}",
        tokenizer_hash=tokenizer_hash,
        tokenizer_folder=folder if own_tokenizer else base.tokenizer_folder,
        adapter=folder,
        adapter_card=read_adapter(f"models.{model_id}.adapter", folder, base.source),
    )


def _hash_tokenizer(folder: Path) -> str:
    return hash_files([*(folder / name for name in TOKENIZER_FILES), *sorted(folder.glob(_MORE_TEMPLATES))])


def _instead_of_a_model(folder: Path) -> str:
    """What a folder without a config.json lacks, and what to give instead."""
    if (folder / ADAPTER_CONFIG).is_file():
        return "holds an adapter, not a model; give adapts: (the model it was trained on) and adapter: {path: ...}"
    return "has no config.json; give a folder written by save_pretrained"


def card(checkpoint: Checkpoint, tokenizer_id: str = "") -> ModelCard:
    """A model as config.json and the headers of its weight files describe it. Raises InputError for damaged files."""
    folder = checkpoint.folder
    config = read_config(folder)
    files = [] if checkpoint.gguf else weights_of(f"models.{checkpoint.model_id}", folder, checkpoint.engine)
    shapes = [shape for path in files for shape in tensor_shapes(path)]
    if files:
        check_sizes(folder, config, shapes)
    check_end_tokens(folder, config)
    context_length(checkpoint)
    if checkpoint.adapter:
        shapes += tensor_shapes(checkpoint.adapter / ADAPTER_WEIGHTS)
    return ModelCard(
        checkpoint.model_id,
        checkpoint.settings.label or checkpoint.model_id,
        checkpoint.source,
        checkpoint.revision,
        model_config.architecture(folder, config) + (" + adapter" if checkpoint.adapter else ""),
        sum(map(math.prod, shapes)) if files and "quantization_config" not in config else None,
        model_config.vocab_size(folder, config),
        dtype_of(checkpoint, config),
        checkpoint.weights_hash,
        tokenizer_id,
        checkpoint.engine.kind,
    )


def dtype_of(checkpoint: Checkpoint, config: Mapping[str, Any]) -> str:
    """`auto` is the dtype that config.json gives for the weights; `unknown` where somebody else runs them."""
    if not checkpoint.engine.reads_weights:
        return "unknown"
    return (
        str(config.get("dtype") or config.get("torch_dtype") or "float32")
        if checkpoint.dtype == "auto"
        else checkpoint.dtype
    )


def context_length(checkpoint: Checkpoint) -> int | None:
    """How many positions the model can read according to config.json; None if it does not say."""
    return model_config.context_length(checkpoint.folder, read_config(checkpoint.folder))


def _folder(key: str, source: Source) -> tuple[Path, str | None]:
    """The local folder, or the hub's snapshot with its commit."""
    if source.path is None:
        return _from_hub(key, source, _weightless(source))
    if not source.path.is_dir():
        raise InputError(f"{key}.path: no folder {source.path}; paths are relative to the report file")
    return source.path, None


def _weightless(source: Source) -> bool:
    """Whether the files beside the weights are enough: the engine has the weights elsewhere."""
    return isinstance(source, ModelSettings) and not source.engine.reads_weights


def _from_hub(key: str, source: Source, weightless: bool = False) -> tuple[Path, str]:
    """The snapshot folder and its commit; the cache is tried first, so that a finished report needs no network."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    assert source.hub is not None
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    files = [name for name in _HUB_FILES if not (weightless and name.endswith(".safetensors"))]
    for offline in (True, False):
        try:
            path = Path(
                snapshot_download(source.hub, revision=source.revision, allow_patterns=files, local_files_only=offline)
            )
            return path, path.name
        except (LocalEntryNotFoundError, HfHubHTTPError, OSError, ValueError) as error:
            problem = one_line(error)
    at = f" at {source.revision}" if source.revision else ""
    raise InputError(f"{key}.hub: cannot get {source.hub}{at}: {problem}; for a local folder use path")
