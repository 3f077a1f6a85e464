"""Quantised checkpoints: read as the same weights written out as numbers, measured as either side, or one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
import torch

from tds_atlas.domain import InputError
from tds_atlas.inputs.checkpoints import Checkpoint, card, locate
from tds_atlas.inputs.settings import ModelSettings
from tds_atlas.measure.engines import quantised
from tds_atlas.measure.engines.models import Models
from tds_atlas.measure.engines.transformers import LoadedModel
from tds_atlas.pipeline.plan import read_plan
from tds_atlas.pipeline.steps import measure
from tests import quantise
from tests.conftest import POCKET

BASE = POCKET / "base"
KINDS: dict[str, tuple[Callable[[Path, Path], quantise.Tensors], str]] = {
    "fp8": (quantise.fp8, "all 66 tensors in place; quantised by fp8"),
    "int4": (quantise.int4, "all 94 tensors in place; quantised by compressed-tensors to 4 bits"),
    "gguf": (quantise.gguf_file, "all tensors in place; the quantised file x.gguf"),
}


def located(path: Path) -> Checkpoint:
    if path.suffix == ".gguf":
        return locate("m", {"m": ModelSettings(path=BASE, gguf=path, dtype="float32")})
    return locate("m", {"m": ModelSettings(path=path)})


def logits(model: LoadedModel) -> torch.Tensor:
    """By body and head, as scoring has them."""
    row = tuple(range(3, 90))
    with torch.inference_mode():
        (states,) = model.states([row], [len(row)])
        return model.head(states) if model.head else states


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_quantised_checkpoint_is_read_as_its_weights_written_out(
    tmp_path: Path, kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    make, loaded = KINDS[kind]
    path = tmp_path / ("x.gguf" if kind == "gguf" else "x")
    plain = quantise.save(tmp_path / "plain", BASE, make(path, BASE), None)
    model = Models("cpu").model(located(path))
    assert capfd.readouterr() == ("", ""), "no progress bars of other packages"
    expected, own = (logits(Models("cpu").model(located(folder))) for folder in (plain, BASE))
    torch.testing.assert_close(logits(model), expected, atol=1e-4, rtol=1e-4)
    assert float((expected - own).abs().max()) > 1e-2, "quantising did change something"
    assert model.loaded == loaded
    assert card(located(path)).parameters is None, "packed numbers are not counted"


def test_one_folder_with_and_without_a_gguf_file_is_two_models(tmp_path: Path) -> None:
    quantise.gguf_file(tmp_path / "x.gguf", BASE, "Q4_0")
    models = {"whole": ModelSettings(path=BASE), "small": ModelSettings(path=BASE, gguf=tmp_path / "x.gguf")}
    whole, small = locate("whole", models), locate("small", models)
    assert whole.fingerprint != small.fingerprint and small.source == "x.gguf"
    together = Models("cpu")
    assert not torch.equal(logits(together.model(whole)), logits(together.model(small)))


QUANTISED = """
name: quantised
title: What did quantising change?
models:
  whole: {path: %s}
  small: {path: small}
contexts: {chat: {kind: chat}}
prompts: {path: prompts.jsonl}
comparisons:
  - {base: {model: whole, context: chat}, aligned: {model: small, context: chat}}
