"""Graders of texts that models have written: a Python function, or the reference answers of a file. Runs no code.

What a grader says may depend on its code, so a hash of the module that the report names is part of what names a grade.
Of what that module imports nothing is known here, which is what `version` is for.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.machinery import PathFinder
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from tds_atlas.domain import Answer, InputError, Prompt
from tds_atlas.inputs.blocks import Name, Settings
from tds_atlas.inputs.rows import read_rows
from tds_atlas.inputs.step_settings import Number

GROUP = "tds_atlas.graders"  # of entry points
OUTCOMES = ("right", "refusal", "style", "ended", "agreement")  # names that are taken
Match = Literal["contains", "equals", "regex"]
References = Mapping[str, tuple[str, ...]]  # prompt_id -> what an answer may say


class GraderSettings(Settings):
    """One grader: `call`, a function of a module beside the report file; `entry_point`, an installed one; `column`."""

    call: Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")] | None = None
    entry_point: str | None = None
    column: str | None = None  # of the prompts' file, or of `responses`: what a text is compared with
    responses: Name | None = None  # a file of answers of the report that has the column
    match: Match = "contains"
    timeout: Annotated[Number, Field(gt=0, le=86_400)] = 60  # seconds that a text may take
    version: str = ""  # of what a module imports, or of a judge that it asks: another one grades anew

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if sum(x is not None for x in (self.call, self.entry_point, self.column)) != 1:
            raise ValueError("give one of call (module:function), entry_point (an installed grader's name) and column")
        if self.column is None and ("match" in self.model_fields_set or self.responses is not None):
            raise ValueError("match and responses are for a grader by column")
        return self


@dataclass(frozen=True)
class Grader:
    """A grader as it is run: the function's name, where its module may lie, and what names its grades."""

    name: str
    call: str
    folder: str | None  # put before the installed packages
    timeout: float
    identity: tuple[Any, ...]
    references: References = field(default_factory=dict)


def read_grader(
    report: Path, name: str, settings: GraderSettings, prompts: Sequence[Prompt], answers: Sequence[Answer], file: Path
) -> Grader:
    """A grader with what it needs; `file` has the column, of prompts or answers. Raises InputError."""
    where = f"{report}: probes.swap.graders.{name}"
    if settings.column is not None:
        found = _references(where, settings, prompts, answers, file)
        call = f"tds_atlas.inputs.matches:{settings.match}"
        return Grader(name, call, None, settings.timeout, (call, settings.version), found)
    own, folder = str(settings.call), str(report.parent.resolve())
    if settings.entry_point is not None:
        own, folder = _installed(where, settings.entry_point), ""
    code = _code(where, own.partition(":")[0], folder)
    return Grader(name, own, folder or None, settings.timeout, (own, code, settings.version))


def _installed(where: str, name: str) -> str:
    known = {entry.name: entry.value for entry in entry_points(group=GROUP)}
    if name not in known:
        there = ", ".join(sorted(known)) or "none"
        raise InputError(f"{where}.entry_point: {name!r} is not in the entry points {GROUP}; installed: {there}")
    return known[name]


def _code(where: str, module: str, folder: str) -> str:
    """The hash of a module's file, which is found without running any code."""
    path: list[str] | None = [folder, *sys.path] if folder else list(sys.path)
    spec = None
    for i in range(len(parts := module.split("."))):
        spec = PathFinder.find_spec(".".join(parts[: i + 1]), path)
        path = list(spec.submodule_search_locations or ()) if spec else []
    if spec is None or spec.origin is None or not Path(spec.origin).is_file():
        place = f"beside the report file ({folder}) or installed" if folder else "installed"
        raise InputError(f"{where}: there is no module {module}; it must lie {place}")
    return hashlib.sha256(Path(spec.origin).read_bytes()).hexdigest()


def _references(
    where: str, settings: GraderSettings, prompts: Sequence[Prompt], answers: Sequence[Answer], file: Path
) -> References:
    """What the column says for each prompt; of several answers to it, what any of their rows says."""
    column, found = str(settings.column), dict[str, tuple[str, ...]]()
    rows = {f"{file.name}: {place}": raw for place, raw in read_rows(file, "skip", [])}
    placed = [(a.place, a.prompt.prompt_id) for a in answers] or [(p.place, p.prompt_id) for p in prompts]
    for place, prompt_id in placed:
        raw = rows.get(place)
        values = _texts(f"{place}: {column}", raw.get(column) if isinstance(raw, dict) else None, settings.match)
        if values:
            found[prompt_id] = (*found.get(prompt_id, ()), *(x for x in values if x not in found.get(prompt_id, ())))
    if not found:
        raise InputError(f"{where}.column: no row of {file} has a value of {column!r}; name a column of that file")
    return found


def _texts(where: str, value: Any, match: Match) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [] if value is None else [value]
    if not all(isinstance(x, str | int | float) and not isinstance(x, bool) for x in values):
        raise InputError(f"{where}: a reference answer is a text, a number or a list of these")
    texts = tuple(text for x in values if (text := str(x).strip()))
    for text in texts if match == "regex" else ():
        try:
            re.compile(text)
        except re.error as error:
            raise InputError(f"{where}: {text[:60]!r} is no regular expression ({error})") from None
    return texts
