"""The block `engine` of a model: its short form, the one line each mistake gets, and what of it names a shard."""

from __future__ import annotations

from pathlib import Path

import pytest

from tds_atlas.domain import Condition, InputError
from tds_atlas.inputs.report_file import read_report
from tds_atlas.pipeline.plan import read_plan
from tests.conftest import REPORT

SFT = "sft: {path: sft, dtype: float32}"
NOISE = "noise: [{model: base, context: plain, %s}]\n"


def written(folder: Path, old: str, new: str) -> Path:
    path = folder / "r.yml"
    assert old in REPORT
    path.write_text(REPORT.replace(old, new), encoding="utf-8")
    return path


def test_a_word_is_short_for_an_engine_as_it_stands(tmp_path: Path) -> None:
    word = read_report(written(tmp_path, SFT, "sft: {path: sft, engine: transformers}"))
    block = read_report(written(tmp_path, SFT, "sft: {path: sft, engine: {kind: transformers}}"))
    none = read_report(written(tmp_path, SFT, "sft: {path: sft}"))
    assert word.models["sft"].engine == block.models["sft"].engine == none.models["sft"].engine


def test_a_server_draws_no_answers(tmp_path: Path) -> None:
    path = written(tmp_path, SFT, "sft: {path: sft, engine: {kind: served, url: 'http://x', model: m}}")
    text = path.read_text(encoding="utf-8").split("probes:")[0] + "generate: {temperature: 1}\n"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"^\S+r\.yml: generate\.temperature: sft·chat is served, and what a server"):
        read_report(path)
    path.write_text(text.replace("temperature: 1", "temperature: 0"), encoding="utf-8")
    read_report(path)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (SFT, "sft: {path: sft, engine: abacus}", r"models.sft.engine.*transformers"),
        (SFT, "sft: {path: sft, engine: {kind: transformers, speed: 1}}", r"models.sft.engine.*speed: unknown key"),
        (
            SFT,
            "sft: {adapts: base, adapter: {path: a}, engine: transformers}",
            r"an adapter takes no engine: it is run by",
        ),
        (
            "name: tiny",
            "name: tiny\n" + NOISE % "engine: transformers",
            r"noise.0.engine: transformers is the engine of",
        ),
        (
            SFT,
            "sft: {path: sft, engine: {kind: vllm, speed: 1}}",
            r"models.sft.engine.*speed: unknown key; .*max_model_len",
        ),
        (
            SFT,
            "sft: {path: sft, engine: {kind: vllm, tensor_parallel_size: 0}}",
            r"tensor_parallel_size: .* greater than",
        ),
        (
            SFT,
            "sft: {path: sft, engine: {kind: vllm, gpu_memory_utilization: 2}}",
            r"gpu_memory_utilization: .* less than",
        ),
        (
            SFT,
            "sft: {path: sft, engine: vllm, device_map: auto}",
            r"models.sft: .*vllm takes no device_map: give engine: .kind",
        ),
        (SFT, "sft: {path: sft, engine: vllm}", r"probes.swap: model sft runs on vllm, probes need transformers"),
        ("name: tiny", "name: tiny\n" + NOISE % "responses: sft·chat", r"noise.0: give either arithmetic .* or engine"),
        (
            "name: tiny",
            "name: tiny\n" + NOISE % "engine: transformers, arithmetic: float32",
            r"noise.0: give either arithmetic .* or engine",
        ),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, old: str, new: str, line: str) -> None:
    with pytest.raises(InputError, match=line) as caught:
        read_report(written(tmp_path, old, new))
    assert "\n" not in str(caught.value)


def test_naming_the_default_engine_changes_no_shard(project: Path) -> None:
    keys = []
    for name, engine in (("r.yml", ""), ("named.yml", ", engine: transformers")):
        text = (project / "report.yml").read_text(encoding="utf-8")
        (project / name).write_text(text.replace("path: sft,", f"path: sft{engine},"), encoding="utf-8")
        plan = read_plan(project / name)
        keys.append([plan.cards().key, *(shard.key for _, shard in plan.response_shards())])
        assert plan.checkpoints["sft"].fingerprint[3:] == ()
    assert keys[0] == keys[1]


def test_an_engine_is_no_dtype() -> None:
    assert Condition("m", "c", "vllm").dtype == "" and Condition("m", "c", "bfloat16").dtype == "bfloat16"


def test_what_numbers_depend_on_of_vllm_names_its_shards(project: Path) -> None:
    """How many GPUs add up a sum does; where the program lies does not."""
    keys = []
    for engine in ("transformers", "vllm", "{kind: vllm, python: /a}", "{kind: vllm, tensor_parallel_size: 2}"):
        text = REPORT[: REPORT.index("probes:")] + REPORT[REPORT.index("generate:") :]
        (project / "r.yml").write_text(text.replace("path: sft,", f"path: sft, engine: {engine},"), encoding="utf-8")
        keys.append([shard.key for _, shard in read_plan(project / "r.yml").response_shards()])
    assert keys[1] == keys[2] and keys[0] != keys[1] and keys[1] != keys[3]


def test_an_adapter_over_a_model_of_vllm_is_refused_with_the_plan(project: Path) -> None:
    text = REPORT[: REPORT.index("probes:")].replace("base: {path: base,", "base: {path: base, engine: vllm,")
    (project / "r.yml").write_text(text.replace(SFT, "sft: {adapts: base, adapter: {path: sft}}"), encoding="utf-8")
    with pytest.raises(InputError, match=r"models.sft: vllm runs no adapters here: merge it into base"):
        read_plan(project / "r.yml")
