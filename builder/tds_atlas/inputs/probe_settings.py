"""The block `probes` of a report file as frozen settings."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from tds_atlas.inputs.blocks import InputPath, Positive, Settings
from tds_atlas.inputs.step_settings import Number, Seed
from tds_atlas.inputs.swap_settings import SwapSettings


class PrefillSettings(Settings):
    """Harmful prompts, and how the aligned model continues the first tokens of the base's answer."""

    comparisons: tuple[str, ...] = Field(min_length=1)
    depth: Positive = 10  # tokens of the base's answer, at most
    new_tokens: Positive = 24  # of the aligned model's continuation
    opening: Positive = 4  # tokens of its own answer that count as its opening


class ContinuationSettings(Settings):
    """What the base would have written where a run of shifted tokens begins."""

    new_tokens: Positive = 10
    per_response: Positive = 24  # positions, those with the largest KL


class FingerprintSettings(Settings):
    """The tokens raised most on texts that have nothing to do with the tuning; see measure/probes/fingerprint.py."""

    comparisons: tuple[str, ...] = Field(min_length=1)
    path: InputPath  # a file of neutral texts: rows with a `text`
    limit: Positive | None = 64  # texts, the first of the file; null: all
    tokens: Positive = 48  # of a text, its first
    top: Positive = 20  # tokens raised most, and as many lowered most, at each position
    against: str | None = None  # a comparison of the same training with nothing planted: what training alone raises


def _rising_from_none(depths: tuple[int, ...]) -> tuple[int, ...]:
    if depths[0] != 0 or any(b <= a for a, b in pairwise(depths)):
        raise ValueError("give rising numbers of tokens, 0 first, such as [0, 5, 25]")
    return depths


class RecoverySettings(Settings):
    """Harmful answers from a file, and whether the aligned model turns back; see measure/probes/recovery.py."""

    comparisons: tuple[str, ...] = Field(min_length=1)
    path: InputPath  # a file of harmful answers: rows with a prompt and an answer, in any format of `responses`
    limit: Positive | None = None  # rows, the first of the file; null: all
    depths: Annotated[
        tuple[Annotated[int, Field(ge=0, le=10_000)], ...], Field(min_length=1), AfterValidator(_rising_from_none)
    ] = (0, 1, 3, 10, 25, 50)  # tokens of an answer that are prefilled, as far as it goes
    opener: Positive = 24  # tokens of the aligned model's own first sentence that stand before a harmful span, at most
    new_tokens: Positive = 24  # of each continuation
    tokens: Positive = 64  # of an answer, its first, over which KL is measured


def _rising_past_none(alphas: tuple[float, ...]) -> tuple[float, ...]:
    if 0 not in alphas or alphas[-1] <= 0 or any(b <= a for a, b in pairwise(alphas)):
        raise ValueError("give rising numbers, 0 among them and the last above it, such as [0, 0.5, 1, 2]")
    return alphas


class AmplifiedSettings(Settings):
    """Answers from ℓ + α (ℓ - ℓ of the base), ℓ the aligned model's; see measure/probes/amplified.py."""

    comparisons: tuple[str, ...] = Field(min_length=1)
    alphas: Annotated[
        tuple[Annotated[Number, Field(ge=-1, le=100)], ...], Field(min_length=1), AfterValidator(_rising_past_none)
    ] = (0, 0.5, 1, 2)  # 0: the aligned model as it is; -1: the base
    prompts: Positive = 24  # at most this many of the report's, evenly spaced
    max_new_tokens: Positive = 48
    temperature: Annotated[Number, Field(ge=0.01, le=100)] | None = None  # null: greedily
    samples: Annotated[Positive, Field(le=1000)] = 1  # answers to each prompt at each α
    seed: Seed = 0

    @model_validator(mode="after")
    def _only_draws_differ(self) -> Self:
        given = "samples" if self.samples > 1 else "seed" if self.seed else None
        if given and self.temperature is None:
            raise ValueError(f"{given}: without a temperature answers are greedy; give temperature, e.g. 1")
        return self


class ProbeSettings(Settings):
    """What is measured by letting the models continue a text. A probe runs only if the report names it."""

    swap: SwapSettings | None = None
    prefill: PrefillSettings | None = None
    continuation: ContinuationSettings | None = None
    fingerprint: FingerprintSettings | None = None
    recovery: RecoverySettings | None = None
    amplified: AmplifiedSettings | None = None

    @property
    def named(self) -> dict[str, tuple[str, ...]]:
        """The comparisons that each probe names, of those probes that name some."""
        asked = ("swap", "prefill", "fingerprint", "recovery", "amplified")
        return {name: probe.comparisons for name in asked if (probe := getattr(self, name)) is not None}
