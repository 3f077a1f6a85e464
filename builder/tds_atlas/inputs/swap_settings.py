"""The block `probes.swap` of a report file: which tokens are swapped into whose text, and how texts are written."""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, Field, field_validator, model_validator

from tds_atlas.domain import Sampling
from tds_atlas.inputs.blocks import Name, Positive, Settings
from tds_atlas.inputs.graders import OUTCOMES, GraderSettings
from tds_atlas.inputs.step_settings import Number, Seed

Method = Literal["divergence", "delta", "entropy", "random"]
Share = Annotated[float, Field(gt=0, lt=1)]
T = TypeVar("T")
_LATER = {
    "reverse",
    "methods",
    "thresholds",
    "temperature",
    "top_p",
    "seed",
    "samples",
}  # of later versions than others


def _each_once(values: tuple[T, ...] | None) -> tuple[T, ...] | None:
    if values is not None and len(set(values)) < len(values):
        raise ValueError("names one twice; give each once")
    return values


class SwapSettings(Settings):
    """Token swap: one model writes, and some tokens are the other's; see measure/probes/swap.py."""

    comparisons: tuple[str, ...] = Field(min_length=1)
    shares: tuple[Share, ...] = (0.02, 0.05, 0.1, 0.2, 0.4)
    reverse: tuple[Share, ...] = ()  # of the base's tokens in the aligned model's text
    methods: Annotated[tuple[Method, ...] | None, AfterValidator(_each_once)] = None  # null: those of `forward`
    thresholds: Annotated[
        tuple[Annotated[Number, Field(ge=-100, le=100)], ...], AfterValidator(_each_once)
    ] = ()  # of Δ log p, in nats: swap wherever it is above
    prompts: Positive = 96  # at most this many of the report's, evenly spaced
    max_new_tokens: Positive = 160
    temperature: Annotated[Number, Field(ge=0.01, le=100)] | None = None  # null: greedily
    top_p: Annotated[Number, Field(gt=0, le=1)] | None = None
    seed: Seed = 0
    samples: Annotated[Positive, Field(le=1000)] = 1  # texts of each prompt by each rule
    graders: dict[Name, GraderSettings] = Field(default_factory=dict)  # outcomes of one's own, by name

    @model_validator(mode="after")
    def _divergence_sets_the_shares(self) -> Self:
        if self.methods is not None and "divergence" not in self.methods:
            raise ValueError("methods: divergence is missing; the others aim at the shares that it reaches")
        return self

    @model_validator(mode="after")
    def _greedy_texts_are_alike(self) -> Self:
        drawn = {"samples": self.samples > 1, "seed": self.seed > 0, "top_p": self.top_p not in (None, 1)}
        if self.temperature is None and any(drawn.values()):
            key = next(key for key, given in drawn.items() if given)
            raise ValueError(f"{key}: without a temperature texts are greedy; give temperature, e.g. 1")
        return self

    @field_validator("graders")
    @classmethod
    def _names_are_free(cls, graders: dict[str, GraderSettings]) -> dict[str, GraderSettings]:
        for name in OUTCOMES:
            if name in graders:
                raise ValueError(f"{name} is an outcome that every report has; give the grader another name")
        return graders

    @property
    def forward(self) -> tuple[str, ...]:
        """How places are chosen in the base's text."""
        return self.methods or ("divergence", "entropy", "random")

    @property
    def backward(self) -> tuple[str, ...]:
        """How places are chosen in the aligned model's text."""
        return self.methods or ("divergence",)

    @property
    def sampling(self) -> Sampling | None:
        """How tokens are drawn; None: greedily."""
        if self.temperature is None:
            return None
        return Sampling(temperature=self.temperature, top_p=None if self.top_p == 1 else self.top_p, seed=self.seed)

    @property
    def unused(self) -> set[str]:
        """Keys that do not name a shard: graders, and what has its default and was not there in earlier versions."""
        return {"graders"} | {key for key in _LATER if getattr(self, key) == type(self).model_fields[key].default}
