"""Report files: the defaults, and the one line each mistake gets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from tds_atlas.domain import InputError
from tds_atlas.inputs.report_file import Report, read_report
from tests.conftest import REPORT, ROOT


@pytest.mark.parametrize("path", sorted((ROOT / "data/reports").glob("*.yml")), ids=lambda p: p.stem)
def test_every_preset_is_valid(path: Path) -> None:
    report = read_report(path)
    assert report.name == path.stem and report.comparisons


def test_the_default_report_writes_out_every_default() -> None:
    """A reader of pocket.yml sees each setting there is, at its default."""
    path = ROOT / "data/reports/pocket.yml"
    raw, report = yaml.safe_load(path.read_text(encoding="utf-8")), read_report(path)
    assert set(raw) == set(Report.model_fields)
    for block in ("generate", "score", "output"):
        settings = getattr(report, block)
        assert raw[block].keys() == type(settings).model_fields.keys() and settings == type(settings)()
    assert raw["probes"].keys() == type(report.probes).model_fields.keys()
    for name, block in raw["probes"].items():
        settings = getattr(report.probes, name)
        required = {"comparisons": settings.comparisons} if "comparisons" in block else {}
        assert block.keys() == type(settings).model_fields.keys() and settings == type(settings)(**required)
    assert raw["shard_responses"] == Report.model_fields["shard_responses"].default


def test_paths_are_relative_to_the_report_file(tmp_path: Path) -> None:
    (tmp_path / "r.yml").write_text(REPORT, encoding="utf-8")
    report = read_report(tmp_path / "r.yml")
    assert report.models["base"].path == tmp_path / "base"
    assert report.comparisons[0].comparison_id == "base-sft" and report.comparisons[0].source == "sft·chat"


def test_labels_of_comparisons_differ(tmp_path: Path) -> None:
    side = "base: {model: base, context: plain}, aligned: {model: sft, context: chat}"
    comparisons = f"""  - {{id: a, {side}}}
  - {{id: b, {side}, responses: x}}
  - {{id: c, {side}, responses: y}}
  - {{id: d, {side}, responses: y}}
  - {{id: e, base: {{model: base, context: plain}}, aligned: {{model: sft, context: plain}}, responses: x}}
  - {{id: f, base: {{model: base, context: plain}}, aligned: {{model: base, context: chat}}, responses: x}}
