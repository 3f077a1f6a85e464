"""A YAML report file as validated settings. Unknown keys are errors. Opens the YAML file and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, model_validator

from builder.domain import Condition, InputError

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
Positive = Annotated[int, Field(ge=1)]


def _beside_report(path: Path, info: ValidationInfo) -> Path:
    """Input paths are relative to the report file."""
    folder = (info.context or {}).get("folder", Path())
    return Path(folder) / path.expanduser()


InputPath = Annotated[Path, AfterValidator(_beside_report)]


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelSettings(Settings):
    """One checkpoint: a local folder (`path`) or a hub id (`hub`) with its `revision`."""

    path: InputPath | None = None
    hub: str | None = None
    revision: str | None = None
    label: str | None = None
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.path is None) == (self.hub is None):
            raise ValueError("give either path (a local folder) or hub (a hub id)")
        if self.hub is not None and self.revision is None:
            raise ValueError("a hub model needs revision: the commit to pin")
        return self


class ContextSettings(Settings):
    """How a prompt becomes the tokens before the answer."""

    kind: Literal["chat", "plain"]
    template: str | None = None
    system: str | None = None

    @model_validator(mode="after")
    def _template_fits_kind(self) -> Self:
        if self.kind == "plain" and (self.template is None or self.template.count("{prompt}") != 1):
            raise ValueError("a plain context needs template, with {prompt} in it once")
        if self.kind == "chat" and self.template is not None:
            raise ValueError("a chat context takes no template: each model brings its own")
        if self.kind == "plain" and self.system is not None:
            raise ValueError("a plain context takes no system: write it into the template")
        return self


class PromptSettings(Settings):
    path: InputPath
    limit: Positive | None = None


class ResponseSettings(Settings):
    """A file of ready answers, with their prompts."""

    path: InputPath
    limit: Positive | None = None


class ConditionSettings(Settings):
    model: Name
    context: Name

    @property
    def condition(self) -> Condition:
        return Condition(self.model, self.context)


class ComparisonSettings(Settings):
    """A base and an aligned condition; the answers are the aligned condition's own unless `responses` names others."""

    id: Name | None = None
    base: ConditionSettings
    aligned: ConditionSettings
    responses: str | None = None

    @property
    def comparison_id(self) -> str:
        return self.id or f"{self.base.model}-{self.aligned.model}"

    @property
    def source(self) -> str:
        return self.responses or self.aligned.condition.condition_id


class GenerateSettings(Settings):
    max_new_tokens: Positive = 256
    batch_size: Positive = 32


class ScoreSettings(Settings):
    top_k: Positive = 30
    batch_tokens: Positive = 4096
    chunk_positions: Positive = 64


class OutputSettings(Settings):
    """Where things are written, relative to the folder that `tds` runs in."""

    shards: Path = Path("data/shards")
    database: Path = Path("data/tds.duckdb")
    site: Path = Path("site")


class Report(Settings):
    """One report file."""

    name: Name
    title: str
    description: str = ""
    models: dict[Name, ModelSettings] = Field(min_length=1)
    contexts: dict[Name, ContextSettings] = Field(min_length=1)
    prompts: PromptSettings | None = None
    responses: dict[Name, ResponseSettings] = {}
    comparisons: tuple[ComparisonSettings, ...] = Field(min_length=1)
    conditions: tuple[ConditionSettings, ...] = ()
    generate: GenerateSettings = GenerateSettings()
    score: ScoreSettings = ScoreSettings()
    shard_responses: Positive = 64
    device: str = "auto"
    output: OutputSettings = OutputSettings()

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        used = [
            (f"comparisons.{i}.{side}", getattr(c, side))
            for i, c in enumerate(self.comparisons)
            for side in ("base", "aligned")
        ]
        used += [(f"conditions.{i}", c) for i, c in enumerate(self.conditions)]
        for key, condition in used:
            _known(f"{key}.model", condition.model, self.models)
            _known(f"{key}.context", condition.context, self.contexts)
        return self

    @model_validator(mode="after")
    def _responses_exist(self) -> Self:
        ids = [c.comparison_id for c in self.comparisons]
        twice = next((i for i in ids if ids.count(i) > 1), None)
        if twice:
            raise ValueError(f"comparisons: two have the id {twice!r}; give one of them another id")
        conditions = {c.aligned.condition.condition_id for c in self.comparisons}
        for i, comparison in enumerate(self.comparisons):
            if comparison.responses is not None:
                _known(f"comparisons.{i}.responses", comparison.responses, [*self.responses, *sorted(conditions)])
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

    def comparisons_of(self, source: str) -> tuple[ComparisonSettings, ...]:
        return tuple(c for c in self.comparisons if c.source == source)

    def conditions_of(self, source: str) -> tuple[Condition, ...]:
        """The conditions that score the answers of a source, each once."""
        pairs = [c for comparison in self.comparisons_of(source) for c in (comparison.base, comparison.aligned)]
        return tuple(dict.fromkeys(c.condition for c in (*pairs, *self.conditions)))


def _known(key: str, name: str, names: Any) -> None:
    if name not in names:
        raise ValueError(f"{key}: {name!r} is not defined; known: {', '.join(names) or 'none'}")


def load_report(path: Path) -> Report:
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
    """The keys a settings block takes, found by its place in the report."""
    blocks: dict[str, type[Settings]] = {
        "models": ModelSettings,
        "contexts": ContextSettings,
        "prompts": PromptSettings,
        "responses": ResponseSettings,
        "comparisons": ComparisonSettings,
        "conditions": ConditionSettings,
        "generate": GenerateSettings,
        "score": ScoreSettings,
        "output": OutputSettings,
    }
    if loc and loc[-1] in ("base", "aligned") and loc[0] == "comparisons":
        return list(ConditionSettings.model_fields)
    return list(blocks[str(loc[0])].model_fields if loc else Report.model_fields)
