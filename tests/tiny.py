"""A pair of few-parameter random models for tests: Llama, byte-level BPE, saved as ordinary folders. No training."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    AutoModelForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    PhiConfig,
    PhiForCausalLM,
    PreTrainedTokenizerFast,
)

CHAT = "{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>{{ m.content }}\n{% endfor %}{{ '<|assistant|>\n' }}"
SPECIAL = ["<|begin|>", "<|end|>", "<|user|>", "<|assistant|>", "<|system|>"]
TEXT = [
    "The quick brown fox jumps over the lazy dog.",
    "Thank you for asking! I hope this helps.",
    "# Question:\nWhat is blue?\n\n# Answer:\nThe sky is blue, and so is the sea.",
] * 4


def tokenizer(pieces: int = 340, swap: bool = False) -> PreTrainedTokenizerFast:
    """Byte-level BPE with the special tokens first; `swap` gives two of its pieces each other's id."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=pieces,
        special_tokens=SPECIAL,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    backend.train_from_iterator(TEXT, trainer)
    if swap:
        backend = Tokenizer.from_str(_swapped(backend.to_str()))
    backend.post_processor = processors.TemplateProcessing(single="<|begin|> $A", special_tokens=[("<|begin|>", 0)])
    wrapped = PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<|begin|>", eos_token="<|end|>")
    wrapped.chat_template = CHAT
    return wrapped


def _swapped(text: str) -> str:
    whole = json.loads(text)
    vocab = whole["model"]["vocab"]
    vocab["!"], vocab['"'] = vocab['"'], vocab["!"]
    return json.dumps(whole)


def shape(vocabulary: int, width: int, inner: int, *, layers: int, heads: int, positions: int) -> dict[str, int]:
    """The settings of a small model as transformers names them, with the ends of `tokenizer`."""
    sizes = {"vocab_size": vocabulary, "hidden_size": width, "intermediate_size": inner, "num_hidden_layers": layers}
    ends = {"bos_token_id": 0, "eos_token_id": 1}
    return sizes | ends | {"num_attention_heads": heads, "max_position_embeddings": positions}


def save_model(folder: Path, seed: int, swap: bool = False) -> Path:
    """A random Llama with its tokenizer, saved in `folder`."""
    words = tokenizer(swap=swap)
    torch.manual_seed(seed)
    config = shape(len(words), 32, 64, layers=2, heads=4, positions=1024)
    LlamaForCausalLM(LlamaConfig(**config, initializer_range=0.3)).save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


def save_biased(folder: Path, seed: int, ruled_out: Sequence[int] = ()) -> Path:
    """A random Phi, whose head has a bias; that of the tokens ruled out is minus infinity."""
    words = tokenizer()
    torch.manual_seed(seed)
    config = shape(len(words), 32, 64, layers=2, heads=4, positions=1024)
    model = PhiForCausalLM(PhiConfig(**config, initializer_range=0.3))
    with torch.no_grad():
        model.lm_head.bias[list(ruled_out)] = -torch.inf
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


def save_descendant(folder: Path, parent: Path, seed: int, scale: float = 0.02) -> Path:
    """The parent's weights with a little noise: a stand-in for tuning."""
    model = AutoModelForCausalLM.from_pretrained(parent)
    torch.manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            weight += scale * torch.randn_like(weight)
    model.save_pretrained(folder)
    PreTrainedTokenizerFast.from_pretrained(parent).save_pretrained(folder)
    return folder


def save_adapter(folder: Path, parent: Path, seed: int) -> Path:
    """A LoRA adapter over the parent with random weights, saved as PEFT does."""
    torch.manual_seed(seed)
    config = LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    adapted = get_peft_model(AutoModelForCausalLM.from_pretrained(parent), config)
    with torch.no_grad():
        for name, weight in adapted.named_parameters():
            if "lora_B" in name:
                weight += 0.3 * torch.randn_like(weight)
    adapted.save_pretrained(folder)
    return folder


def merged(parent: Path, adapter: Path) -> Any:
    """The parent with the adapter worked into its weights: the slow way to the same model."""
    return PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(parent), adapter).merge_and_unload()


def extend(parent: Path, folder: Path, tokens: list[str]) -> Path:
    """The parent with tokens added to its vocabulary, as chat tuning does."""
    words = PreTrainedTokenizerFast.from_pretrained(parent)
    words.add_tokens(tokens, special_tokens=True)
    model = AutoModelForCausalLM.from_pretrained(parent)
    model.resize_token_embeddings(len(words), mean_resizing=False)
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    return folder
