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
