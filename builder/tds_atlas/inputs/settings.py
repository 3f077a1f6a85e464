"""The blocks of a report file as frozen settings; unknown keys are errors. Opens no file but a context's template."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, model_validator

from tds_atlas.domain import Condition, text_fault
from tds_atlas.inputs.blocks import InputPath, Name, Positive, Settings, beside_report
from tds_atlas.inputs.engine_settings import EngineSettings, TransformersSettings
from tds_atlas.inputs.texts import read_text

Dtype = Literal["auto", "float32", "bfloat16", "float16"]


def known_devices(devices: str | tuple[str, ...]) -> str | tuple[str, ...]:
    """The same names. Raises ValueError for one that is no device on any machine."""
    for name in (devices,) if isinstance(devices, str) else devices:
        if not re.fullmatch(r"auto|cpu|mps|(cuda|xpu)(:\d{1,3})?", name):
            raise ValueError(f"{name!r} is no device; give auto, cpu, cuda, cuda:N, mps or xpu")
    if not devices:
        raise ValueError("empty; give auto, cpu, cuda, cuda:N, mps or xpu")
    return devices


Devices = Annotated[str | tuple[str, ...], AfterValidator(known_devices)]
# Ids are text, as in the database; YAML reads digits without quotes as a number.
RowId = Annotated[str, BeforeValidator(lambda x: str(x) if type(x) is int else x)]


class Source(Settings):
    """Files of a local folder (`path`), or of a hub id (`hub`) at a `revision`: a commit, else the branch's last."""

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


class AdapterSettings(Source):
    """A PEFT adapter (LoRA or another kind) for another model of the report."""


class ModelSettings(Source):
    """One checkpoint, or an `adapter` for the model named by `adapts`."""

    adapts: Name | None = None
    adapter: AdapterSettings | None = None
    label: str | None = None
    dtype: Dtype = "auto"
    device_map: Literal["auto"] | None = None  # spread one model over all GPUs
    gguf: InputPath | None = None  # quantised weights in place of the folder's; config and tokenizer are the folder's
    engine: EngineSettings = TransformersSettings()  # who computes its numbers

    def check_source(self) -> None:
        if (self.adapts is None) != (self.adapter is None):
            raise ValueError("adapts (a model of this report) and adapter (its path or hub) go together")
        if self.adapter is None:
            super().check_source()
        elif self.path is not None or self.hub is not None or self.dtype != "auto" or self.device_map:
            raise ValueError("an adapter takes path, hub, dtype and device_map from the model it adapts")
        elif "engine" in self.model_fields_set:
            raise ValueError("an adapter takes no engine: it is run by that of the model it adapts")
        elif self.gguf:
            raise ValueError("an adapter takes no gguf: give it to the model that it adapts")
        if self.gguf and self.engine.kind != "transformers":
            raise ValueError(f"a gguf file needs engine: transformers, not {self.engine.kind}")
        if self.device_map and self.engine.kind == "vllm":
            raise ValueError("vllm takes no device_map: give engine: {kind: vllm, tensor_parallel_size: N}")


