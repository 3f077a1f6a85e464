"""Adapters: on as PEFT computes them, off as if they were not there, or one line that says why not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

from tds_atlas.domain import InputError
from tds_atlas.inputs.checkpoints import card, locate
from tds_atlas.inputs.settings import ModelSettings
from tds_atlas.measure import time_limit
from tds_atlas.measure.engines.models import Models
from tds_atlas.measure.engines.transformers import LoadedModel
from tests import tiny

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:peft", "ignore::FutureWarning:transformers")
IDS = [[5, 6, 7, 8, 9]]


def adapted(base: Path, **adapters: Path) -> dict[str, LoadedModel]:
    """The model and adapters over it, loaded together."""
    settings = {"base": ModelSettings(path=base, dtype="float32")}
    for name, folder in adapters.items():
        settings[name] = ModelSettings(adapts="base", adapter={"path": folder})  # type: ignore[arg-type]
    models = Models("cpu")
    return {name: models.model(locate(name, settings)) for name in settings}


def logits(model: LoadedModel) -> torch.Tensor:
    with torch.inference_mode(), model.using():
        return model.logits(torch.tensor(IDS))


def save(folder: Path, base: Path, config: peft.PeftConfig, rows: int | None = None) -> torch.Tensor:
    """An adapter with random weights, saved as PEFT does. Returns the logits that PEFT computes with it."""
    torch.manual_seed(3)
    model = AutoModelForCausalLM.from_pretrained(base)
    if rows:
        model.resize_token_embeddings(rows, mean_resizing=False)
    whole = peft.get_peft_model(model, config).eval()
    with torch.no_grad():
        for weight in whole.parameters():
            weight += 0.2 * torch.randn_like(weight) if weight.requires_grad else 0
    whole.save_pretrained(folder)
    with torch.inference_mode():
        return whole(torch.tensor(IDS)).logits  # type: ignore[no-any-return]


def lora(**options: Any) -> peft.LoraConfig:
    return peft.LoraConfig(r=4, task_type="CAUSAL_LM", **{"target_modules": ["q_proj", "v_proj"]} | options)


KINDS = {
    "lora": lora,
    "biases": lambda: lora(bias="all"),
    "biases-of-lora": lambda: lora(bias="lora_only"),
    "dora": lambda: lora(use_dora=True),
    "saved": lambda: lora(modules_to_save=["lm_head"]),
    "ia3": lambda: peft.IA3Config(
        task_type="CAUSAL_LM", target_modules=["k_proj", "down_proj"], feedforward_modules=["down_proj"]
    ),
    "oft": lambda: peft.OFTConfig(task_type="CAUSAL_LM", oft_block_size=4, target_modules=["q_proj"]),
}


@pytest.fixture(scope="module")
def biased(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with biases that are not zero."""
    folder = tiny.save_model(tmp_path_factory.mktemp("biased") / "base", seed=1)
    config = AutoModelForCausalLM.from_pretrained(folder).config
    config.attention_bias = True
    torch.manual_seed(2)
    model = AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight += 0.3 * torch.randn_like(weight) if name.endswith("bias") else 0
    model.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_what_peft_computes_and_leaves_the_base_alone(biased: Path, tmp_path: Path, kind: str) -> None:
    expected = save(tmp_path / "adapter", biased, KINDS[kind]())
    alone = adapted(biased)["base"]
    models = adapted(biased, tuned=tmp_path / "adapter")
    torch.testing.assert_close(logits(models["tuned"]), expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(logits(models["base"]), logits(alone), atol=0, rtol=0)
    assert (expected - logits(alone)).abs().max() > 0.01
    copy = kind.startswith("biases")
    assert ("over a copy of its own" in models["tuned"].loaded) == copy
    assert (models["tuned"].weights is models["base"].weights) != copy


def test_several_kinds_over_one_base_do_not_touch_each_other(biased: Path, tmp_path: Path) -> None:
    kinds = ("lora", "ia3", "dora", "biases")
    expected = {kind: save(tmp_path / kind, biased, KINDS[kind]()) for kind in kinds}
    models = adapted(biased, **{kind: tmp_path / kind for kind in kinds})
    for kind in (*kinds, *kinds):
        torch.testing.assert_close(logits(models[kind]), expected[kind], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(logits(models["base"]), logits(adapted(biased)["base"]), atol=0, rtol=0)


@pytest.mark.parametrize("names", [("twin.a", "twin", "twin_a"), ("tuned", "lora", "A"), ("one", "o", "default")])
def test_names_within_names_are_told_apart(family: Path, tmp_path: Path, names: tuple[str, ...]) -> None:
    folders = {name: tiny.save_adapter(tmp_path / str(i), family / "base", seed=i) for i, name in enumerate(names)}
    models = adapted(family / "base", **folders)
    for name, folder in folders.items():
        with torch.no_grad():
            expected = tiny.merged(family / "base", folder)(torch.tensor(IDS)).logits
        torch.testing.assert_close(logits(models[name]), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("modules", [["embed_tokens", "lm_head"], None])
def test_a_vocabulary_widened_before_training_comes_with_the_adapter(
    biased: Path, tmp_path: Path, modules: list[str] | None
) -> None:
    words = PreTrainedTokenizerFast.from_pretrained(biased)
    words.add_tokens(["<|call|>", "<|return|>"], special_tokens=True)
    targets = ["q_proj"] if modules else ["q_proj", "embed_tokens", "lm_head"]
    config = lora(modules_to_save=modules, target_modules=targets)
    expected = save(tmp_path / "wide", biased, config, rows=len(words))
    words.save_pretrained(tmp_path / "wide")
    models = adapted(biased, tuned=tmp_path / "wide")
    torch.testing.assert_close(logits(models["tuned"]), expected, atol=1e-4, rtol=1e-4)
    assert models["tuned"].vocab_size == models["base"].vocab_size + 2 == len(words)


def rename(folder: Path, change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> None:
    path = folder / "adapter_model.safetensors"
    save_file(change(load_file(path)), path, metadata={"format": "pt"})


def test_what_does_not_fit_is_one_line(family: Path, tmp_path: Path) -> None:
    def refuse(message: str, base: Path = family / "base") -> None:
        with pytest.raises(InputError, match=message) as caught:
            adapted(base, tuned=tmp_path / "adapter")
        assert "\n" not in str(caught.value) and "models.tuned.adapter: " in str(caught.value)
        shutil.rmtree(tmp_path / "adapter")

    for config in (
        peft.PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=3),
        peft.PrefixTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=3),
    ):
        peft.get_peft_model(AutoModelForCausalLM.from_pretrained(family / "base"), config).save_pretrained(
            tmp_path / "adapter"
        )
        refuse(r"TUNING puts virtual tokens before the text")
    tiny.save_adapter(tmp_path / "adapter", family / "base", seed=5)
    rename(tmp_path / "adapter", lambda tensors: dict(list(tensors.items())[1:]))
    refuse(r"1 of its tensors are missing, the first is .*lora_A")
    tiny.save_adapter(tmp_path / "adapter", family / "base", seed=5)
    rename(tmp_path / "adapter", lambda t: {k.replace("q_proj", "query"): v for k, v in t.items()})
    refuse(r"4 of its tensors are missing, the first is .*q_proj")
    tiny.save_adapter(tmp_path / "adapter", family / "base", seed=5)
    rename(tmp_path / "adapter", lambda t: t | {"base_model.model.model.layers.9.lora_A.weight": torch.ones(2)})
    refuse(r"1 of its tensors have no place in the model, the first is .*layers.9")


def test_an_adapter_of_another_base_or_without_effect_is_said(family: Path, tmp_path: Path) -> None:
    folder = tiny.save_adapter(tmp_path / "adapter", family / "base", seed=5)
    assert "trained on" not in adapted(family / "base", tuned=folder)["tuned"].loaded
    said = adapted(family / "sft", tuned=folder)["tuned"].loaded
    assert f"its settings say that it was trained on {family / 'base'}" in said
    rename(folder, lambda tensors: {k: v * 0 if "lora_B" in k else v for k, v in tensors.items()})
    assert "CHANGES NOTHING" in adapted(family / "base", tuned=folder)["tuned"].loaded
    settings = folder / "adapter_config.json"
    settings.write_text(json.dumps({"peft_type": None} | {"bias": "none"}), encoding="utf-8")
    with pytest.raises(InputError, match=r"adapter_config.json: not the settings of a PEFT adapter"):
        adapted(family / "base", tuned=folder)


def test_an_adapter_is_the_base_until_it_is_switched_on(family: Path, tmp_path: Path) -> None:
    adapter = tiny.save_adapter(tmp_path / "lora", family / "base", seed=5)
    models = adapted(family / "base", lora=adapter)
    assert models["base"].weights is models["lora"].weights
    with torch.no_grad():
        expected = tiny.merged(family / "base", adapter)(torch.tensor(IDS)).logits
    torch.testing.assert_close(logits(models["lora"]), expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(logits(models["base"]), logits(adapted(family / "base")["base"]), atol=0, rtol=0)
    made = card(models["lora"].checkpoint, "tok")
    assert made.architecture == "LlamaForCausalLM + adapter" and made.source == "lora"


@pytest.mark.parametrize("key", ["target_modules", "rank_pattern", "exclude_modules"])
def test_a_pattern_that_is_never_found_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    base, never = tiny.save_model(tmp_path / "base", seed=0), "(.+)+[!]"
    folder = tiny.save_adapter(tmp_path / "a", base, seed=2)
    config = json.loads((folder / "adapter_config.json").read_text())
    config[key] = {never: 4} if key == "rank_pattern" else never
    (folder / "adapter_config.json").write_text(json.dumps(config))
    monkeypatch.setattr(time_limit, "SECONDS", 0.2)
    with pytest.raises(
        InputError, match=r"^models.a.adapter: .*: looking for the pattern '\(\.\+\)\+\[!\]' has not ended"
    ):
        adapted(base, a=folder)


def test_nan_that_attention_would_pass_over_is_named(tmp_path: Path) -> None:
    base = tiny.save_model(tmp_path / "base", seed=0)
    file = tiny.save_adapter(tmp_path / "a", base, seed=2) / "adapter_model.safetensors"
    tensors = load_file(file)
    name = next(name for name in tensors if "layers.0.self_attn.q_proj.lora_B" in name)
    tensors[name][0] = float("nan")
    save_file(tensors, file, {"format": "pt"})
    with pytest.raises(
        InputError, match=rf"^models.a.adapter: .*: {name} holds NaN or infinity; train or save it again$"
    ):
        adapted(base, a=tmp_path / "a")