generate: {max_new_tokens: 12}
"""


def test_what_quantising_changed_is_measured_from_end_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    quantise.int4(Path("small"), POCKET / "sft")
    rows = [{"id": str(i), "prompt": f"Where is town {i}?"} for i in range(3)]
    Path("prompts.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    Path("r.yml").write_text(QUANTISED % (POCKET / "sft"), encoding="utf-8")
    measure(read_plan(Path("r.yml")))
    with duckdb.connect("data/tds.duckdb", read_only=True) as con:
        ((n, kl, least),) = con.sql("SELECT count(*), avg(kl_aligned_base), min(kl_aligned_base) FROM tds").fetchall()
        assert n > 5 and 1e-4 < kl < 1 and least >= 0
        found = dict(con.sql("SELECT model_id, loaded FROM model").fetchall())
        assert (
            found["small"].endswith("quantised by compressed-tensors to 4 bits") and "quantised" not in found["whole"]
        )


@pytest.mark.parametrize(
    ("method", "line"),
    [
        ("gptq", r"gptq weights need gptqmodel and optimum, .*pip install gptqmodel optimum, or give engine: vllm$"),
        (
            "awq",
            r"awq weights need gptqmodel and accelerate, .*pip install gptqmodel accelerate, or give engine: vllm$",
        ),
        (
            "bitsandbytes",
            r"need bitsandbytes and accelerate, .*pip install 'tds-atlas\[quantised\]', or give engine: vllm$",
        ),
        (
            "compressed-tensors",
            r"need compressed-tensors, not installed here: pip install 'tds-atlas\[quantised\]', or",
        ),
        ("torchao", r"torchao weights need torchao, not installed here: pip install 'tds-atlas\[quantised\]'$"),
        ("fp8", r"fp8 weights need accelerate, not installed here: pip install 'tds-atlas\[quantised\]', or"),
    ],
)
def test_a_package_that_is_missing_is_one_line_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, line: str
) -> None:
    monkeypatch.setattr(quantised, "find_spec", lambda name: None)
    quantise.save(tmp_path / "x", BASE, quantise.weights(BASE), {"quant_method": method})
    with pytest.raises(InputError, match=rf"^models\.m: .*{line}"):
        Models("cpu").model(located(tmp_path / "x"))


@pytest.mark.parametrize("settings", [{"bits": 4}, {"quant_method": 4}])
def test_quantised_by_nothing_that_is_named_is_one_line(tmp_path: Path, settings: Any) -> None:
    quantise.save(tmp_path / "x", BASE, quantise.weights(BASE), settings)
    with pytest.raises(InputError, match=r"config.json: quantization_config: names no quant_method"):
        Models("cpu").model(located(tmp_path / "x"))


def test_a_gguf_file_that_is_not_there_or_none_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^models\.m\.gguf: no file .*x\.gguf"):
        located(tmp_path / "x.gguf")
    (tmp_path / "x.gguf").write_bytes(b"GG")
    with pytest.raises(InputError, match=r"^models\.m\.gguf: .*x\.gguf is no GGUF file"):
        located(tmp_path / "x.gguf")


@pytest.mark.parametrize("left", [24, 2000, 2_000_000])
def test_a_gguf_file_that_ends_early_is_one_line(tmp_path: Path, left: int) -> None:
    path = tmp_path / "x.gguf"
    quantise.gguf_file(path, BASE)
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(InputError, match=r"^models\.m: cannot be loaded from .*x\.gguf: .") as error:
        Models("cpu").model(located(path))
    assert "\n" not in str(error.value) and len(str(error.value)) < 600


def test_a_gguf_file_without_one_of_the_models_tensors_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "x.gguf"
    quantise.gguf_file(path, BASE, left_out="blk.2.ffn_up.weight")
    with pytest.raises(InputError, match=r"1 of the model's tensors are not in the weights, .*layers\.2\.mlp\.up_proj"):
        Models("cpu").model(located(path))


@pytest.mark.parametrize(("given", "line"), [
    ({"engine": "vllm"}, "a gguf file needs engine: transformers, not vllm"),
    ({"adapts": "base", "adapter": {"path": "a"}}, "an adapter takes no gguf"),
])  # fmt: skip
def test_a_gguf_file_where_it_cannot_be_is_refused(given: dict[str, Any], line: str) -> None:
    own = {} if "adapts" in given else {"path": "x"}
    with pytest.raises(ValueError, match=line):
        ModelSettings.model_validate({"gguf": "x.gguf"} | own | given)
