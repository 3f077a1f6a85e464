"""Prompts and existing answers from files. Knows neither tokenizer nor model: text in, text out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from tds_atlas.domain import Answer, InputError, Prompt
from tds_atlas.inputs.rows import read_dataset, read_rows
from tds_atlas.inputs.settings import PromptSettings, ResponseSettings

# How tools name the columns of a file of answers: AlignTDS and URIAL, just-eval and AlpacaEval, plain files.
PROMPT_COLUMNS = ("prompt", "pure_input", "instruction", "question")
ANSWER_COLUMNS = ("answer", "output", "response", "completion")
ID_COLUMNS = ("id", "prompt_id")
# Special tokens left over in files of texts: they mark the beginning and the end of an answer.


def _encodable(text: str) -> str:
    """Refuse half a character (a lone surrogate): valid in JSON, but not in a tokenizer. Pydantic words the error."""
    text.encode("utf-8")
    return text


Text = Annotated[str, AfterValidator(_encodable)]

_CATEGORIES = {"safety": True, "regular": False}


class PromptRow(BaseModel):
    """One row of a prompt file; other keys are ignored."""

    model_config = ConfigDict(strict=True)

    id: str | int
    prompt: str = Field(min_length=1)
    tasks: list[str] = []
    topics: list[str] = []
    harmful: bool | None = None
    truths: list[str] = []
    category: Any = None  # in just-eval: `safety` for harmful prompts, `regular` for the others

    @property
    def is_harmful(self) -> bool | None:
        return self.harmful if self.harmful is not None else _CATEGORIES.get(str(self.category))


class AnswerRow(BaseModel):
    """One row of a file of answers, its columns already renamed to these; other keys are ignored."""

    model_config = ConfigDict(strict=True)

    id: str | int
    prompt: str = Field(min_length=1)
    answer: Text | list[Text]


Row = TypeVar("Row", bound=BaseModel)


def read_prompts(settings: PromptSettings) -> tuple[Prompt, ...]:
    """The prompts of a JSON Lines file (or a JSON array). Raises InputError naming file and row."""
    path, prompts = settings.path, []
    for place, row in read_rows(path):
        row = _validate(path, place, PromptRow, row)
        prompts.append(
            Prompt(
                str(row.id),
                row.prompt,
                path.stem,
                tuple(row.tasks),
                tuple(row.topics),
                row.is_harmful,
                tuple(row.truths),
            )
        )
    _check_unique(path, [p.prompt_id for p in prompts])
    return tuple(_select(path, prompts, [p.prompt_id for p in prompts], settings.leave_out, settings.limit))


def read_answers(settings: ResponseSettings, prompts: tuple[Prompt, ...] = ()) -> tuple[Answer, ...]:
    """The answers of a file: JSON (AlignTDS, URIAL, just-eval), JSON Lines, CSV, TSV, Parquet, or a dataset on the hub.

    A row whose prompt equals one of `prompts`, word for word, gets the id and tags of that prompt. What of a text is a
    special token is for the model to say (measure/answers.py).
    """
    path = settings.path or Path(settings.hub or "")
    by_text: dict[str, list[Prompt]] = {}
    for prompt in prompts:
        by_text.setdefault(prompt.text, []).append(prompt)
    texts: list[Answer] = []
    ids: list[str] = []
    for place, raw in read_rows(path) if settings.path else read_dataset(settings):
        row = _validate(path, place, AnswerRow, _with_usual_names(path, place, raw, settings))
        same = by_text.get(row.prompt)  # prompts with equal text are used in turn
        prompt = same.pop(0) if same else Prompt(str(row.id), row.prompt, path.stem)
        text = row.answer if isinstance(row.answer, str) else "".join(row.answer[:1])
        ids.append(prompt.prompt_id)
        if not text and prompt.prompt_id not in settings.leave_out:
            name = json.dumps(prompt.prompt_id)
            raise InputError(f"{path}: {place}: the answer is empty; skip it with leave_out: [{name}]")
        texts.append(Answer(prompt, text))
    _check_unique(path, ids)
    return tuple(_select(path, texts, ids, settings.leave_out, settings.limit))


def _with_usual_names(path: Path, place: str, row: Any, settings: ResponseSettings) -> Any:
    """The row with columns named id, prompt and answer; a row without an id is numbered by its place."""
    if not isinstance(row, dict):
        return row
    columns = settings.columns
    fields: dict[str, Any] = {"id": place.split()[-1]}
    for name, custom, usual in (
        ("id", columns.id, ID_COLUMNS),
        ("prompt", columns.prompt, PROMPT_COLUMNS),
        ("answer", columns.answer, ANSWER_COLUMNS),
    ):
        key = custom or next((key for key in usual if row.get(key) is not None), None)
        if key is None and name != "id":  # a column that exists but is null is named in the error
            key = next((key for key in usual if key in row), None)
        if key is not None and key in row:
            fields[name] = row[key]
        elif name != "id" or custom:
            column_names = ", ".join(map(str, row)) or "none"
            candidates = custom or " or ".join(usual)
            raise InputError(
                f"{path}: {place}: no column {candidates} for the {name} (columns: {column_names}); "
                f"name it with columns: {{{name}: ...}}"
            )
    return fields


def _select(path: Path, items: list[Any], ids: list[str], leave_out: tuple[str, ...], limit: int | None) -> list[Any]:
    unknown = [name for name in leave_out if name not in ids]
    if unknown:
        raise InputError(f"{path}: leave_out names {unknown[0]!r}, but no row has this id")
    rest = [item for item, name in zip(items, ids, strict=True) if name not in leave_out][:limit]
    if not rest:
        raise InputError(f"{path}: leave_out leaves no row")
    return rest


def _validate(path: Path, place: str, kind: type[Row], row: Any) -> Row:
    try:
        return kind.model_validate(row)
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0]) if first["loc"] else ""
        names = ", ".join(kind.model_fields)
        message = f"{key + ': ' if key else ''}{first['msg']}; a row has {names}"
        raise InputError(f"{path}: {place}: {message}") from None


def _check_unique(path: Path, ids: list[str]) -> None:
    earlier: set[str] = set()
    for name in ids:
        if name in earlier:
            raise InputError(f"{path}: two rows have the id {name!r}; ids must differ")
        earlier.add(name)
