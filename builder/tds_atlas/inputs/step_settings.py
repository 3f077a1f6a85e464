"""The blocks of a report file on its steps: how to generate and to score, what the site shows, where things go."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from tds_atlas.inputs.blocks import OutputPath, Positive, Settings
from tds_atlas.inputs.bucket_urls import ShardsPlace


class GenerateSettings(Settings):
    max_new_tokens: Positive = 256
    batch_size: Positive = 64


class ScoreSettings(Settings):
    top_k: Positive = 30
    batch_tokens: Positive = 4096
    chunk_logits: Positive = 20_000_000  # logits in memory at a time, per condition; 4 times as many on a GPU


class SiteSettings(Settings):
    """What the site shows; the database and the table of examples hold everything regardless."""

    example_pages: Positive = 6000  # at most; whole prompts, those with the largest mean KL first


class OutputSettings(Settings):
    """Where things are written, relative to the folder that `tds` runs in."""

    shards: ShardsPlace = Path("data/shards")
    database: OutputPath = Path("data/tds.duckdb")
    site: OutputPath = Path("site")
    lists: Literal["database", "shards"] = "database"  # where the lists of likeliest tokens are kept
