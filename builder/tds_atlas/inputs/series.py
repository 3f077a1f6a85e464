"""A training run in a report file: its checkpoints become models, and a comparison with one base for each of them.

All are scored over the same answers, those of the last checkpoint or of a file, and if wanted each over its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic import Field

from tds_atlas.inputs.adapters import ADAPTER_CONFIG
from tds_atlas.inputs.blocks import Name, Settings
from tds_atlas.inputs.model_config import CONFIG
from tds_atlas.inputs.settings import ConditionSettings

LAST = "last"
_NUMBER = re.compile(r"(\d{1,15})(?!.*\d)")  # the last in a name: checkpoint-100


class StepSettings(Settings):
    """One checkpoint of a run."""

    model: Name
    step: int = Field(ge=0)


class SeriesSettings(Settings):
    """The checkpoints of one training run, in order, and what they are compared with."""

    base: ConditionSettings
    context: Name  # in which each checkpoint reads a prompt
    steps: tuple[StepSettings, ...] = Field(min_length=2)  # a report file gives folders, a pattern, or revisions
    answers: str = LAST  # whose answers all are scored over: the last checkpoint's, or a name of `responses`
    own: bool = False  # whether each is scored over its own answers, too
    outside: str | None = None  # a task or topic: prompts outside what the run trains on

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Which comparison is which step, on shared answers and on own ones: rows of the table `series_step`."""
        rows = []
        for i, step in enumerate(self.steps, 1):
            key = {"series": name, "ordinal": i, "step": step.step, "model_id": step.model, "outside": self.outside}
            rows.append(key | {"answers": "shared", "comparison_id": _id(name, step.step)})
            if self.own:
                rows.append(key | {"answers": "own", "comparison_id": self._own_id(name, i)})
        return rows

    def _own_id(self, name: str, place: int) -> str:
        step = self.steps[place - 1].step
        shared = self.answers == LAST and place == len(self.steps)
        return _id(name, step) if shared else f"{_id(name, step)}-own"


def with_series(values: Any, folder: Path) -> Any:
    """A report file's values with the models and comparisons of its series. Raises ValueError for steps not found.

    What is wrong in a block besides its steps is left for the block's own check.
    """
    if not isinstance(values, dict):
        return values
    series = values.get("series")
    models, comparisons = (values.get(key) or kind() for key, kind in (("models", dict), ("comparisons", list)))
    if not (isinstance(series, dict) and isinstance(models, dict) and isinstance(comparisons, list)):
        return values
    models, comparisons = {**models}, [*comparisons]
    blocks = {}
    for name, block in series.items():
        base = block.get("base") if isinstance(block, dict) else None
        if not isinstance(base, dict) or "steps" not in block or not isinstance(block.get("context"), str):
            return values
        found = _found(f"series.{name}.steps", block["steps"], folder, models)
        steps = [{"model": _model_of(f"{name}-{n}", given, base, models), "step": n} for n, given in found]
        blocks[name] = block | {"steps": steps}
        comparisons += _comparisons(str(name), blocks[name])
    return values | {"models": models, "comparisons": comparisons, "series": blocks}


def _comparisons(name: str, block: Mapping[str, Any]) -> list[dict[str, Any]]:
    """On shared answers a comparison a step; on own answers as many, but for the last's, which are the shared ones."""
    steps, rows = block["steps"], []
    last, context = steps[-1], block["context"]
    shared = block.get("answers", LAST)
    for step in steps:
        pair = {"base": block["base"], "aligned": {"model": step["model"], "context": context}}
        whose = f"{last['model']}·{context}" if shared == LAST else shared
        rows.append(pair | {"id": _id(name, step["step"]), "responses": whose})
        if block.get("own") and not (shared == LAST and step is last):
            rows.append(pair | {"id": f"{_id(name, step['step'])}-own"})
    return rows


def _found(key: str, given: Any, folder: Path, models: Mapping[str, Any]) -> list[tuple[int, Any]]:
    """Each checkpoint with its number: of its name, or its place where names have none that grow."""
    if isinstance(given, dict):
        return _revisions(key, given)
    places: list[Any] = []
    for item in [given] if isinstance(given, str) else given if isinstance(given, list) else []:
        if not isinstance(item, str):
            raise ValueError(f"{key}: {item!r} is no folder, pattern or model")
        places += [item] if item in models else _folders(key, item, folder)
    if len(places) < 2:
        raise ValueError(f"{key}: {len(places)} checkpoints; a run needs two or more: folders, a pattern, or models")
    numbers = [_NUMBER.search(Path(place).name) for place in places]
    steps = [int(number[1]) for number in numbers if number]
    grow = len(steps) == len(places) and all(a < b for a, b in pairwise(steps))
    return list(zip(steps if grow else range(1, len(places) + 1), places, strict=True))


def _folders(key: str, pattern: str, folder: Path) -> list[Path]:
    """The folders of a pattern, by the numbers in their names."""
    path = Path(pattern).expanduser()
    root, inner = (Path(path.anchor), path.relative_to(path.anchor)) if path.is_absolute() else (folder, path)
    found = [place for place in root.glob(str(inner)) if place.is_dir()]
    if not found:
        raise ValueError(f"{key}: no folder {root / inner}; paths are relative to the report file")
    return sorted(found, key=lambda place: [int(x) if x.isdigit() else x for x in re.split(r"(\d+)", place.name)])


def _revisions(key: str, given: Mapping[str, Any]) -> list[tuple[int, Any]]:
    """Checkpoints that are revisions of one hub id: `{hub: org/name, revision: "step-{step}", of: [100, 200]}`."""
    numbers, pattern = given.get("of"), given.get("revision")
    if set(given) != {"hub", "revision", "of"} or "{step}" not in str(pattern) or not isinstance(numbers, list):
        raise ValueError(f"{key}: give hub, revision with {{step}} in it, and of: a list of steps")
    if len(numbers) < 2 or any(type(n) is not int or n < 0 for n in numbers) or sorted(set(numbers)) != numbers:
        raise ValueError(f"{key}.of: give two or more steps, growing whole numbers")
    return [(n, {"hub": given["hub"], "revision": str(pattern).replace("{step}", str(n))}) for n in numbers]


def _model_of(name: str, given: Any, base: Mapping[str, Any], models: dict[str, Any]) -> str:
    """The name of a checkpoint's model, which is added unless the report has it."""
    if isinstance(given, str):
        return given
    if isinstance(given, Path):
        is_adapter = (given / ADAPTER_CONFIG).is_file() and not (given / CONFIG).is_file()
        adapter = {"adapts": base.get("model"), "adapter": {"path": str(given.resolve())}}
        given = adapter if is_adapter else {"path": str(given.resolve())}
    if name in models:
        raise ValueError(f"models.{name}: is also the name of a step of the series; give the series another name")
    models[name] = given
    return name


def _id(name: str, step: int) -> str:
    return f"{name}-{step}"


def series_rows(series: Mapping[str, SeriesSettings]) -> Sequence[dict[str, Any]]:
    """The rows of the table `series_step`."""
    return [row for name, block in series.items() for row in block.rows(name)]
