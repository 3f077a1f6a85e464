"""The blocks of a report file on its steps: how to generate and to score, what the site shows, where things go."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from tds_atlas.domain import Sampling
from tds_atlas.inputs.blocks import OutputPath, Positive, Settings
from tds_atlas.inputs.bucket_urls import ShardsPlace

_NOT_USED = {"repetition_penalty": 1, "top_p": 1, "min_p": 0}  # values that change no distribution


def _checked(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must be a number, not true or false")
    return value


Number = Annotated[float, BeforeValidator(_checked)]
Seed = Annotated[int, BeforeValidator(_checked), Field(ge=0, lt=2**63)]


class GenerateSettings(Settings):
    """How models answer: greedily, or with a temperature by draws of their own for each answer."""

    max_new_tokens: Positive = 256
    batch_size: Positive = 64
    temperature: Annotated[Number, Field(ge=0, le=100)] | None = None  # 0, as none: greedily
    top_p: Annotated[Number, Field(gt=0, le=1)] | None = None
    top_k: Positive | None = None
    min_p: Annotated[Number, Field(ge=0, le=1)] | None = None
    repetition_penalty: Annotated[Number, Field(gt=0, le=100)] | None = None
    seed: Seed = 0
    samples: Annotated[Positive, Field(le=1000)] = 1  # answers to each prompt

    @model_validator(mode="after")
    def _only_draws_differ(self) -> Self:
        if self.temperature and self.temperature < 0.01:
            raise ValueError(f"temperature: {self.temperature} is nearly greedy; give 0 (greedy), or 0.01 and above")
        off = {"samples": 1, "seed": 0, "top_k": None} | _NOT_USED
        given = [key for key, unused in off.items() if getattr(self, key) not in (None, unused)]
        if given and not self.temperature:
            raise ValueError(f"{given[0]}: without a temperature above 0 answers are greedy; give temperature, e.g. 1")
        return self

    @property
    def sampling(self) -> Sampling | None:
        """How answers are drawn; None: they are greedy."""
        if not self.temperature:
            return None
        used = {key: x for key in _NOT_USED if (x := getattr(self, key)) not in (None, _NOT_USED[key])}
        return Sampling(temperature=self.temperature, top_k=self.top_k, seed=self.seed, **used)

    @property
    def drawn(self) -> tuple[Any, ...]:
        """What names drawn answers besides what names greedy ones."""
        return (asdict(self.sampling), self.samples) if self.sampling else ()


class ScoreSettings(Settings):
    top_k: Positive = 30
    batch_tokens: Positive = 4096
    chunk_logits: Positive = 20_000_000  # logits in memory at a time, per condition; 4 times as many on a GPU


class SiteSettings(Settings):
    """What the site shows; the database and the table of examples hold everything regardless."""

    example_pages: Positive = 6000  # at most; whole prompts, those with the largest mean KL first
    publish_models: Positive | None = None  # MB of weights that the site may publish


class OutputSettings(Settings):
    """Where things are written, relative to the folder that `tds` runs in."""

    shards: ShardsPlace = Path("data/shards")
    database: OutputPath = Path("data/tds.duckdb")
    site: OutputPath = Path("site")
    lists: Literal["database", "shards"] = "database"  # where the lists of likeliest tokens are kept
