"""A YAML report file as validated settings: its blocks checked against one another. Unknown keys are errors."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from pydantic import Field, ValidationError, ValidationInfo, model_validator

from tds_atlas.domain import Comparison, Condition, InputError
from tds_atlas.inputs.blocks import Name, Positive, Settings
from tds_atlas.inputs.engine_checks import check_engines
from tds_atlas.inputs.engine_settings import EngineSettings
from tds_atlas.inputs.faults import check_name, first_fault
from tds_atlas.inputs.plain_yaml import read_yaml
from tds_atlas.inputs.probe_settings import ProbeSettings
from tds_atlas.inputs.runner_settings import LocalSettings, RunnerSettings
from tds_atlas.inputs.series import SeriesSettings, with_series
from tds_atlas.inputs.settings import (
    ComparisonSettings,
    ConditionSettings,
    ContextSettings,
    ControlSettings,
    Devices,
    ModelSettings,
    NoiseSettings,
    PromptSettings,
    ResponseSettings,
    RolesSettings,
)
from tds_atlas.inputs.step_settings import GenerateSettings, OutputSettings, ScoreSettings, SiteSettings


class Report(Settings):
    """One report file."""

    name: Name
    title: str
    description: str = ""
    models: dict[Name, ModelSettings] = Field(min_length=1)
    contexts: dict[Name, ContextSettings] = Field(min_length=1)
    prompts: PromptSettings | None = None
    responses: dict[Name, ResponseSettings] = Field(default_factory=dict)
    comparisons: tuple[ComparisonSettings, ...] = ()  # none: `conditions` score the answers of all `responses`
    series: dict[Name, SeriesSettings] = Field(default_factory=dict)  # training runs: they add models and comparisons
    conditions: tuple[ConditionSettings, ...] = ()
    noise: tuple[NoiseSettings, ...] = ()
    roles: RolesSettings | None = None
    controls: ControlSettings | None = None
    probes: ProbeSettings = ProbeSettings()
    generate: GenerateSettings = GenerateSettings()
    score: ScoreSettings = ScoreSettings()
    shard_responses: Positive = 64
    device: Devices = "auto"
    runner: RunnerSettings = LocalSettings()  # who hands out the work
    site: SiteSettings = SiteSettings()
    output: OutputSettings = OutputSettings()

    @model_validator(mode="before")
    @classmethod
    def _with_series(cls, values: Any, info: ValidationInfo) -> Any:
        return with_series(values, Path((info.context or {}).get("folder", Path())))

    @model_validator(mode="after")
    def _something_is_scored(self) -> Self:
        if not self.comparisons and not (self.conditions and self.responses):
            raise ValueError("comparisons: missing; without them give conditions and the responses that they score")
        if not self.comparisons and self.noise:
            raise ValueError("noise: checks the answers of a comparison, and there is none")
        return self

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        conditions = [
            (f"comparisons.{i}.{side}", getattr(c, side))
            for i, c in enumerate(self.comparisons)
            for side in ("base", "aligned")
        ]
        conditions += [(f"conditions.{i}", c) for i, c in enumerate(self.conditions)]
        conditions += [(f"noise.{i}", c) for i, c in enumerate(self.noise)]
        for key, condition in conditions:
            check_name(f"{key}.model", condition.model, self.models)
            check_name(f"{key}.context", condition.context, self.contexts)
        for name, context in self.contexts.items():
            if context.template_of is not None:
                check_name(f"contexts.{name}.template_of", context.template_of, self.models)
        for name, model in self.models.items():
            full_models = [other for other, settings in self.models.items() if settings.adapter is None]
            if model.adapts is not None:
                check_name(f"models.{name}.adapts", model.adapts, full_models)
        return self

    @model_validator(mode="after")
    def _responses_exist(self) -> Self:
        ids = [c.comparison_id for c in self.comparisons] + [_noise_id(n) for n in self.noise]
        lower = [i.lower() for i in ids]  # some file systems know one case
        duplicate = next((i for i in ids if lower.count(i.lower()) > 1), None)
        if duplicate:
            raise ValueError(f"comparisons: two have the id {duplicate!r}; give one of them another id")
        conditions = {c.aligned.condition.condition_id for c in self.comparisons}
        for i, comparison in enumerate(self.comparisons):
            if comparison.responses is not None:
                check_name(f"comparisons.{i}.responses", comparison.responses, [*self.responses, *sorted(conditions)])
        for i, check in enumerate(self.noise):
            if check.responses is not None:
                check_name(f"noise.{i}.responses", check.responses, sorted({c.source for c in self.comparisons}))
        for name, named in self.probes.named.items():
            for comparison_id in named:
                check_name(f"probes.{name}.comparisons", comparison_id, [c.comparison_id for c in self.comparisons])
        fingerprint = self.probes.fingerprint
        if fingerprint is not None and fingerprint.against is not None:
            check_name("probes.fingerprint.against", fingerprint.against, fingerprint.comparisons)
        if self.generated_sources() and self.prompts is None:
            raise ValueError("prompts: missing; without it every comparison must name a response file in responses")
        return self

    @model_validator(mode="after")
    def _engines_can(self) -> Self:
        """Probes need a model in this process; whoever gives lists alone has one arithmetic."""
        check_engines(self)
        if self.runner.kind == "ray" and not isinstance(self.device, str):
            raise ValueError("device: a list is for this machine alone; with runner: ray give gpus, for each actor")
        return self

    def engine_of(self, model_id: str) -> EngineSettings:
        """Who computes a model's numbers; an adapter's are computed by whoever runs the model that it adapts."""
        model = self.models[model_id]
        return self.models[model.adapts].engine if model.adapts else model.engine

    def engine_again(self, condition: Condition) -> EngineSettings | None:
        """Who computes a condition a second time, where an A/A check compares engines."""
        checks = [n for n in self.noise if Condition(n.model, n.context, n.again) == condition]
        return checks[0].engine if checks else None

    def generated_sources(self) -> dict[str, Condition]:
        """The conditions that must generate answers, by source name."""
        conditions = {c.aligned.condition.condition_id: c.aligned.condition for c in self.comparisons}
        return {c.source: conditions[c.source] for c in self.comparisons if c.source not in self.responses}

    def file_sources(self) -> dict[str, ResponseSettings]:
        """The response files in use, by source name."""
        return {source: self.responses[source] for source in self.sources() if source in self.responses}

    def sources(self) -> tuple[str, ...]:
        """The sources of the answers that are scored: those of the comparisons; without any, all response files."""
        return tuple(dict.fromkeys(c.source for c in self.all_comparisons)) or tuple(self.responses)

    @cached_property
    def all_comparisons(self) -> tuple[Comparison, ...]:
        """All comparisons to measure: those of the report, then its A/A checks."""
        comparisons = []
        for c, label in zip(self.comparisons, _labels(self.comparisons), strict=True):
            base, aligned = c.base.condition, c.aligned.condition
            comparisons.append(Comparison(c.comparison_id, label, "tuning", base, aligned, c.source))
        for n in self.noise:
            again = Condition(n.model, n.context, n.again)
            of_condition = (c.source for c in comparisons if n.condition in (c.base, c.aligned))
            source = n.responses or next(of_condition, comparisons[0].source)
            label = f"{n.condition.condition_id}, {n.again}"
            comparisons.append(Comparison(_noise_id(n), label, "noise", n.condition, again, source))
        return tuple(comparisons)

    def comparisons_of(self, source: str) -> tuple[Comparison, ...]:
        return tuple(c for c in self.all_comparisons if c.source == source)

    def conditions_of(self, source: str) -> tuple[Condition, ...]:
        """The conditions under which the answers of a source are scored, each once.

        Each of `conditions` scores the answers of every comparison in which its model takes part; all answers, if there
        is none.
        """
        if not self.comparisons:
            return tuple(dict.fromkeys(c.condition for c in self.conditions))
        pairs = [c for comparison in self.comparisons_of(source) for c in (comparison.base, comparison.aligned)]
        models = {c.model_id for c in pairs}
        return tuple(dict.fromkeys([*pairs, *(c.condition for c in self.conditions if c.model in models)]))

    def reader_of(self, source: str) -> Condition:
        """The condition in which the answers of a file are tokenised: the aligned one that scores them first."""
        return next((c.aligned for c in self.comparisons_of(source)), self.conditions_of(source)[0])

    def conditions_used(self) -> tuple[Condition, ...]:
        """Every condition of the report, each once."""
        return tuple(dict.fromkeys(c for source in self.sources() for c in self.conditions_of(source)))


def _labels(comparisons: Sequence[ComparisonSettings]) -> list[str]:
    """The shortest label of each comparison that no other has: its models, its conditions, its answers, its id."""
    models = [f"{c.base.model} → {c.aligned.model}" for c in comparisons]
    conditions = [f"{c.base.condition.condition_id} → {c.aligned.condition.condition_id}" for c in comparisons]
    sources = [f"{label}, {c.source}" for label, c in zip(conditions, comparisons, strict=True)]
    ids = [f"{label}, {c.comparison_id}" for label, c in zip(sources, comparisons, strict=True)]
    kinds = (models, conditions, sources, ids)
    return [next((k[i] for k in kinds if k.count(k[i]) == 1), ids[i]) for i in range(len(comparisons))]


def _noise_id(check: NoiseSettings) -> str:
    return f"noise-{check.model}-{check.context}-{check.again}"


def read_report(path: Path) -> Report:
    """Read and validate a report file. Raises InputError: one line that names file and key."""
    raw = read_yaml(path)
    if not isinstance(raw, dict):
        raise InputError(f"{path}: a report file is a mapping with the keys {', '.join(Report.model_fields)}")
    try:
        return Report.model_validate(raw, context={"folder": path.parent})
    except ValidationError as error:
        raise InputError(f"{path}: {first_fault(error, Report)}") from None
