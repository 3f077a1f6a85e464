"""A side of a comparison: a model in a context, as generation, scoring and probes use it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tds_atlas.domain import Condition, InputError

if TYPE_CHECKING:
    from tds_atlas.measure.contexts import Frame
    from tds_atlas.measure.engines.transformers import LoadedModel

Ids = tuple[int, ...]
PromptIds = Mapping[str, Mapping[Condition, Ids]]  # response_id -> condition -> ids before the answer


@dataclass(frozen=True)
class Side:
    """A condition with its context as its model reads it; the model is loaded on first use."""

    condition: Condition
    frame: Frame
    load: Callable[[], LoadedModel]

    @property
    def model(self) -> LoadedModel:
        return self.load()

    def out_of_memory(self, prompt: str) -> InputError:
        """The error for a prompt that does not fit into memory even alone."""
        return InputError(
            f"model {self.condition.model_id} runs out of memory on {self.model.device} "
            f"with prompt {prompt[:40]!r} alone"
        )
