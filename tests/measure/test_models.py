"""Checkpoints: what is hashed, what is refused, and that body + head is the model's own forward."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    Gemma2Config,
    Gemma2ForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    GraniteConfig,
    GraniteForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from builder.config import ModelSettings
from builder.domain import InputError
from builder.measure.checkpoints import card, locate
from builder.measure.models import Models, check_same_vocabulary, load_tokenizer, vocabulary_id
from tests import tiny

SMALL = {
    "vocab_size": 340,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "eos_token_id": 1,
    "pad_token_id": 1,
    "bos_token_id": 0,
    "initializer_range": 0.3,
}
ARCHITECTURES = {
    "mistral": (MistralForCausalLM, MistralConfig(**SMALL, sliding_window=4)),
    "qwen2": (Qwen2ForCausalLM, Qwen2Config(**SMALL, tie_word_embeddings=True)),
    "gemma2": (Gemma2ForCausalLM, Gemma2Config(**SMALL, head_dim=8, final_logit_softcapping=5.0)),
    "granite": (GraniteForCausalLM, GraniteConfig(**SMALL, logits_scaling=8.0)),
    "neox": (GPTNeoXForCausalLM, GPTNeoXConfig(**SMALL)),
    "gpt2": (GPT2LMHeadModel, GPT2Config(vocab_size=340, n_embd=32, n_layer=2, n_head=4, eos_token_id=1)),
}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_body_and_head_give_the_models_own_logits(name: str, tmp_path: Path) -> None:
    """Padding on the right, without a mask, changes nothing before it; a head with extras of its own is not split off."""
    kind, config = ARCHITECTURES[name]
    torch.manual_seed(1)
    kind(config).save_pretrained(tmp_path)
    tiny.tokenizer().save_pretrained(tmp_path)
    checkpoint = locate(name, ModelSettings(path=tmp_path, dtype="float32"))
    model = Models("cpu").model(checkpoint)
    ids = torch.randint(340, (1, 20))
    with torch.no_grad():
        own = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)(ids).logits
        padded = torch.cat([ids, torch.zeros(1, 7, dtype=torch.long)], 1)
        ours = model.head(model.body(padded)) if model.head else model.logits(padded)
    torch.testing.assert_close(ours[:, :20], own, atol=1e-5, rtol=1e-5)
    assert (model.head is None) == (name == "granite")


def test_a_card_comes_from_the_files(family: Path) -> None:
    checkpoint = locate("base", ModelSettings(path=family / "base", label="The base"))
    made = card(checkpoint, "tok")
    model = AutoModelForCausalLM.from_pretrained(family / "base")
    assert made.parameters == model.num_parameters() and made.vocab_size == model.config.vocab_size
    assert (made.architecture, made.label, made.source) == ("LlamaForCausalLM", "The base", "base")


def test_the_hash_follows_the_weights(family: Path, tmp_path: Path) -> None:
    shutil.copytree(family / "base", tmp_path / "copy")
    hashes = [
        locate("m", ModelSettings(path=p)).weights_hash for p in (family / "base", tmp_path / "copy", family / "sft")
    ]
    assert hashes[0] == hashes[1] != hashes[2]


def test_missing_folders_and_files(family: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"models.m.path: there is no folder .*nowhere"):
        locate("m", ModelSettings(path=tmp_path / "nowhere"))
    with pytest.raises(InputError, match=r"models.m: .* has no safetensors weights"):
        locate("m", ModelSettings(path=tmp_path))
    shutil.copytree(family / "base", tmp_path / "cut")
    (tmp_path / "cut/model.safetensors").write_bytes(b"\x07\0\0\0\0\0\0\0{oops")
    checkpoint = locate("m", ModelSettings(path=tmp_path / "cut", dtype="float32"))
    with pytest.raises(InputError, match=r"model.safetensors: not a safetensors file, or cut short"):
        card(checkpoint, "tok")
    with pytest.raises(InputError, match=r"models.m: cannot be loaded from .*cut"):
        Models("cpu").model(checkpoint)


def test_different_vocabularies_are_refused_by_the_first_id_that_differs(family: Path, tmp_path: Path) -> None:
    other = load_tokenizer(locate("x", ModelSettings(path=tiny.save_model(tmp_path / "x", seed=2, pieces=300))))
    base = load_tokenizer(locate("base", ModelSettings(path=family / "base")))
    check_same_vocabulary("base", "twin", {"base": base, "twin": tiny.tokenizer()})
    assert vocabulary_id(base) == vocabulary_id(tiny.tokenizer()) != vocabulary_id(other)
    with pytest.raises(
        InputError, match=r"base and x have different vocabularies: id \d+ is '.*' in one and (None|'.*')"
    ):
        check_same_vocabulary("base", "x", {"base": base, "x": other})
