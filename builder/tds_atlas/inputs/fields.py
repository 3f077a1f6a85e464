"""One row of a prompt file or of a file of answers, checked: its texts, its id, and what tags the prompt."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from tds_atlas.domain import InputError, Prompt, printable, text_fault

_LONGEST = 200  # characters of an id or a tag
_HARM = {"safety": True, "regular": False}  # categories of just-eval


def as_id(value: str | int) -> str | int:
    """An id of a file's row. Raises ValueError for one that is too long, or empty."""
    if not 0 < len(str(value)) <= _LONGEST:
        raise ValueError(f"{len(str(value)):,} characters; an id has 1 to {_LONGEST}")
    return value


def _states_something(text: str) -> str:
    if not text.strip(" *"):
        raise ValueError("empty; a truth is words that an answer can contain")
    return text


Tag = Annotated[str, Field(min_length=1, max_length=_LONGEST)]
Truth = Annotated[str, AfterValidator(_states_something)]


class PromptRow(BaseModel):
    """One row of a prompt file; other keys are ignored."""

    model_config = ConfigDict(strict=True)

    id: Annotated[str | int, AfterValidator(as_id)]
    prompt: str = Field(min_length=1)
    tasks: list[Tag] = []
    topics: list[Tag] = []
    harmful: bool | None = None
    truths: list[Truth] = []
    category: Any = None  # in just-eval: `safety` for harmful prompts, `regular` for the others
    input: str | None = None  # only where the settings name its column

    def as_prompt(self, source: str, place: str) -> Prompt:
        """The row as a prompt of the set `source`."""
        harmful = self.harmful if self.harmful is not None else _HARM.get(str(self.category))
        tags = (tuple(self.tasks), tuple(self.topics), harmful, tuple(self.truths))
        return Prompt(str(self.id), self.prompt, source, *tags, place, self.input)


class AnswerRow(PromptRow):
    """One row of a file of answers, its columns already renamed to these; other keys are ignored."""

    answer: str | list[str]


OnError = Literal["stop", "skip"]
Row = TypeVar("Row", bound=BaseModel)


def validated(path: Path, place: str, kind: type[Row], row: Any) -> Row:
    """A row as its record. Raises InputError naming file, row and field."""
    for name in kind.model_fields if isinstance(row, dict) else ():
        fault = next(filter(None, map(text_fault, _texts(row.get(name)))), None)
        if fault:
            raise InputError(f"{path}: {place}: {name}: {fault}")
    try:
        return kind.model_validate(row)
    except ValidationError as error:
        first = error.errors()[0]
        key = f"{first['loc'][0]}: " if first["loc"] else ""
        message = first["msg"].removeprefix("Value error, ")
        names = ", ".join(kind.model_fields)
        raise InputError(f"{path}: {place}: {key}{printable(message)}; a row has {names}") from None


def _texts(value: Any) -> list[str]:
    return [text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str)]


@contextmanager
def passing_over(path: Path, on_error: OnError, passed_over: list[str]) -> Iterator[None]:
    """A row that cannot be used is an error, or one more line of those passed over, without the file's folder."""
    try:
        yield
    except InputError as error:
        if on_error == "stop":
            raise
        passed_over.append(str(error).replace(str(path), path.name, 1))
