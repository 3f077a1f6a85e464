"""What is loaded is what was asked for: a tensor more, fewer, renamed or of another kind is one line, never a guess."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from tds_atlas.domain import InputError
from tds_atlas.inputs.checkpoints import locate
from tds_atlas.inputs.settings import ModelSettings
from tds_atlas.measure.end_tokens import end_ids_of
from tds_atlas.measure.engines.models import Models
from tds_atlas.measure.engines.transformers import LoadedModel
from tds_atlas.pipeline.plan import read_plan
from tds_atlas.pipeline.steps import generate

Tensors = dict[str, torch.Tensor]
Rewrite = Callable[[Tensors], Tensors]


def rewrite(parent: Path, folder: Path, weights: Rewrite = dict, **config: Any) -> Path:
    """A copy of a model with other tensors, or other keys in its config.json."""
    shutil.copytree(parent, folder)
    save_file(weights(load_file(folder / "model.safetensors")), folder / "model.safetensors", metadata={"format": "pt"})
    settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(settings | config), encoding="utf-8")
    return folder


def load(folder: Path) -> LoadedModel:
    return Models("cpu").model(locate("m", {"m": ModelSettings(path=folder, dtype="float32")}))


def without(name: str) -> Rewrite:
    return lambda tensors: {key: value for key, value in tensors.items() if key != name}


def as_type(name: str, dtype: torch.dtype) -> Rewrite:
    return lambda tensors: tensors | {name: (tensors[name] * 10).to(dtype)}


def renamed(old: str, new: str) -> Rewrite:
    return lambda tensors: {key.replace(old, new, 1): value for key, value in tensors.items()}


UP = "model.layers.1.mlp.up_proj.weight"


@pytest.mark.parametrize(
    ("weights", "config", "message"),
    [
        (without(UP), {}, rf"1 of the model's tensors are not in the weights, the first is {UP}"),
        (without("lm_head.weight"), {}, r"not in the weights, the first is lm_head.weight"),
        (renamed("up_proj", "upproj"), {}, r"2 of the model's tensors .* first is model.layers.0.mlp.up_proj.weight"),
        (dict, {"num_hidden_layers": 3}, r"9 of the model's tensors .* first is model.layers.2.input_layernorm.weight"),
        (dict, {"num_hidden_layers": 1}, r"9 tensors of the weights have no place in the model, the first is model.la"),
        (
            lambda t: t | {"v_head.weight": torch.ones(3)},
            {},
            r"1 tensors .* no place in the model, the first is v_head",
        ),
        (
            dict,
            {"intermediate_size": 63},
            r"6 .* another shape .*down_proj.weight, \(32, 64\) and in the model \(32, 63\)",
        ),
        (as_type(UP, torch.int8), {}, rf"{UP} is stored as I8, but config.json has no quantization_config"),
        (as_type(UP, torch.float8_e4m3fn), {}, rf"{UP} is stored as F8_E4M3"),
        (lambda t: t | {UP: torch.full_like(t[UP], torch.nan)}, {}, r"computes no numbers \(NaN\)"),
    ],
)
def test_other_tensors_than_the_models_are_one_line(
    family: Path, tmp_path: Path, weights: Rewrite, config: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        load(rewrite(family / "base", tmp_path / "other", weights, **config))
    assert "models.m: " in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(("old", "new"), [("", "_orig_mod."), ("", "module."), ("model.", "model._orig_mod.")])
def test_the_prefix_of_a_wrapper_comes_off_where_nothing_else_differs(
    family: Path, tmp_path: Path, old: str, new: str
) -> None:
    wrapped = load(rewrite(family / "base", tmp_path / "wrapped", renamed(old, new)))
    plain = load(family / "base")
    assert "21 tensors in place" in plain.loaded and "prefixes of a wrapper" in wrapped.loaded
    for key, value in plain.model.state_dict().items():
        assert torch.equal(value, wrapped.model.state_dict()[key]), key
    with pytest.raises(InputError, match="not in the weights"):
        load(rewrite(tmp_path / "wrapped", tmp_path / "less", lambda tensors: dict(list(tensors.items())[1:])))


def test_buffers_that_older_programs_saved_are_no_difference(family: Path, tmp_path: Path) -> None:
    old = {"model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(4)}
    load(rewrite(family / "base", tmp_path / "old", lambda tensors: tensors | old))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"eos_tok', r"generation_config.json: not a model.s generation_config.json"),
        ("[1]", r"generation_config.json: not a model.s generation_config.json"),
        ('{"eos_token_id": 99999}', r"eos_token_id: 99999 is not the id of a token"),
        ('{"eos_token_id": [1, "2"]}', r"eos_token_id: '2' is not the id of a token"),
        ('{"eos_token_id": -1}', r"eos_token_id: -1 is not"),
    ],
)
def test_end_tokens_are_those_of_the_settings_or_one_line(
    family: Path, tmp_path: Path, text: str, message: str
) -> None:
    shutil.copytree(family / "base", tmp_path / "m")
    checkpoint, models = locate("m", {"m": ModelSettings(path=tmp_path / "m")}), Models("cpu")
    settings = tmp_path / "m" / "generation_config.json"
    settings.write_text('{"eos_token_id": [2, 1]}', encoding="utf-8")
    assert end_ids_of(checkpoint, models.tokenizer(checkpoint)) == (2, 1)
    for none in ("{}", '{"eos_token_id": []}'):
        settings.write_text(none, encoding="utf-8")
        assert end_ids_of(checkpoint, models.tokenizer(checkpoint)) == (1,)  # of the tokenizer
    settings.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        end_ids_of(checkpoint, models.tokenizer(checkpoint))


def _in_file(key: str, value: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda content: content.update({key: value})


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        (
            "tokenizer_config.json",
            _in_file("model_max_length", "x"),
            r"^models.m: no tokenizer can be loaded from .*base",
        ),
        ("tokenizer.json", lambda t: t["model"]["vocab"].update(zz=2**31), r"the id 2,147,483,648; ids count tokens$"),
        (
            "tokenizer.json",
            _in_file("normalizer", {"type": "Replace", "pattern": {"String": ""}, "content": "x"}),
            r"no tokenizer can be loaded from .*base: index out of bounds",
        ),
    ],
)
def test_a_tokenizer_that_fails_where_it_is_used_is_one_line(
    family: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    file: str,
    change: Callable[[Any], Any],
    message: str,
) -> None:
    """And native code that panics says no more."""
    shutil.copytree(family / "base", tmp_path / "base")
    content = json.loads((tmp_path / "base" / file).read_text(encoding="utf-8"))
    change(content)
    (tmp_path / "base" / file).write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match=message):
        Models("cpu").tokenizer(locate("m", {"m": ModelSettings(path=tmp_path / "base")}))
    assert capfd.readouterr().err == ""


def test_an_id_without_a_row_before_the_answers_is_named(project: Path) -> None:
    whole = (project / "sft").resolve()
    (project / "sft").unlink()
    shutil.copytree(whole, project / "sft")
    settings = project / "sft/tokenizer_config.json"
    content = json.loads(settings.read_text(encoding="utf-8")) | {"bos_token": "<|never|>"}
    settings.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(
        InputError, match=r"^sft·chat: .*sft: its tokenizer writes the id \d+, but the model has \d+ tokens$"
    ):
        generate(read_plan(Path("report.yml")))
