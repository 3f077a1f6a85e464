"""The models of a run, each started once by its engine, and their tokenizers."""

from __future__ import annotations

import platform
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerFast

from tds_atlas.inputs.checkpoints import Checkpoint
from tds_atlas.inputs.engine_settings import EngineSettings
from tds_atlas.measure.end_tokens import end_ids_of
from tds_atlas.measure.engines.adapters import attach_adapter, shares_weights
from tds_atlas.measure.engines.engine import Model
from tds_atlas.measure.engines.loading import Weights, choose_device, load_tokenizer, load_weights
from tds_atlas.measure.engines.transformers import LoadedModel
from tds_atlas.measure.side import Ids
from tds_atlas.measure.threads import choose_threads


@dataclass
class Models:
    """Loads each checkpoint once, on first use; an adapter shares the weights of the model it adapts."""

    device: str  # `auto` becomes the first GPU, else the CPU
    top_k: int = 30  # the length of lists, for engines that must be asked for them
    tokenizers: dict[str, PreTrainedTokenizerFast] = field(default_factory=dict)
    instances: dict[tuple[str, ...], Model] = field(default_factory=dict)
    weights: dict[tuple[Path, str], Weights] = field(default_factory=dict)
    threads: str = ""  # of a CPU: how many compute, and who chose them

    def __post_init__(self) -> None:
        self.device = choose_device(self.device)
        self.threads = choose_threads() if self.device == "cpu" else ""

    def tokenizer(self, checkpoint: Checkpoint) -> PreTrainedTokenizerFast:
        if checkpoint.model_id not in self.tokenizers:
            self.tokenizers[checkpoint.model_id] = load_tokenizer(checkpoint)
        return self.tokenizers[checkpoint.model_id]

    def provenance(self) -> dict[str, Any]:
        """What of the machine and the libraries may show in the last digits of a number."""
        instances = self.instances.values()
        return {
            "loaded": {name: self._loaded_as(name) for name in {m.checkpoint.model_id for m in instances}},
            "device": self.device,
            "machine": platform.machine(),
            "threads": self.threads,
            "attention": ", ".join(sorted({m.attention for m in instances if m.attention})),
            "dtypes": ", ".join(sorted({f"{m.checkpoint.model_id} {m.dtype}" for m in instances if m.dtype})),
            "engines": ", ".join(sorted({f"{m.checkpoint.model_id} {m.engine}" for m in instances})),
            "torch": version("torch"),
            "transformers": version("transformers"),
        }

    def _loaded_as(self, model_id: str) -> str:
        """What was found when a model was loaded, on whatever engines."""
        texts = (m.loaded for m in self.instances.values() if m.checkpoint.model_id == model_id)
        return "; ".join(dict.fromkeys(filter(None, texts)))

    def model(self, checkpoint: Checkpoint, dtype: str = "", engine: EngineSettings | None = None) -> Model:
        """The checkpoint in its own dtype and on its own engine, or once more in another."""
        dtype, engine = dtype or checkpoint.dtype, engine or checkpoint.engine
        key = (checkpoint.model_id, dtype, engine.kind, *engine.identity)
        if key not in self.instances:
            end_ids = end_ids_of(checkpoint, self.tokenizer(checkpoint))
            self.instances[key] = self._started(checkpoint, dtype, engine, end_ids)
        return self.instances[key]

    def _started(self, checkpoint: Checkpoint, dtype: str, engine: EngineSettings, end_ids: Ids) -> Model:
        """The model on its engine. Each engine is imported where it is used: it may need packages of its own."""
        if engine.kind == "vllm":
            from tds_atlas.measure.engines.vllm.model import start

            return start(checkpoint, dtype, engine, end_ids, self.device)
        if engine.kind == "served":
            from tds_atlas.measure.engines.served import connect

            return connect(checkpoint, engine, end_ids, self.top_k)
        if engine.kind == "recorded":
            from tds_atlas.measure.engines.recorded import RecordedModel

            return RecordedModel(checkpoint, end_ids, engine)
        return self._loaded(checkpoint, dtype, end_ids)

    def _loaded(self, checkpoint: Checkpoint, dtype: str, end_ids: Ids) -> LoadedModel:
        shared = (checkpoint.gguf or checkpoint.folder, dtype)
        if shared not in self.weights:
            self.weights[shared] = load_weights(checkpoint, dtype, self.device)
        weights = self.weights[shared]
        model = LoadedModel(checkpoint, weights, end_ids, loaded=weights.loaded)
        if checkpoint.adapter:
            model = self._adapted(model, dtype)
        model.check_causal()
        return model

    def _adapted(self, base: LoadedModel, dtype: str) -> LoadedModel:
        """The model with its adapter, over the weights of the model it adapts or, where it must, a copy."""
        checkpoint, weights = base.checkpoint, base.weights
        is_shared = shares_weights(checkpoint, weights)
        if not is_shared:
            weights = load_weights(checkpoint, dtype, self.device)
        name, loaded = attach_adapter(checkpoint, weights, is_shared)
        return LoadedModel(checkpoint, weights, base.end_ids, name, f"{weights.loaded}; {loaded}")
