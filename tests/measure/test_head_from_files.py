"""A head read from the weight files alone, against the model loaded as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from tds_atlas.domain import InputError
from tds_atlas.inputs.checkpoints import Checkpoint, locate
from tds_atlas.inputs.settings import ModelSettings
from tds_atlas.measure.engines.models import Models
from tds_atlas.measure.engines.vllm.head import heads_of, skeleton
from tests import tiny
from tests.conftest import POCKET

SIZES = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
KINDS: dict[str, dict[str, Any]] = {
    "Llama": {"num_key_value_heads": 2, "tie_word_embeddings": False},
    "Gemma2": {"num_key_value_heads": 2, "head_dim": 8, "final_logit_softcapping": 5.0},
    "Cohere": {"num_key_value_heads": 2, "logit_scale": 0.2},
    "Granite": {"num_key_value_heads": 2, "logits_scaling": 3.0},
    "GPTNeoX": {},  # its head has another name in files
    "GPT2": {},  # its own forward does not take bare hidden states: only the plain head is left
}


def save(folder: Path, kind: str) -> Path:
    """A random model of that kind with the tiny tokenizer."""
    words = tiny.tokenizer()
    torch.manual_seed(0)
    ends = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1, "initializer_range": 0.3}
    config = getattr(transformers, f"{kind}Config")(vocab_size=len(words), **SIZES, **ends, **KINDS[kind])
    getattr(transformers, f"{kind}{'LMHeadModel' if kind == 'GPT2' else 'ForCausalLM'}")(config).save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


def checkpoint(folder: Path) -> Checkpoint:
    return locate("x", {"x": ModelSettings(path=folder, dtype="float32")})


def check(folder: Path) -> None:
    """One of the heads gives the model's own logits to the last bit."""
    whole, part = Models("cpu").model(checkpoint(folder)), skeleton(checkpoint(folder), "cpu")
    ids = torch.arange(20)[None]
    found = []
    with torch.inference_mode():
        states, expected = whole.body(ids)[0], whole.logits(ids)[0]
        for head in heads_of(part):
            try:
                found.append(torch.equal(head(states), expected))
            except AttributeError:
                assert "GPT2" in str(folder)
    assert any(found)
    read = {name for name, parameter in part.named_parameters() if parameter.device.type != "meta"}
    assert read <= {"lm_head.weight", "lm_head.bias", "embed_out.weight"}, "nothing else is read"


@pytest.mark.parametrize("kind", list(KINDS))
def test_the_head_of_every_kind_is_that_of_the_whole_model(tmp_path: Path, kind: str) -> None:
    check(save(tmp_path / kind, kind))


def test_a_tied_head_is_the_input_embedding() -> None:
    check(POCKET / "base")


def test_a_head_with_a_bias_rules_tokens_out(tmp_path: Path) -> None:
    check(tiny.save_biased(tmp_path / "biased", seed=0, ruled_out=[5]))


def test_a_name_before_the_tensors_is_no_hindrance(tmp_path: Path) -> None:
    """As where a language model is a part of one that also reads pictures."""
    folder = tiny.save_model(tmp_path / "long", seed=0)
    weights = load_file(folder / "model.safetensors")
    expected = weights["lm_head.weight"]
    save_file(
        {f"language_model.{name}": w for name, w in weights.items()}, folder / "model.safetensors", {"format": "pt"}
    )
    assert torch.equal(skeleton(checkpoint(folder), "cpu").lm_head.weight, expected)


@pytest.mark.parametrize(("change", "problem"), [
    (lambda w: None, "has no tensor lm_head.weight"),
    (lambda w: w[:-1], r"lm_head.weight is \(\d+, 32\) of torch.float32, but the model's head is \(\d+, 32\)"),
    (lambda w: w.to(torch.int8), "of torch.int8"),
])  # fmt: skip
def test_a_head_that_is_missing_or_of_other_numbers_is_one_line(tmp_path: Path, change: Any, problem: str) -> None:
    folder = tiny.save_model(tmp_path / "odd", seed=0)
    weights = load_file(folder / "model.safetensors")
    head = change(weights.pop("lm_head.weight"))
    if head is not None:
        weights["lm_head.weight"] = head.contiguous()
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match=rf"^models\.x: .*{problem}"):
        skeleton(checkpoint(folder), "cpu")