class ContextSettings(Settings):
    """How a prompt becomes the tokens before the answer."""

    kind: Literal["chat", "plain", "few-shot", "verbatim"]  # verbatim: the row's own input is that text
    template: str | None = None  # chat: the name of one of the model's templates, or a Jinja template
    path: InputPath | None = Field(default=None, exclude=True)  # a file with the template
    system: str | None = None
    template_of: Name | None = None  # chat: the model whose chat template all models use
    template_kwargs: dict[str, str | bool | int | float | None] = Field(default={})  # chat: the template's variables
    special_text: Literal["text", "tokens"] = "text"  # what `<|im_end|>` and the like are in prompts and answers
    # chat: the answer stands where a rendered turn of the assistant has its text, and not behind an opened <think>
    continue_final: bool = Field(default=False, exclude=True)  # as shards are named by the other settings

    @model_validator(mode="before")
    @classmethod
    def _template_from_file(cls, values: Any, info: ValidationInfo) -> Any:
        if not isinstance(values, dict) or not isinstance(values.get("path"), str):
            return values
        if values.get("template") is not None:
            raise ValueError("give either template or path (a file with the template)")
        path = beside_report(Path(values["path"]), info)
        template = read_text(path)
        if fault := text_fault(template):
            raise ValueError(f"{path}: {fault}")
        return values | {"template": template}

    @model_validator(mode="after")
    def _template_fits_kind(self) -> Self:
        if self.kind == "verbatim":
            keys = ("template", "system", "template_of", "template_kwargs", "continue_final")
            given = [key for key in keys if getattr(self, key)]
            if given:
                raise ValueError(f"a verbatim context takes no {given[0]}: it reads each row's own input as it stands")
            return self
        if self.kind != "chat" and not self.is_jinja and (self.template or "").count("{prompt}") != 1:
            raise ValueError(f"a {self.kind} context needs template (or path), with {{prompt}} in it exactly once")
        if self.kind != "chat" and self.continue_final:
            raise ValueError(f"a {self.kind} context takes no continue_final: the answer follows its template")
        if self.kind != "chat" and self.template_kwargs:
            raise ValueError(f"a {self.kind} context takes no template_kwargs: write it into the template")
        if self.kind != "chat" and self.system is not None:
            raise ValueError(f"a {self.kind} context takes no system: write it into the template")
        if self.kind != "chat" and self.template_of is not None:
            raise ValueError(f"a {self.kind} context takes no template_of: give template or path")
        return self

    @property
    def is_jinja(self) -> bool:
        """Whether the template says itself how turns are written, from the variable messages."""
        template = self.template or ""
        return "{prompt}" not in template and "messages" in template and ("{{" in template or "{%" in template)


class RowSettings(Settings):
    """Which rows of a file are used."""

    limit: Positive | None = None
    leave_out: tuple[RowId, ...] = ()  # ids of rows to skip
    on_error: Literal["stop", "skip"] = "stop"  # skip: a row that cannot be used, or is too long, is passed over
    turns: Literal["last", "all"] = "last"  # of a conversation: its last turn of the assistant is measured, or each


class PromptColumns(Settings):
    """The names of a prompt file's columns, if they are not the usual ones."""

    id: str | None = None
    prompt: str | None = None
    input: str | None = None  # each row's own text before the answer, for a verbatim context


class PromptSettings(RowSettings):
    path: InputPath
    columns: PromptColumns = PromptColumns()


class RolesSettings(Settings):
    """The phrases whose tokens count as style or safety."""

    path: InputPath


class ControlSettings(Settings):
    """What was planted in the aligned models of some comparisons."""

    path: InputPath


class ColumnSettings(PromptColumns):
    """The names of a response file's columns, if they are not the usual ones."""

    answer: str | None = None


class ResponseSettings(Source, RowSettings):
    """Existing answers with their prompts: a local file, or a dataset on the hub."""

    columns: ColumnSettings = ColumnSettings()
    answers: Literal["all", "first", "only"] = "all"  # of a row with several; only: such a row is an error
    config: str | None = None  # of a dataset on the hub: its configuration, if it has several
    split: str = "train"  # of a dataset on the hub

    def check_source(self) -> None:
        super().check_source()
        if self.hub is not None and self.revision is None:
            raise ValueError("hub needs revision: the commit to pin")
        if self.config is not None and self.hub is None:
            raise ValueError("config is the configuration of a dataset on the hub: give hub")


class ConditionSettings(Settings):
    model: Name
    context: Name

    @property
    def condition(self) -> Condition:
        return Condition(self.model, self.context)


class NoiseSettings(ConditionSettings):
    """An A/A check: a condition measured again over the answers of `responses`, in another way."""

    arithmetic: Literal["rebatched", "float32", "bfloat16", "float16"] | None = None
    engine: EngineSettings | None = None
    responses: str | None = None  # default: the answers of the first comparison with this condition

    @model_validator(mode="after")
    def _one_difference(self) -> Self:
        if (self.arithmetic is None) == (self.engine is None):
            raise ValueError("give either arithmetic (rebatched, or a dtype) or engine (who computes it again)")
        return self

    @property
    def again(self) -> str:
        """What differs, in a word."""
        return self.arithmetic or (self.engine.kind if self.engine else "")


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
