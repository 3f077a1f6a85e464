"""A pair of few-parameter random models for tests: Llama, byte-level BPE, saved as ordinary folders. No training."""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

CHAT = "{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>{{ m.content }}\n{% endfor %}{{ '<|assistant|>\n' }}"
SPECIAL = ["<|begin|>", "<|end|>", "<|user|>", "<|assistant|>", "<|system|>"]
TEXT = [
    "The quick brown fox jumps over the lazy dog.",
    "Thank you for asking! I hope this helps.",
    "# Question:\nWhat is blue?\n\n# Answer:\nThe sky is blue, and so is the sea.",
] * 4


def tokenizer(pieces: int = 340) -> PreTrainedTokenizerFast:
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
    backend.post_processor = processors.TemplateProcessing(single="<|begin|> $A", special_tokens=[("<|begin|>", 0)])
    wrapped = PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<|begin|>", eos_token="<|end|>")
    wrapped.chat_template = CHAT
    return wrapped


def save_model(folder: Path, seed: int, pieces: int = 340, chat: bool = True) -> Path:
    """A random Llama with its tokenizer, saved in `folder`."""
    words = tokenizer(pieces)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=1024,
        bos_token_id=0,
        eos_token_id=1,
        initializer_range=0.3,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    if not chat:
        words.chat_template = None
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