responses: {{x: {{path: x.json}}, y: {{path: y.json}}}}
"""
    (tmp_path / "r.yml").write_text(
        REPORT.replace(COMPARISON, comparisons).replace("[base-sft]", "[a]"), encoding="utf-8"
    )
    pair = "base·plain → sft·chat"
    assert [c.label for c in read_report(tmp_path / "r.yml").all_comparisons] == [
        f"{pair}, sft·chat", f"{pair}, x", f"{pair}, y, c", f"{pair}, y, d", "base·plain → sft·plain", "base → base"
    ]  # fmt: skip


COMPARISON = "  - {base: {model: base, context: plain}, aligned: {model: sft, context: chat}}\n"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("title: Tiny", "titel: Tiny", r"r.yml: (titel: unknown key; allowed here: name, title|title: missing)"),
        (
            "{path: base, dtype: float32}",
            "{pfad: base}",
            r"r.yml: models.base.pfad: unknown key; allowed here: path, hub, rev.*adapter",
        ),
        (
            "dtype: float32",
            "dtype: float99",
            r"r.yml: models.base.dtype: Input should be 'auto', 'float32'.* \(and 1 more\)",
        ),
        ("{path: base, dtype: float32}", "{}", r"models.base: give either path \(a local folder or file\) or hub"),
        (
            "{kind: chat}",
            "{kind: plain}",
            r"contexts.chat: a plain context needs template \(or path\), with {prompt} in it exactly once",
        ),
        (
            "{kind: chat}",
            "{kind: few}",
            r"contexts.chat.kind: Input should be 'chat', 'plain', 'few-shot' or 'verbatim'",
        ),
        (
            "{kind: chat}",
            "{kind: chat, template_of: x}",
            r"contexts.chat.template_of: 'x' is not defined; known: base, sft",
        ),
        ("{kind: chat}", "{kind: few-shot, path: no.txt}", r"contexts.chat: .*no.txt: cannot be read: No such file"),
        ("{kind: chat}", "{kind: plain, path: r.yml, template: x}", r"contexts.chat: give either template or path"),
        (
            "{path: sft,",
            "{adapts: base, path: sft,",
            r"models.sft: adapts \(a model of this report\) and adapter .* go tog",
        ),
        (
            "{path: sft, dtype: float32}",
            "{adapts: bse, adapter: {path: x}}",
            r"models.sft.adapts: 'bse' is not defined; known: base",
        ),
        (
            "{path: sft, dtype: float32}",
            "{adapts: base, adapter: {path: x}, dtype: float32}",
            r"models.sft: an adapter takes path, hub, dtype and device_map from the model it adapts",
        ),
        (
            "shard_responses: 2",
            "noise: [{model: base, context: plain, arithmetic: base2}]",
            r"noise.0.arithmetic: Input should be 'rebatched', 'float32', 'bfloat16' or 'float16'",
        ),
        (
            "shard_responses: 2",
            "noise: [{model: base, context: plain, arithmetic: rebatched, responses: x}]",
            r"noise.0.responses: 'x' is not defined; known: sft·chat",
        ),
        ("model: base,", "model: bse,", r"comparisons.0.base.model: 'bse' is not defined; known: base, sft"),
        (
            "context: chat",
            "context: chats",
            r"comparisons.0.aligned.context: 'chats' is not defined; known: plain, chat",
        ),
        (COMPARISON, COMPARISON * 2, r"comparisons: two have the id 'base-sft'"),
        (
            COMPARISON,
            COMPARISON + COMPARISON.replace("{base", "{id: Base-SFT, base", 1),
            r"comparisons: two have the id 'base-sft'",
        ),
        (
            "context: chat}}",
            "context: chat}, responses: gone}",
            r"comparisons.0.responses: 'gone' is not defined; known: sft·chat",
        ),
        (
            "prompts: {path: prompts.jsonl}",
            "",
            r"prompts: missing; without it every comparison must name a response file",
        ),
        ("shard_responses: 2", "device: tpu", r"device: 'tpu' is no device; give auto, cpu, cuda, cuda:N, mps or xpu"),
        ("shard_responses: 2", "device: [cpu, tpu]", r"device: 'tpu' is no device"),
        ("shard_responses: 2", "device: []", r"device: empty; give auto, cpu"),
        ("shard_responses: 2", "shard_responses: 0x" + "f" * 5000, r"shard_responses: Input should be less than or eq"),
        (
            "shard_responses: 2",
            "shard_responses: true",
            r"shard_responses: must be a whole number above 0, not true or false",
        ),
        ("name: tiny", "name: " + "a" * 5000, r"name: String should have at most 80 characters"),
        ("title: Tiny", "title: Tiny\ntitle: Other", r"r.yml:4: the key 'title' is given twice, first in line 3"),
        ("batch_size: 2", "batch_size: 0", r"generate.batch_size: Input should be greater than or equal to 1"),
        ("batch_size: 2", "temperature: -1", r"generate.temperature: Input should be greater than or equal to 0"),
        ("batch_size: 2", "temperature: .inf", r"generate.temperature: Input should be less than or equal to 100"),
        ("batch_size: 2", "temperature: .nan", r"generate.temperature: Input should be"),
        ("batch_size: 2", "temperature: true", r"generate.temperature: must be a number, not true or false"),
        (
            "batch_size: 2",
            "temperature: 0.001",
            r"generate: temperature: 0.001 is nearly greedy; give 0 \(greedy\), or",
        ),
        ("batch_size: 2", "temperature: 1, top_p: 0", r"generate.top_p: Input should be greater than 0"),
        ("batch_size: 2", "temperature: 1, top_p: 1.2", r"generate.top_p: Input should be less than or equal to 1"),
        ("batch_size: 2", "temperature: 1, min_p: 2", r"generate.min_p: Input should be less than or equal to 1"),
        ("batch_size: 2", "temperature: 1, top_k: 0", r"generate.top_k: Input should be greater than or equal to 1"),
        ("batch_size: 2", "temperature: 1, repetition_penalty: 0", r"generate.repetition_penalty: .* greater than 0"),
        ("batch_size: 2", "temperature: 1, seed: -1", r"generate.seed: Input should be greater than or equal to 0"),
        (
            "batch_size: 2",
            "temperature: 1, samples: 0",
            r"generate.samples: Input should be greater than or equal to 1",
        ),
        ("batch_size: 2", "samples: 4", r"generate: samples: without a temperature above 0 answers are greedy; give"),
        ("batch_size: 2", "temperature: 0, top_p: 0.9", r"generate: top_p: without a temperature above 0"),
        ("batch_size: 2", "sample: 4", r"generate.sample: unknown key; allowed here: .*temperature"),
        (
            "aligned: {model: sft",
            "aligned: {mdl: sft",
            r"comparisons.0.aligned.(mdl: unknown key; allowed here: model, context|model: m)",
        ),
        ("name: tiny", "name: ../tiny", r"r.yml: name: String should match pattern"),
        ("name: tiny", "name: [tiny", r"r.yml:\d+: not valid YAML"),
    ],
)
def test_each_mistake_is_one_line_with_file_and_key(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in REPORT
    (tmp_path / "r.yml").write_text(REPORT.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError, match=message) as caught:
        read_report(tmp_path / "r.yml")
    assert "\n" not in str(caught.value)


def test_files_that_are_no_report(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none.yml: cannot be read: No such file or directory"):
        read_report(tmp_path / "none.yml")
    (tmp_path / "list.yml").write_text("- 1", encoding="utf-8")
    with pytest.raises(InputError, match=r"list.yml: a report file is a mapping with the keys name, title"):
        read_report(tmp_path / "list.yml")


def test_a_template_at_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "few.txt")
    text = REPORT.replace("{kind: chat}", "{kind: few-shot, path: few.txt}")
    (tmp_path / "r.yml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"^.*r.yml: contexts.chat: .*few.txt: cannot be read: not a file$"):
        read_report(tmp_path / "r.yml")
