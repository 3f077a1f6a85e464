"""Prompts and ready answers from files. Knows neither tokenizer nor model: text in, text out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from builder.domain import Answer, InputError, Prompt


class PromptRow(BaseModel):
    """One row of a prompt file; other keys are left alone."""

    model_config = ConfigDict(strict=True)

    id: str | int
    prompt: str = Field(min_length=1)
    tasks: list[str] = []
    topics: list[str] = []
    harmful: bool | None = None
    truths: list[str] = []


class AnswerRow(BaseModel):
    """One row of AlignTDS's answer format; `input` (the templated prompt) is left alone: contexts are ours to set."""

    model_config = ConfigDict(strict=True)

    id: str | int
    pure_input: str = Field(min_length=1)
    output: list[str] = Field(min_length=1)


Row = TypeVar("Row", bound=BaseModel)


def read_prompts(path: Path, limit: int | None) -> tuple[Prompt, ...]:
    """The prompts of a JSON Lines file (or a JSON array). Raises InputError naming file and row."""
    prompts = []
    for place, row in _rows(path, limit):
        row = _checked(path, place, PromptRow, row)
        prompts.append(
            Prompt(
                str(row.id), row.prompt, path.stem, tuple(row.tasks), tuple(row.topics), row.harmful, tuple(row.truths)
            )
        )
    _unique(path, [p.prompt_id for p in prompts])
    return tuple(prompts)


def read_answers(path: Path, limit: int | None, known: tuple[Prompt, ...] = ()) -> tuple[Answer, ...]:
    """The answers of a file in AlignTDS's format: rows of {id, pure_input, output: [text]}.

    A row whose prompt stands word for word among the known prompts takes over its id and tags. A closing `</s>` means
    that the model ended by itself; without one the answer was cut.
    """
    by_text = {prompt.text: prompt for prompt in known}
    answers = []
    for place, row in _rows(path, limit):
        row = _checked(path, place, AnswerRow, row)
        text = row.output[0].removesuffix("</s>")
        if not text:
            raise InputError(f"{path}: {place}: output is empty; an answer needs at least one character")
        prompt = by_text.get(row.pure_input) or Prompt(str(row.id), row.pure_input, path.stem)
        answers.append(Answer(prompt, text, "stop" if row.output[0].endswith("</s>") else "length"))
    _unique(path, [a.prompt.prompt_id for a in answers])
    return tuple(answers)


def _rows(path: Path, limit: int | None) -> Iterator[tuple[str, Any]]:
    """Each row with the words for its place; a JSON array or JSON Lines, told apart by the first character."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or 'not UTF-8 text'}") from None
    rows = list(_array(path, text) if text.lstrip().startswith("[") else _lines(path, text))
    if not rows:
        raise InputError(f"{path}: holds no rows")
    yield from rows[:limit]


def _array(path: Path, text: str) -> Iterator[tuple[str, Any]]:
    try:
        rows = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{path}:{error.lineno}: not valid JSON: {error.msg}") from None
    return ((f"row {i}", row) for i, row in enumerate(rows, 1))


def _lines(path: Path, text: str) -> Iterator[tuple[str, Any]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield f"line {number}", json.loads(line)
            except json.JSONDecodeError as error:
                raise InputError(f"{path}: line {number}: not valid JSON: {error.msg}") from None


def _checked(path: Path, place: str, kind: type[Row], row: Any) -> Row:
    try:
        return kind.model_validate(row)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        wants = ", ".join(kind.model_fields)
        raise InputError(f"{path}: {place}: {key + ': ' if key else ''}{first['msg']}; a row has {wants}") from None


def _unique(path: Path, ids: list[str]) -> None:
    seen: set[str] = set()
    for name in ids:
        if name in seen:
            raise InputError(f"{path}: two rows have the id {name!r}; ids must differ")
        seen.add(name)
