"""A YAML report file as validated settings: what belongs together is checked together. Unknown keys are errors."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, Self, get_args

import yaml
from pydantic import Field, ValidationError, model_validator

from tds_atlas.domain import Comparison, Condition, InputError
from tds_atlas.inputs.settings import (
    ComparisonSettings,
    ConditionSettings,
    ContextSettings,
    GenerateSettings,
    ModelSettings,
    Name,
    NoiseSettings,
    OutputSettings,
    Positive,
    ProbeSettings,
    PromptSettings,
    ResponseSettings,
    RolesSettings,
    ScoreSettings,
    Settings,
    SiteSettings,
)


class Report(Settings):
    """One report file."""

    name: Name
    title: str
    description: str = ""
    models: dict[Name, ModelSettings] = Field(min_length=1)
    contexts: dict[Name, ContextSettings] = Field(min_length=1)
    prompts: PromptSettings | None = None
    responses: dict[Name, ResponseSettings] = Field(default_factory=dict)
    comparisons: tuple[ComparisonSettings, ...] = Field(min_length=1)
    conditions: tuple[ConditionSettings, ...] = ()
    noise: tuple[NoiseSettings, ...] = ()
    roles: RolesSettings | None = None
    probes: ProbeSettings = ProbeSettings()
    generate: GenerateSettings = GenerateSettings()
    score: ScoreSettings = ScoreSettings()
    shard_responses: Positive = 64
    device: str | tuple[str, ...] = "auto"
    site: SiteSettings = SiteSettings()
    output: OutputSettings = OutputSettings()

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        used = [
            (f"comparisons.{i}.{side}", getattr(c, side))
            for i, c in enumerate(self.comparisons)
            for side in ("base", "aligned")
        ]
        used += [(f"conditions.{i}", c) for i, c in enumerate(self.conditions)]
        used += [(f"noise.{i}", c) for i, c in enumerate(self.noise)]
        for key, condition in used:
            _known(f"{key}.model", condition.model, self.models)
            _known(f"{key}.context", condition.context, self.contexts)
        for name, context in self.contexts.items():
            if context.template_of is not None:
                _known(f"contexts.{name}.template_of", context.template_of, self.models)
        for name, model in self.models.items():
            whole = [other for other, settings in self.models.items() if settings.adapter is None]
            if model.adapts is not None:
                _known(f"models.{name}.adapts", model.adapts, whole)
        return self

    @model_validator(mode="after")
    def _responses_exist(self) -> Self:
        ids = [c.comparison_id for c in self.comparisons] + [_noise_id(n) for n in self.noise]
        twice = next((i for i in ids if ids.count(i) > 1), None)
        if twice:
            raise ValueError(f"comparisons: two have the id {twice!r}; give one of them another id")
        conditions = {c.aligned.condition.condition_id for c in self.comparisons}
        for i, comparison in enumerate(self.comparisons):
            if comparison.responses is not None:
                _known(f"comparisons.{i}.responses", comparison.responses, [*self.responses, *sorted(conditions)])
        for i, check in enumerate(self.noise):
            if check.responses is not None:
                _known(f"noise.{i}.responses", check.responses, sorted({c.source for c in self.comparisons}))
        for name in ("swap", "prefill"):
            probe = getattr(self.probes, name)
            for wanted in probe.comparisons if probe else ():
                _known(f"probes.{name}.comparisons", wanted, [c.comparison_id for c in self.comparisons])
        if self.generated_sources() and self.prompts is None:
            raise ValueError("prompts: missing; without it every comparison must name a response file in responses")
        return self

    def generated_sources(self) -> dict[str, Condition]:
        """The conditions that must generate answers, by source name."""
        known = {c.aligned.condition.condition_id: c.aligned.condition for c in self.comparisons}
        return {c.source: known[c.source] for c in self.comparisons if c.source not in self.responses}

    def file_sources(self) -> dict[str, ResponseSettings]:
        """The response files in use, by source name."""
        return {c.source: self.responses[c.source] for c in self.comparisons if c.source in self.responses}

    @cached_property
    def measured(self) -> tuple[Comparison, ...]:
        """Everything that is compared: the report's comparisons, then its A/A checks."""
        pairs = [(c.base.model, c.aligned.model) for c in self.comparisons]
        made = []
        for c, pair in zip(self.comparisons, pairs, strict=True):
            base, aligned = c.base.condition, c.aligned.condition
            sides = pair if pairs.count(pair) == 1 else (base.condition_id, aligned.condition_id)
            made.append(Comparison(c.comparison_id, " → ".join(sides), "tuning", base, aligned, c.source))
        for n in self.noise:
            again = Condition(n.model, n.context, n.arithmetic)
            source = n.responses or next((c.source for c in made if n.condition in (c.base, c.aligned)), made[0].source)
            label = f"{n.condition.condition_id}, {n.arithmetic}"
            made.append(Comparison(_noise_id(n), label, "noise", n.condition, again, source))
        return tuple(made)

    def comparisons_of(self, source: str) -> tuple[Comparison, ...]:
        return tuple(c for c in self.measured if c.source == source)

    def conditions_of(self, source: str) -> tuple[Condition, ...]:
        """The conditions that score the answers of a source, each once.

        Further conditions score the answers of every comparison that their model takes part in.
        """
        pairs = [c for comparison in self.comparisons_of(source) for c in (comparison.base, comparison.aligned)]
        models = {c.model_id for c in pairs}
        return tuple(dict.fromkeys([*pairs, *(c.condition for c in self.conditions if c.model in models)]))

    def conditions_used(self) -> tuple[Condition, ...]:
        """Every condition of the report, each once."""
        sources = dict.fromkeys(c.source for c in self.measured)
        return tuple(dict.fromkeys(c for source in sources for c in self.conditions_of(source)))


def _noise_id(check: NoiseSettings) -> str:
    return f"noise-{check.model}-{check.context}-{check.arithmetic}"


def _known(key: str, name: str, names: Any) -> None:
    if name not in names:
        raise ValueError(f"{key}: {name!r} is not defined; known: {', '.join(names) or 'none'}")


def read_report(path: Path) -> Report:
    """Read and validate a report file. Raises InputError with one line naming file and key."""
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else f"{path}"
        raise InputError(f"{where}: not valid YAML: {getattr(error, 'problem', None) or error}") from None
    if not isinstance(raw, dict):
        raise InputError(f"{path}: a report file is a mapping with the keys {', '.join(Report.model_fields)}")
    try:
        return Report.model_validate(raw, context={"folder": path.parent})
    except ValidationError as error:
        raise InputError(_one_line(path, error)) from None


def _one_line(path: Path, error: ValidationError) -> str:
    first, *others = error.errors()
    key = ".".join(str(part) for part in first["loc"] if part != "[key]")
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        message = f"unknown key; allowed here: {', '.join(_fields_at(first['loc'][:-1]))}"
    elif first["type"] == "missing":
        message = "missing"
    more = f" (and {len(others)} more)" if others else ""
    return f"{path}: {key + ': ' if key else ''}{message}{more}"


def _fields_at(loc: tuple[str | int, ...]) -> list[str]:
    """The keys that a settings block takes, found by its place in the report."""
    block: Any = Report
    for part in loc:
        if not _is_block(block):  # a mapping of blocks by name, or a row of them
            block = next(inner for inner in get_args(block) if _is_block(inner))
        else:
            found = block.model_fields[str(part)].annotation
            block = next(
                (inner for inner in get_args(found) if _is_block(inner) and type(None) in get_args(found)), found
            )
    return list(block.model_fields)


def _is_block(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Settings)
