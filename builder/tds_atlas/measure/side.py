"""A side of a comparison: a model in a context, as generation, scoring and probes use it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tds_atlas.domain import Condition, InputError, Prompt
from tds_atlas.measure.readings import Readings

if TYPE_CHECKING:
    from tds_atlas.measure.contexts import Frame
    from tds_atlas.measure.engines.engine import Model
    from tds_atlas.measure.engines.transformers import LoadedModel

CARD_IDS = 12  # ids of either end of a prompt on its card
Ids = tuple[int, ...]
PromptIds = Mapping[str, Mapping[Condition, Ids]]  # response_id -> condition -> ids before the answer


@dataclass(frozen=True)
class Side:
    """A condition with its context as its model reads it; the model is loaded on first use."""

    condition: Condition
    frame: Frame
    load: Callable[[], Model]

    @property
    def model(self) -> Model:
        return self.load()

    @property
    def resident(self) -> LoadedModel:
        """The model in this process, for probes that look into it: a report asks for them on no other engine."""
        model: Any = self.load()
        assert model.checkpoint.engine.kind == "transformers"
        return model  # type: ignore[no-any-return]

    def prompt_ids(self, prompt: Prompt) -> Ids:
        """The ids that the model reads before an answer to this prompt."""
        return self.frame.prompt_ids(self.frame.reads(prompt))

    def readings(self, prompts: Sequence[Prompt]) -> Readings:
        """What the model reads before an answer to each of these prompts."""
        return Readings.of(self.frame, [self.frame.reads(prompt) for prompt in prompts])

    def card(self, prompts: Sequence[Prompt], readings: Readings) -> dict[str, Any]:
        """What the model reads before an answer, shown on the first prompt: a row of the table `condition`."""
        texts = [self.frame.reads(prompt) for prompt in prompts]
        ids = self.frame.prompt_ids(texts[0])
        return {
            "condition_id": self.condition.condition_id,
            "model_id": self.condition.model_id,
            "context_id": self.condition.context_id,
            "arithmetic": self.condition.arithmetic,
            "prompt_card": self.frame.render(texts[0]),
            "head_ids": list(ids[:CARD_IDS]),
            "tail_ids": list(ids[-CARD_IDS:]),
            "begin_tokens": self.frame.begin_count(ids),
            "template_hash": self.frame.template_hash,
            "opening": readings.opening,
            "closing": readings.closing,
            "remarks": "; ".join(self.frame.remarks(texts)) or None,
        }

    def out_of_memory(self, prompt: Prompt) -> InputError:
        """The error for a prompt that does not fit into memory even alone."""
        return InputError(
            f"model {self.condition.model_id} runs out of memory on {self.model.device} "
            f"with prompt {prompt.text[:40]!r} alone"
        )
