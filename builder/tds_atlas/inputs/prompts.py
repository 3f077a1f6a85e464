"""Prompts and existing answers from files. Knows neither tokenizer nor model: text in, text out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from tds_atlas.domain import Answer, InputError, Prompt
from tds_atlas.inputs.columns import own_input, with_usual_names
from tds_atlas.inputs.fields import AnswerRow, PromptRow, passing_over, validated
from tds_atlas.inputs.rows import read_dataset, read_rows
from tds_atlas.inputs.settings import PromptSettings, ResponseSettings


def read_prompts(settings: PromptSettings, passed_over: list[str] | None = None) -> tuple[Prompt, ...]:
    """The prompts of a JSON Lines file (or a JSON array). Raises InputError naming file and row.

    passed_over: gets a line for each row that cannot be used, if the settings let such rows be passed over.
    """
    path, prompts, lines = settings.path, [], list[str]()
    for place, row in read_rows(path, settings.on_error, lines):
        with passing_over(path, settings.on_error, lines):
            fields = _with_input(path, place, row, settings)
            prompts.append(validated(path, place, PromptRow, fields).as_prompt(_set(path), f"{path.name}: {place}"))
    selected = _select(path, prompts, [p.prompt_id for p in prompts], settings, lines)
    if passed_over is not None:
        passed_over += lines
    return tuple(selected)


def read_answers(
    settings: ResponseSettings, prompts: tuple[Prompt, ...] = (), passed_over: list[str] | None = None
) -> tuple[Answer, ...]:
    """The answers of a file: JSON (AlignTDS, URIAL, just-eval), JSON Lines, CSV, TSV, Parquet, or a dataset on the hub.

    A row whose prompt equals one of `prompts`, word for word, gets the id and tags of that prompt. What of a
    text is a special token is for the model to say (measure/answers.py).
    passed_over: as in `read_prompts`.
    """
    path, lines = settings.path or Path(settings.hub or ""), list[str]()
    by_text: dict[str, list[Prompt]] = {}
    for prompt in prompts:
        by_text.setdefault(prompt.text, []).append(prompt)
    answers, given = list[Answer](), list[str]()
    for place, raw in read_rows(path, settings.on_error, lines) if settings.path else read_dataset(settings):
        with passing_over(path, settings.on_error, lines):
            row = validated(path, place, AnswerRow, with_usual_names(path, place, raw, settings))
            same = by_text.get(row.prompt)  # prompts with equal text are used in turn
            prompt = row.as_prompt(_set(path), f"{path.name}: {place}")
            if same:
                prompt = replace(same[0], input=row.input or same[0].input)
            text = _only(path, place, row.answer)
            if not text and prompt.prompt_id not in settings.leave_out:
                name = json.dumps(prompt.prompt_id)
                raise InputError(f"{path}: {place}: the answer is empty; skip it with leave_out: [{name}]")
            answers.append(Answer(prompt, text, f"{path.name}: {place}"))
            given.append(str(row.id))
            if same:
                del same[0]
    _check_differ(path, given)  # whether or not the prompts' own ids take their place
    selected = _select(path, answers, [a.prompt.prompt_id for a in answers], settings, lines)
    if passed_over is not None:
        passed_over += lines
    return tuple(selected)


def _with_input(path: Path, place: str, row: Any, settings: PromptSettings) -> Any:
    """The row with its `input` from the column that the settings name, or without one."""
    if not isinstance(row, dict):
        return row
    rest = {key: value for key, value in row.items() if key != "input"}
    return rest | own_input(path, place, row, settings.columns)


def _set(path: Path) -> str:
    """The name of a prompt set: its file's, without suffixes that tell the format."""
    return (path.with_suffix("") if path.suffix.lower() == ".gz" else path).stem


def _only(path: Path, place: str, answer: str | list[str]) -> str:
    """The answer of a row. Raises InputError if it has several."""
    texts = [answer] if isinstance(answer, str) else answer
    if len(texts) > 1:
        raise InputError(f"{path}: {place}: {len(texts)} answers; take the first of each row with answers: first")
    return "".join(texts)


def _select(
    path: Path, items: list[Any], ids: list[str], settings: PromptSettings | ResponseSettings, passed_over: list[str]
) -> list[Any]:
    """The items without those to leave out, up to the limit. Raises InputError for an id given twice."""
    _check_differ(path, ids)
    if not items:
        raise InputError(f"{path}: no row can be used; the first: {passed_over[0]}")
    unknown = [name for name in settings.leave_out if name not in ids]
    if unknown:
        raise InputError(f"{path}: leave_out names {unknown[0]!r}, but no row has this id")
    rest = [item for item, name in zip(items, ids, strict=True) if name not in settings.leave_out][: settings.limit]
    if not rest:
        raise InputError(f"{path}: leave_out leaves no row")
    return rest


def _check_differ(path: Path, ids: list[str]) -> None:
    earlier: set[str] = set()
    for name in ids:
        if name in earlier:
            raise InputError(f"{path}: two rows have the id {name!r}; ids must differ")
        earlier.add(name)
