"""The block `engine` of a model: who computes its numbers. A word names an engine whose settings are as they stand."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator

from tds_atlas.inputs.blocks import Settings


class TransformersSettings(Settings):
    """The transformers library, in this process: exact, and every probe."""

    kind: Literal["transformers"] = "transformers"
    exact: ClassVar[bool] = True  # whether whole distributions are known, or only lists of their likeliest tokens
    reads_weights: ClassVar[bool] = True  # whether the model's folder must hold its weights

    @property
    def identity(self) -> tuple[str, ...]:
        """What of these settings the numbers depend on; for shards of this engine nothing, as they are older."""
        return ()


def _from_word(value: Any) -> Any:
    """`engine: transformers` is short for `engine: {kind: transformers}`."""
    return {"kind": value} if isinstance(value, str) else value


EngineSettings = Annotated[TransformersSettings, BeforeValidator(_from_word)]
ENGINES = ("transformers",)
