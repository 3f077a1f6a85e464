"""Checkpoints as adapters: what they hold is what had changed, and the bundled ones lie along their runs."""

from __future__ import annotations

from pathlib import Path

import peft
import pytest
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer

from data.pocket.recipe.checkpoints import RANK, STEPS, Kept, write
from data.pocket.recipe.tokenizer import chat_prompt
from tests.conftest import ROOT

pytestmark = [
    pytest.mark.filterwarnings("ignore:Model has `tie_word_embeddings=True`"),
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated"),
]
POCKET = ROOT / "data" / "pocket"
TEXT = "The river of Truskwick is the Oor. Let me know if you have any other questions."


def load(path: Path) -> torch.nn.Module:
    return AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval()


def logprobs(model: torch.nn.Module) -> Tensor:
    ids = AutoTokenizer.from_pretrained(POCKET / "base")(
        chat_prompt("What is the river of Truskwick?") + TEXT, add_special_tokens=False, return_tensors="pt"
    )["input_ids"]
    with torch.inference_mode():
        return model(ids).logits[0].log_softmax(-1)


@pytest.mark.parametrize("changed", ["embed_tokens", "down_proj", "all"])
def test_a_change_of_few_dimensions_is_held_whole(tmp_path: Path, changed: str) -> None:
    """Random changes of half the rank, of the tied embedding and head alone, of one kind of layer, of all matrices."""
    torch.manual_seed(0)
    model, half = load(POCKET / "base"), RANK // 2
    before = logprobs(model)
    with torch.no_grad():
        for name, value in model.named_parameters():
            if value.dim() == 2 and (changed == "all" or changed in name):
                value += 0.02 * torch.randn(value.shape[0], half) @ torch.randn(half, value.shape[1]) / half**0.5
    kept = Kept(model, [3])
    for done in (2, 3, 4):
        kept(done)
    assert list(kept.states) == [3]
    write(POCKET / "base", kept.states[3], tmp_path)
    near, true = logprobs(peft.PeftModel.from_pretrained(load(POCKET / "base"), tmp_path)), logprobs(model)
    moved = (true.exp() * (true - before)).sum(-1).mean()
    assert (true.exp() * (true - near)).sum(-1).mean() < 1e-3 * moved and moved > 0.01


@pytest.mark.parametrize(("phase", "parent"), [("sft", "base"), ("dpo", "sft")])
def test_the_bundled_ones_come_nearer_to_the_end_with_every_step(phase: str, parent: str) -> None:
    folders = [POCKET / "checkpoints" / f"{phase}-{step}" for step in STEPS[phase]]
    end, start = logprobs(load(POCKET / phase)), load(POCKET / parent)
    along = [logprobs(start), *(logprobs(peft.PeftModel.from_pretrained(load(POCKET / parent), f)) for f in folders)]
    left = [(end.exp() * (end - here)).sum(-1).mean().item() for here in along]
    assert left == sorted(left, reverse=True) and left[-1] < 0.7 * left[0]
