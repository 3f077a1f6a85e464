"""Report files: the defaults, and the one line each mistake gets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from tds_atlas.domain import InputError
from tds_atlas.inputs.report_file import Report, read_report
from tests.conftest import REPORT, ROOT
from tests.inputs.cases import cases


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
        required = {key: getattr(settings, key) for key in ("comparisons", "path") if key in block}
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


@pytest.mark.parametrize("case", cases("bad_report_files"), ids=lambda case: case["says"])
def test_each_mistake_is_one_line_with_file_and_key(tmp_path: Path, case: dict[str, str]) -> None:
    _refused(tmp_path, case["replace"], case["by"], case["says"])


def test_two_comparisons_have_no_id_in_common(tmp_path: Path) -> None:
    """Upper and lower case are one: an id names a folder."""
    for further in (COMPARISON, COMPARISON.replace("{base", "{id: Base-SFT, base", 1)):
        _refused(tmp_path, COMPARISON, COMPARISON + further, r"comparisons: two have the id 'base-sft'")


def test_numbers_and_names_that_are_too_long(tmp_path: Path) -> None:
    digits = "shard_responses: 0x" + "f" * 5000
    _refused(tmp_path, "shard_responses: 2", digits, r"shard_responses: Input should be less than or eq")
    _refused(tmp_path, "name: tiny", "name: " + "a" * 5000, r"name: String should have at most 80 characters")


def _refused(folder: Path, old: str, new: str, message: str) -> None:
    assert old in REPORT
    (folder / "r.yml").write_text(REPORT.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError, match=message) as caught:
        read_report(folder / "r.yml")
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
