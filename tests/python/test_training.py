"""The callback in a real Trainer: its numbers against a slow loop, and a training that is the same with it as without."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments

import tds_atlas as tds
from tests.conftest import POCKET

TEXTS = ["The quick brown fox jumps over the lazy dog.", ("# Question:\nWhat is blue?\n", "The sea is blue.")]
LINES = ["Thank you for asking! I hope this helps.", "The sky is blue, and so is the sea."] * 6


def load(name: str, dtype: torch.dtype = torch.float32) -> Any:
    return AutoModelForCausalLM.from_pretrained(POCKET / name, dtype=dtype)


@pytest.fixture(scope="module")
def words() -> Any:
    return AutoTokenizer.from_pretrained(POCKET / "sft")


def train(folder: Path, words: Any, model: Any, *callbacks: Any, **given: Any) -> Trainer:
    rows = [{"input_ids": ids, "labels": ids} for ids in (words(line)["input_ids"] for line in LINES)]
    settings = {
        "max_steps": 4,
        "per_device_train_batch_size": 1,
        "logging_steps": 2,
        "learning_rate": 1e-3,
        "seed": 3,
    } | given
    arguments = TrainingArguments(
        folder, use_cpu=True, report_to="none", save_strategy="no", disable_tqdm=True, **settings
    )
    trainer = Trainer(model=model, args=arguments, train_dataset=rows, processing_class=words, callbacks=[*callbacks])
    for callback in callbacks:
        callback.log = trainer.log if callback.log else None
    trainer.train()
    return trainer


def with_dropout(model: Any) -> Any:
    """In training already, with a dropout that draws from torch's random numbers."""
    drop = lambda module, _, out: torch.nn.functional.dropout(out, 0.5, module.training)  # noqa: E731
    model.base_model.layers[0].mlp.register_forward_hook(drop)
    return model.train()


def test_a_run_is_the_same_with_the_callback_as_without_and_its_numbers_are_those_of_a_slow_loop(
    tmp_path: Path, words: Any
) -> None:
    """Under autocast, in which the model's own forward is in half precision: the callback's is not."""
    base, model, alone, fresh = load("base"), with_dropout(load("base")), with_dropout(load("base")), load("base")
    callback = tds.TDSCallback(TEXTS, base, every=2, log=print)
    watched, unwatched = train(tmp_path, words, model, callback, bf16=True), train(tmp_path, words, alone, bf16=True)
    for one, other in zip(model.parameters(), alone.parameters(), strict=True):
        assert torch.equal(one, other)
    losses = [[row["loss"] for row in run.state.log_history if "loss" in row] for run in (watched, unwatched)]
    assert losses[0] == losses[1] and len(losses[0]) == 2
    logged = [row for row in watched.state.log_history if "tds/kl" in row]
    assert [row["step"] for row in logged] == [0, 2, 4] == [row["step"] for row in callback.history]
    assert logged[0]["tds/kl"] == logged[0]["tds/shifted_share"] == logged[0]["tds/changed_share"] == 0
    assert (
        0 < logged[1]["tds/kl"] < logged[-1]["tds/kl"]
        and 0 < logged[-1]["tds/shifted_share"] < logged[-1]["tds/changed_share"]
    )
    fresh.load_state_dict(model.state_dict())
    expected = slowly(base, fresh, words)
    assert [logged[-1][f"tds/{name}"] for name in ("kl", "shifted_share", "changed_share")] == pytest.approx(
        expected, rel=1e-4
    )


def slowly(base: Any, model: Any, words: Any) -> list[float]:
    """The mean KL(model‖base), and how often the model's first choice is beyond the base's third, and its first."""
    kl, ranks = [], []
    for text in (TEXTS[0], "".join(TEXTS[1])):
        ids = words(text, return_tensors="pt")["input_ids"]
        begin = 1 if text == TEXTS[0] else len(words(TEXTS[1][0])["input_ids"])
        with torch.no_grad():
            q, p = (m.eval()(ids).logits[0, begin - 1 : -1].double().log_softmax(-1) for m in (base, model))
        kl += torch.distributions.kl_divergence(*(torch.distributions.Categorical(logits=x) for x in (p, q))).tolist()
        ranks += [1 + int((row > row[first]).sum()) for row, first in zip(q, p.argmax(-1), strict=True)]
    return [float(np.mean(x)) for x in (kl, [rank > 3 for rank in ranks], [rank > 1 for rank in ranks])]


def test_an_adapter_is_its_own_base_and_stays_as_it_was(tmp_path: Path, words: Any) -> None:
    model = get_peft_model(load("base"), LoraConfig(r=4, target_modules=["q_proj"], init_lora_weights=False))
    for name, weight in model.named_parameters():
        weight.requires_grad_("lora_B" in name)  # PEFT would ask for gradients of lora_A, too
    asked = {name: weight.requires_grad for name, weight in model.named_parameters()}
    callback = tds.TDSCallback(TEXTS, every=3)
    train(tmp_path, words, model, callback, max_steps=3)
    assert {name: weight.requires_grad for name, weight in model.named_parameters()} == asked
    assert model.get_model_status().enabled is True and model.training
    beside, off = (tds.token_shift(model, words, base, TEXTS[0]).kl for base in (load("base"), None))
    assert off == pytest.approx(beside, rel=1e-4) and off and off > 0.01
    assert [row["step"] for row in callback.history] == [0, 3]


def test_a_head_in_half_precision_is_read_as_it_is_now(words: Any) -> None:
    """Its copy in float32 is of the moment: another would be of an earlier step."""
    base, model = load("base", torch.bfloat16), load("base", torch.bfloat16)
    assert tds.token_shift(model, words, base, TEXTS[0]).kl == 0
    with torch.no_grad():
        model.get_output_embeddings().weight.mul_(1.5)
    assert (
        tds.token_shift(model, words, base, TEXTS[0]).kl
        == tds.token_shift(deepcopy(model), words, base, TEXTS[0]).kl
        != 0
    )


def test_what_it_cannot_do_is_said_before_a_step(tmp_path: Path, words: Any) -> None:
    for texts, every, said in ((["x y"], 0, "every: 0"), ([], 5, "texts: give"), ("text", 5, "texts: give")):
        with pytest.raises(tds.InputError, match=said):
            tds.TDSCallback(texts, every=every)
    with pytest.raises(tds.InputError, match="base: give the model before training"):
        train(tmp_path, words, load("base"), tds.TDSCallback(TEXTS))
    with pytest.raises(tds.InputError, match=r"texts\[0\]: '' gives 1 tokens"):
        tds.TDSCallback([""], base="any", tokenizer=words).on_train_begin(
            TrainingArguments(tmp_path, use_cpu=True), None, None, model=None
        )  # type: ignore[arg-type]
