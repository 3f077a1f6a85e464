"""Checkpoints of a training, each kept as a small adapter over the model that the training began from.

An adapter holds the nearest matrices of rank 32 to what changed until then (the truncated singular value decomposition
of every linear layer, of the embedding, and of the head that is tied to it); norms stay as they were. So a checkpoint
is near the true one and not the same; how near, in nats per token, is measured where it is written.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import peft
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer

from data.pocket.recipe.tokenizer import chat_prompt

STEPS = {"sft": (25, 100), "dpo": (25, 100)}  # of 600 and 400
RANK = 32
_EVERY = 12  # prompts of the set that tell how near a checkpoint is
_TOKENS = 60  # of the finished model's answer to each
_EMBEDDING, _HEAD = "embed_tokens", "lm_head"

State = Mapping[str, Tensor]


class Kept:
    """Copies of a model's weights at some steps of its training."""

    def __init__(self, model: Any, steps: Collection[int]) -> None:
        self.model, self.steps, self.states = model, steps, dict[int, State]()

    def __call__(self, done: int) -> None:
        if done in self.steps:
            self.states[done] = {name: value.detach().cpu().clone() for name, value in self.model.state_dict().items()}


def write(parent: Path, state: State, folder: Path) -> None:
    """The adapter over `parent` that comes nearest to these weights."""
    model = AutoModelForCausalLM.from_pretrained(parent, dtype=torch.float32)
    linear = sorted({name.rpartition(".")[2] for name, m in model.named_modules() if isinstance(m, torch.nn.Linear)})
    before = {name: value.clone() for name, value in model.state_dict().items()}
    config = peft.LoraConfig(r=RANK, lora_alpha=RANK, target_modules=[_EMBEDDING, *linear], task_type="CAUSAL_LM")
    adapted = peft.get_peft_model(model, config)
    for name, module in adapted.named_modules():
        if hasattr(module, "lora_A"):
            of = f"{name.removeprefix('base_model.model.')}.weight"
            _set(module, state[of] - before[of])
    adapted.to(torch.bfloat16)
    saved = adapted.peft_config["default"]
    saved.base_model_name_or_path, saved.target_modules = parent.name, sorted(saved.target_modules)
    adapted.save_pretrained(folder, save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)


def _set(module: Any, change: Tensor) -> None:
    """The factors of the change's nearest matrix of that rank; an embedding's table is [vocabulary, width]."""
    u, s, v = torch.linalg.svd(change, full_matrices=False)
    left, right = u[:, :RANK] * s[:RANK].sqrt(), s[:RANK, None].sqrt() * v[:RANK]  # [out, r], [r, in]
    with torch.no_grad():
        if "default" in module.lora_embedding_A:
            module.lora_embedding_A["default"].copy_(left.T)
            module.lora_embedding_B["default"].copy_(right.T)
        else:
            module.lora_A["default"].weight.copy_(right)
            module.lora_B["default"].weight.copy_(left)


def nearness(parent: Path, state: State, folder: Path, writer: Path, prompts: Path) -> dict[str, float]:
    """Mean KL(checkpoint‖parent) and KL(checkpoint‖adapter), in nats per token of the writer's greedy answers."""
    tokenizer = AutoTokenizer.from_pretrained(parent)
    rows = [json.loads(line) for line in prompts.read_text(encoding="utf-8").splitlines()][::_EVERY]
    load = AutoModelForCausalLM.from_pretrained
    texts = [_answered(load(writer, dtype=torch.float32), tokenizer, row["prompt"]) for row in rows]
    model = load(parent, dtype=torch.float32)
    before = _logprobs(model, texts)
    near = _logprobs(peft.PeftModel.from_pretrained(load(parent, dtype=torch.float32), folder), texts)
    model.load_state_dict(state)
    true = _logprobs(model, texts)
    return {"from_parent_nats": round(_kl(true, before), 4), "from_adapter_nats": round(_kl(true, near), 4)}


def _answered(model: Any, tokenizer: Any, prompt: str) -> tuple[Tensor, int]:
    ids = tokenizer(chat_prompt(prompt), add_special_tokens=False, return_tensors="pt")["input_ids"]
    ends = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    with torch.inference_mode():
        return model.generate(ids, max_new_tokens=_TOKENS, do_sample=False, **ends), ids.shape[1]


def _logprobs(model: Any, texts: Sequence[tuple[Tensor, int]]) -> Tensor:
    """[N, V], of every token of the answers."""
    with torch.inference_mode():
        return torch.cat([model(ids).logits[0, begin - 1 : -1].log_softmax(-1) for ids, begin in texts])


def _kl(p: Tensor, q: Tensor) -> float:
    return (p.exp() * (p - q)).sum(-1).mean().item()
