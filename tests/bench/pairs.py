"""The pairs that the bench runs on, and answers of lengths as real ones have."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from transformers import (
    AutoModelForCausalLM,
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    LlamaConfig,
    LlamaForCausalLM,
)

from tds_atlas.domain import Comparison, Condition, Response
from tds_atlas.measure.engines.loading import Weights
from tds_atlas.measure.engines.transformers import LoadedModel
from tests import tiny

POCKET = Path(__file__).parent.parent.parent / "data" / "pocket"
BASE, ALIGNED = Condition("base", "plain"), Condition("aligned", "chat")
COMPARISON = Comparison("pair", "base → aligned", "tuning", BASE, ALIGNED, "answers")


@dataclass(frozen=True)
class Pair:
    name: str
    models: dict[Condition, LoadedModel]
    batch_tokens: int

    @property
    def vocabulary(self) -> int:
        return min(m.vocab_size for m in self.models.values())


def loaded(name: str, model: Any) -> LoadedModel:
    model.requires_grad_(False)
    return LoadedModel(SimpleNamespace(model_id=name), Weights(model), (1,))  # type: ignore[arg-type]


def pocket(dtype: torch.dtype = torch.float32) -> Pair:
    """The bundled pair."""
    both = {
        c: loaded(c.model_id, AutoModelForCausalLM.from_pretrained(POCKET / folder, dtype=dtype))
        for c, folder in ((BASE, "base"), (ALIGNED, "dpo"))
    }
    return Pair(f"pocket, 2.2 M parameters, vocabulary 1,979, {_name(dtype)}", both, 4096)


def small(dtype: torch.dtype = torch.float32) -> Pair:
    """Two models of SmolLM-135M's shape with random weights."""
    sizes = tiny.shape(49152, 576, 1536, layers=30, heads=9, positions=2048)
    config = LlamaConfig(**sizes, num_key_value_heads=3, tie_word_embeddings=True)
    both = {}
    for seed, c in enumerate((BASE, ALIGNED)):
        torch.manual_seed(seed)
        both[c] = loaded(c.model_id, LlamaForCausalLM(config).to(dtype))
    return Pair(f"random, 135 M parameters, vocabulary 49,152, {_name(dtype)}", both, 2048)


def wide_config(vocabulary: int) -> Gemma3TextConfig:
    """Gemma-3-270M's shape with another vocabulary."""
    return Gemma3TextConfig(
        vocab_size=vocabulary,
        hidden_size=640,
        intermediate_size=2048,
        num_hidden_layers=18,
        num_attention_heads=4,
        num_key_value_heads=1,
        head_dim=256,
        sliding_window=512,
        max_position_embeddings=32768,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )


def wide(vocabulary: int, dtype: torch.dtype) -> Pair:
    """Two models of that shape with random weights."""
    both = {}
    for seed, c in enumerate((BASE, ALIGNED)):
        torch.manual_seed(seed)
        both[c] = loaded(c.model_id, Gemma3ForCausalLM(wide_config(vocabulary)).to(dtype))
    return Pair(f"random, Gemma-3-270M's shape, vocabulary {vocabulary:,}, {_name(dtype)}", both, 2048)


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def answers(
    pair: Pair, count: int, length: int | None = None
) -> tuple[list[Response], dict[str, dict[Condition, Any]]]:
    """Responses of random ids with prompts before them; lengths around 300 tokens, spread as real answers' are."""
    draw = random.Random(0)
    responses, prompts = [], {}
    for i in range(count):
        size = length or round(min(900, max(20, draw.lognormvariate(5.6, 0.55))))
        ids = tuple(draw.randrange(pair.vocabulary) for _ in range(size))
        responses.append(Response(f"r{i}", f"p{i}", "answers", None, "", ids, ((0, 0),) * size, False, "length"))
        prompts[f"r{i}"] = {c: tuple(draw.randrange(pair.vocabulary) for _ in range(40)) for c in pair.models}
    return responses, prompts
