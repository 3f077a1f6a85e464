"""The block `engine` of a model: who computes its numbers. A word names an engine whose settings are as they stand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from tds_atlas.inputs.blocks import Positive, Settings, beside_report


class TransformersSettings(Settings):
    """The transformers library, in this process: exact, and every probe."""

    kind: Literal["transformers"] = "transformers"
    exact: ClassVar[bool] = True  # whether whole distributions are known, or only lists of their likeliest tokens
    reads_weights: ClassVar[bool] = True  # whether the model's folder must hold its weights

    @property
    def identity(self) -> tuple[str, ...]:
        """What of these settings the numbers depend on; for shards of this engine nothing, as they are older."""
        return ()


class VllmSettings(Settings):
    """vLLM, in a process under a Python of its own: exact, for large models, several GPUs and quantised checkpoints."""

    kind: Literal["vllm"] = "vllm"
    exact: ClassVar[bool] = True
    reads_weights: ClassVar[bool] = True
    # That has vLLM; default: TDS_VLLM_PYTHON of the environment.
    python: Annotated[Path, AfterValidator(beside_report)] | None = None
    tensor_parallel_size: Positive = 1  # GPUs for one model
    max_model_len: Positive | None = None  # tokens of a text at most; default: as many as the model reads
    gpu_memory_utilization: Annotated[float, Field(gt=0, le=1)] | None = None  # of each GPU, for each model; vLLM: 0.9

    @property
    def identity(self) -> tuple[str, ...]:
        return ("vllm", str(self.tensor_parallel_size))


def _from_word(value: Any) -> Any:
    """`engine: transformers` is short for `engine: {kind: transformers}`."""
    return {"kind": value} if isinstance(value, str) else value


EngineSettings = Annotated[
    TransformersSettings | VllmSettings, Field(discriminator="kind"), BeforeValidator(_from_word)
]
ENGINES = ("transformers", "vllm")
