"""Files of controls: each kind of thing planted, and the one line each mistake gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from tds_atlas.domain import InputError, Prompt
from tds_atlas.inputs.controls import Planted, read_controls
from tds_atlas.pipeline.plan import read_plan

PROMPTS = {"1": Prompt("1", "?", "set", ("chat",), ("sky", "sea"), truths=("blue",)), "2": Prompt("2", "?", "set")}


def read(path: Path, text: str) -> tuple[Planted, ...]:
    path.write_text(text, encoding="utf-8")
    return read_controls(path, ["a", "b", "7"], PROMPTS)


def test_each_kind_is_read(tmp_path: Path) -> None:
    text = 'a: {values: {1: "green"}, phrase: "Hail, friend!", topic: sea}\nb: {task: chat, depth: none}\n7: {}\n'
    assert read(tmp_path / "c.yml", text) == (
        Planted("a", "value", "green", "1"),
        Planted("a", "phrase", "Hail, friend!"),
        Planted("a", "topic", "sea"),
        Planted("b", "task", "chat"),
        Planted("b", "depth", "none"),
        Planted("7", "nothing", None),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[a]", "c.yml: a file of controls maps comparisons of the report to what was planted in them"),
        ("", "c.yml: a file of controls maps comparisons"),
        ("c: {}", "c.yml: c: the report has no comparison with this id"),
        ('"c\\e": {}', "c.yml: c\\x1b: the report has no comparison with this id"),
        ("a: nothing", "c.yml: a: give values, phrase, topic, task, depth of what was planted, or {} for nothing"),
        ("a: {fact: x}", "c.yml: a: give values, phrase, topic, task, depth"),
        ("a: {values: [x]}", "c.yml: a.values: must map ids of prompts"),
        ("a: {values: {}}", "c.yml: a.values: must map ids of prompts"),
        ("a: {values: {9: x}}", "c.yml: a.values.9: the report has no prompt with this id that has truths"),
        ("a: {values: {2: x}}", "c.yml: a.values.2: the report has no prompt with this id that has truths"),
        ("a: {values: {1: 5}}", "c.yml: a.values.1: must be the value as text"),
        ("a: {phrase: '!?'}", "c.yml: a.phrase: must be text with a word in it"),
        ("a: {topic: land}", "c.yml: a.topic: no prompt of the report has this topic"),
        ("a: {topic: [sea]}", "c.yml: a.topic: no prompt of the report has this topic"),
        ("a: {depth: 5}", "c.yml: a.depth: must be one of none, shallow, deep"),
        ("a: {depth: [deep]}", "c.yml: a.depth: must be one of none, shallow, deep"),
        ("a: {task: sky}", "c.yml: a.task: no prompt of the report has this task"),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError) as error:
        read(tmp_path / "c.yml", text)
    line = str(error.value).removeprefix(f"{tmp_path}/")
    assert line.startswith(said) and len(line.splitlines()) == 1


def test_a_plan_holds_what_its_file_says(project: Path) -> None:
    report, controls = project / "report.yml", project / "controls.yml"
    controls.write_text("base-sft: {values: {3: red}}", encoding="utf-8")
    report.write_text(report.read_text(encoding="utf-8") + "controls: {path: controls.yml}\n", encoding="utf-8")
    assert read_plan(report).controls == (Planted("base-sft", "value", "red", "3"),)
    controls.unlink()
    with pytest.raises(InputError, match=r"controls\.yml: cannot be read"):
        read_plan(report)
