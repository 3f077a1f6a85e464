"""A model's folder before anything is loaded: which weights are its own, and one line for what does not fit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tds_atlas.domain import InputError, ModelCard
from tds_atlas.inputs.checkpoints import card, context_length, locate
from tds_atlas.inputs.settings import ModelSettings
from tests import tiny


@pytest.fixture
def folder(family: Path, tmp_path: Path) -> Path:
    return shutil.copytree(family / "base", tmp_path / "model")


def read(folder: Path) -> ModelCard:
    return card(locate("m", {"m": ModelSettings(path=folder)}))


def refusal(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        read(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def change(path: Path, **values: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | values), encoding="utf-8")


def split(folder: Path) -> Path:
    """The weights in one part that an index names. Returns the index."""
    (folder / "model.safetensors").rename(folder / "model-00001-of-00001.safetensors")
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "model-00001-of-00001.safetensors"}}), encoding="utf-8")
    return index


def test_a_second_copy_of_the_weights_counts_once(folder: Path) -> None:
    alone = read(folder)
    shutil.copy(folder / "model.safetensors", folder / "consolidated.safetensors")
    assert read(folder) == alone
    split(folder)
    assert read(folder).parameters == alone.parameters
    (folder / "model.safetensors.index.json").unlink()
    assert "has no safetensors weights: neither model.safetensors nor model.safetensors.index.json" in refusal(folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"weight_map": {"a": "model-2.safetensors"}}', "names model-2.safetensors, which is not in the folder; copy"),
        ('{"weight_map": {"a": "../model.safetensors"}}', "not an index of weight files: weight_map must name a file"),
        ('{"weight_map": {"a": 1}}', "not an index of weight files"),
        ('{"weight_map": []}', "not an index of weight files"),
        ("[1]", "not an index of weight files"),
        ("{", "not an index of weight files"),
        ("[" * 100_000, "not an index of weight files"),
    ],
)
def test_an_index_that_names_no_files(folder: Path, text: str, message: str) -> None:
    split(folder).write_text(text, encoding="utf-8")
    assert message in refusal(folder)


def test_an_adapter_is_no_model(family: Path, tmp_path: Path) -> None:
    tiny.save_adapter(tmp_path / "lora", family / "base", seed=3)
    said = refusal(tmp_path / "lora")
    assert "holds an adapter, not a model; give adapts: (the model it was trained on) and adapter: {path: ...}" in said


def entry(**other: Any) -> dict[str, Any]:
    return {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} | other}


def header(value: Any, data: int = 8) -> bytes:
    text = json.dumps(value).encode()
    return len(text).to_bytes(8, "little") + text + bytes(data)


@pytest.mark.parametrize(
    "raw",
    [
        header([1]),
        header({"a": 1}),
        header(entry(shape=["2"])),
        header(entry(shape=[-2])),
        header(entry(shape=[3])),
        header(entry(shape=2)),
        header(entry(shape=[2.0])),
        header(entry(data_offsets=[0, 80])),
        header(entry(data_offsets=[8, 0])),
        header(entry(data_offsets=[0])),
        header(entry(dtype=["F32"])),
        header(entry(), data=4),
        header(entry())[:20],
        (2**63).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"[[",
        b"",
        bytes(8),
    ],
)
def test_a_header_that_does_not_fit_its_file(folder: Path, raw: bytes) -> None:
    (folder / "model.safetensors").write_bytes(raw)
    assert "model.safetensors: not a safetensors file, or truncated; download or save it again" in refusal(folder)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"vocab_size": 10**12}, "config.json: vocab_size: 1,000,000,000,000, but the weights have 340 values in the"),
        ({"vocab_size": "x"}, "config.json: vocab_size: 'x' is not a whole number above 0"),
        ({"vocab_size": -1}, "vocab_size: '-1' is not a whole number above 0"),
        ({"vocab_size": None}, "not a model's config.json: no vocab_size"),
        ({"num_hidden_layers": 10**9}, "num_hidden_layers: 1,000,000,000, but the weights have 21 tensors"),
        ({"hidden_size": 10**9}, "hidden_size: 1,000,000,000, but the weights have"),
        ({"architectures": [1]}, "config.json: architectures: must be a list with the name of the model's class"),
        ({"architectures": "x"}, "config.json: architectures: must be a list"),
        ({"max_position_embeddings": "x"}, "max_position_embeddings: 'x' is not a whole number above 0"),
        ({"max_position_embeddings": True}, "max_position_embeddings: 'True' is not a whole number above 0"),
    ],
)
def test_a_config_that_does_not_fit_the_weights(folder: Path, values: dict[str, Any], message: str) -> None:
    change(folder / "config.json", **values)
    assert message in refusal(folder)


@pytest.mark.parametrize("text", ["[1]", "{", "[" * 100_000, "\ufeff{}", '"x"'])
def test_a_config_that_is_no_mapping(folder: Path, text: str) -> None:
    (folder / "config.json").write_text(text, encoding="utf-8")
    assert "config.json: not a model's config.json: it must be JSON text with keys and values" in refusal(folder)


@pytest.mark.parametrize("ids", [340, -1, "x", [1, 10**9], 1.5, [[1]], True])
@pytest.mark.parametrize("name", ["config.json", "generation_config.json"])
def test_an_end_token_that_no_vocabulary_has(folder: Path, ids: Any, name: str) -> None:
    if name == "config.json":
        (folder / "generation_config.json").unlink()
    change(folder / name, eos_token_id=ids)
    assert f"{name}: eos_token_id: " in refusal(folder) and "is not an id from 0 to 339" in refusal(folder)


def test_what_a_sound_folder_says(folder: Path) -> None:
    change(folder / "generation_config.json", eos_token_id=[1, 339])
    assert read(folder).vocab_size == 340 and read(folder).architecture == "LlamaForCausalLM"
    checkpoint = locate("m", {"m": ModelSettings(path=folder)})
    assert context_length(checkpoint) == 1024
    for key in ("max_position_embeddings", "architectures"):
        change(folder / "config.json", **{key: None})
    assert context_length(checkpoint) is None and read(folder).architecture == "unknown"
