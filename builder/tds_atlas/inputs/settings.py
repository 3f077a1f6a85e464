"""The blocks of a report file as frozen settings; unknown keys are errors. Opens no file but a context's template."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, model_validator

from tds_atlas.domain import NAME, Condition

Name = Annotated[str, Field(pattern=f"^{NAME}$")]
Positive = Annotated[int, Field(ge=1)]
Dtype = Literal["auto", "float32", "bfloat16", "float16"]


def _beside_report(path: Path, info: ValidationInfo) -> Path:
    """Input paths are relative to the report file."""
    folder = (info.context or {}).get("folder", Path())
    return Path(folder) / path.expanduser()


InputPath = Annotated[Path, AfterValidator(_beside_report)]
# Ids are text, as in the database; YAML reads digits without quotes as a number.
RowId = Annotated[str, BeforeValidator(lambda x: str(x) if type(x) is int else x)]


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(Settings):
    """Files of a local folder (`path`), or of a hub id (`hub`) at its `revision`."""

    path: InputPath | None = None
    hub: str | None = None
    revision: str | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        self.check_source()
        return self

    def check_source(self) -> None:
        if (self.path is None) == (self.hub is None):
            raise ValueError("give either path (a local folder or file) or hub (a hub id)")
        if self.hub is not None and self.revision is None:
            raise ValueError("hub needs revision: the commit to pin")


class AdapterSettings(Source):
    """A PEFT adapter (LoRA or another kind) for another model of the report."""


class ModelSettings(Source):
    """One checkpoint, or an `adapter` for the model named by `adapts`."""

    adapts: Name | None = None
    adapter: AdapterSettings | None = None
    label: str | None = None
    dtype: Dtype = "auto"
    device_map: Literal["auto"] | None = None  # spread one model over all GPUs

    def check_source(self) -> None:
        if (self.adapts is None) != (self.adapter is None):
            raise ValueError("adapts (a model of this report) and adapter (its path or hub) go together")
        if self.adapter is None:
            super().check_source()
        elif self.path is not None or self.hub is not None or self.dtype != "auto" or self.device_map:
            raise ValueError("an adapter takes path, hub, dtype and device_map from the model it adapts")


class ContextSettings(Settings):
    """How a prompt becomes the tokens before the answer."""

    kind: Literal["chat", "plain", "few-shot"]
    template: str | None = None
    path: InputPath | None = Field(default=None, exclude=True)  # a file with the template
    system: str | None = None
    template_of: Name | None = None  # chat: the model whose chat template all models use

    @model_validator(mode="before")
    @classmethod
    def _template_from_file(cls, values: Any, info: ValidationInfo) -> Any:
        if not isinstance(values, dict) or not isinstance(values.get("path"), str):
            return values
        if values.get("template") is not None:
            raise ValueError("give either template or path (a file with the template)")
        path = _beside_report(Path(values["path"]), info)
        try:
            return values | {"template": path.read_text(encoding="utf-8")}
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(
                f"{path}: cannot be read: {getattr(error, 'strerror', None) or 'not UTF-8 text'}"
            ) from None

    @model_validator(mode="after")
    def _template_fits_kind(self) -> Self:
        if self.kind != "chat" and (self.template is None or self.template.count("{prompt}") != 1):
            raise ValueError(f"a {self.kind} context needs template (or path), with {{prompt}} in it exactly once")
        if self.kind == "chat" and self.template is not None:
            raise ValueError("a chat context takes no template: it uses the model's own, or that of template_of")
        if self.kind != "chat" and self.system is not None:
            raise ValueError(f"a {self.kind} context takes no system: write it into the template")
        if self.kind != "chat" and self.template_of is not None:
            raise ValueError(f"a {self.kind} context takes no template_of: give template or path")
        return self


class PromptSettings(Settings):
    path: InputPath
    limit: Positive | None = None
    leave_out: tuple[RowId, ...] = ()  # ids of rows to skip


class RolesSettings(Settings):
    """The phrases whose tokens count as style or safety."""

    path: InputPath


class ColumnSettings(Settings):
    """The names of a response file's columns, if they are not the usual ones."""

    id: str | None = None
    prompt: str | None = None
    answer: str | None = None


class ResponseSettings(Source):
    """Existing answers with their prompts: a local file, or a dataset on the hub."""

    limit: Positive | None = None
    leave_out: tuple[RowId, ...] = ()
    columns: ColumnSettings = ColumnSettings()
    split: str = "train"  # of a dataset on the hub


class ConditionSettings(Settings):
    model: Name
    context: Name

    @property
    def condition(self) -> Condition:
        return Condition(self.model, self.context)


class NoiseSettings(ConditionSettings):
    """An A/A check: a condition measured again, with other arithmetic, over the answers of `responses`."""

    arithmetic: Literal["rebatched", "float32", "bfloat16", "float16"]
    responses: str | None = None  # default: the answers of the first comparison with this condition


class ComparisonSettings(Settings):
    """A base and an aligned condition; the answers are the aligned condition's unless `responses` names others."""

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
    batch_size: Positive = 64


class ScoreSettings(Settings):
    top_k: Positive = 30
    batch_tokens: Positive = 4096
    chunk_logits: Positive = 4_000_000  # logits in memory at a time, per condition; 16 times as many on a GPU


class SwapSettings(Settings):
    """Token swap: the base writes, and some tokens are the aligned model's; see measure/probes/swap.py."""

    comparisons: tuple[str, ...] = Field(min_length=1)
    shares: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = (0.02, 0.05, 0.1, 0.2, 0.4)
    prompts: Positive = 96  # at most this many of the report's, evenly spaced
    max_new_tokens: Positive = 160


class PrefillSettings(Settings):
    """Harmful prompts, and how the aligned model continues the first tokens of the base's answer."""

    comparisons: tuple[str, ...] = Field(min_length=1)
    depth: Positive = 10  # tokens of the base's answer, at most
    new_tokens: Positive = 24  # of the aligned model's continuation
    opening: Positive = 4  # tokens of its own answer that count as its opening


class ContinuationSettings(Settings):
    """What the base would have written where a run of shifted tokens begins."""

    new_tokens: Positive = 10
    per_response: Positive = 24  # positions, those with the largest KL


class ProbeSettings(Settings):
    """What is measured by letting the models continue a text. A probe runs only if the report names it."""

    swap: SwapSettings | None = None
    prefill: PrefillSettings | None = None
    continuation: ContinuationSettings | None = None


class SiteSettings(Settings):
    """What the site shows; the database and the table of examples hold everything regardless."""

    example_pages: Positive = 6000  # at most; whole prompts, those with the largest mean KL first


class OutputSettings(Settings):
    """Where things are written, relative to the folder that `tds` runs in."""

    shards: Path = Path("data/shards")
    database: Path = Path("data/tds.duckdb")
    site: Path = Path("site")
