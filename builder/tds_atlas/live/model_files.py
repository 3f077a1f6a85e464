"""A model as files that a browser runs: its weights as they are, and a graph over them. Or a sentence why not."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tds_atlas.inputs.checkpoints import Checkpoint, context_length, dtype_of
from tds_atlas.inputs.model_config import read_config
from tds_atlas.inputs.weights import weight_files
from tds_atlas.live.llama_graph import graph_of
from tds_atlas.live.llama_shape import Shape, read_weights
from tds_atlas.parts import unwritable, write_file


@dataclass(frozen=True)
class ModelFiles:
    """One model's files, by the names that they get."""

    name: str
    shape: Shape
    graph: bytes
    weights: dict[str, Path]
    positions: int | None  # that it can read

    @property
    def size(self) -> int:
        """Bytes of the weights."""
        return sum(path.stat().st_size for path in self.weights.values())

    def write(self, folder: Path) -> None:
        write_file(folder / f"{self.name}.onnx", self.graph)
        for name, path in self.weights.items():
            try:
                shutil.copyfile(path, folder / name)
            except OSError as error:
                raise unwritable(folder / name, error) from None

    def as_json(self) -> dict[str, Any]:
        return {
            "graph": f"{self.name}.onnx",
            "weights": list(self.weights),
            "bytes": self.size + len(self.graph),
            "past": [2 * self.shape.layers, self.shape.key_heads, self.shape.head],
            "words": self.shape.words,
            "positions": self.positions,
        }


def model_files(checkpoint: Checkpoint, name: str) -> ModelFiles | str:
    """Reads config.json and the heads of the weight files. A text is the end of a sentence about the model."""
    if problem := _not_published(checkpoint):
        return problem
    folder = checkpoint.folder
    config = read_config(folder)
    if (dtype := dtype_of(checkpoint, config)) != "float32":
        return f"is measured in {dtype}, and a browser computes in float32"
    shape = Shape.of(config)
    if isinstance(shape, str):
        return shape
    paths = weight_files(f"models.{checkpoint.model_id}", folder)
    files = {f"{name}.{i}.safetensors" if i else f"{name}.safetensors": path for i, path in enumerate(paths)}
    weights = read_weights(files)
    graph = weights if isinstance(weights, str) else graph_of(shape, weights)
    return graph if isinstance(graph, str) else ModelFiles(name, shape, graph, files, context_length(checkpoint))


def _not_published(checkpoint: Checkpoint) -> str | None:
    """Why a model's weights do not go into the site, whatever they are."""
    if checkpoint.engine.kind != "transformers":
        return f"is run by the engine {checkpoint.engine.kind}"
    if checkpoint.adapter or checkpoint.gguf:
        return "is an adapter, and only whole models run there" if checkpoint.adapter else "is a GGUF file"
    if checkpoint.settings.path is None:
        return "comes from the hub: to publish its weights, which its licence must allow, give its folder as path"
    return None
