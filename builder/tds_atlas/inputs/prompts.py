"""Prompts and existing answers from files. Knows neither tokenizer nor model: text in, text out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from tds_atlas.domain import Answer, InputError, Prompt
from tds_atlas.inputs.fields import AnswerRow, PromptRow, passing_over, validated
from tds_atlas.inputs.formats import PLAIN, Reading, read_answer_row, read_prompt_row
from tds_atlas.inputs.known import Known, prompts_of
from tds_atlas.inputs.recordings import Names, is_export
from tds_atlas.inputs.rows import read_dataset, read_rows
from tds_atlas.inputs.settings import PromptSettings, ResponseSettings
from tds_atlas.inputs.token_text import Decode, exported_answer

Item = TypeVar("Item", Prompt, Answer)


def read_prompts(
    settings: PromptSettings, passed_over: list[str] | None = None, files: list[str] | None = None
) -> tuple[Prompt, ...]:
    """The prompts of a file: rows of id and prompt, or those of another tool. Raises InputError naming file and row.

    passed_over: gets a line for each row that cannot be used, if the settings let such rows be passed over.
    files: gets a line that says what the file's rows are.
    """
    path, lines, kinds, rows = settings.path, list[str](), Counter[str](), list[list[Prompt]]()
    for place, raw in read_rows(path, settings.on_error, lines):
        with passing_over(path, settings.on_error, lines):
            where = f"{path}: {place}"
            read = read_prompt_row(where, raw, settings) if isinstance(raw, dict) else Reading(PLAIN, raw)
            base = validated(path, place, PromptRow, read.fields).as_prompt(_set(path), f"{path.name}: {place}")
            rows.append(prompts_of(base, read))
            kinds[read.kind] += 1
    _check_differ(path, [prompt.prompt_id for row in rows for prompt in row])
    selected = _select(path, rows, settings, lines)
    if passed_over is not None:
        passed_over += lines
    if files is not None:
        files.append(_said(path.name, kinds, selected, ""))
    return tuple(selected)


def read_answers(
    settings: ResponseSettings,
    prompts: tuple[Prompt, ...] = (),
    passed_over: list[str] | None = None,
    files: list[str] | None = None,
    decode: Decode | None = None,
) -> tuple[Answer, ...]:
    """The answers of a file, or of a dataset on the hub; its rows may be those of another tool.

    A row whose prompt equals one of `prompts`, word for word, gets the id and tags of that prompt. What of a
    text is a special token is for the model to say (measure/answers.py).
    passed_over, files: as in `read_prompts`. decode: ids as text, for files that hold ids.
    """
    path, lines = settings.path or Path(settings.hub or ""), list[str]()
    by_id, known = {prompt.prompt_id: prompt for prompt in prompts}, Known(path, prompts, settings.leave_out)
    kinds, rows, names = Counter[str](), list[list[Answer]](), Names()
    for place, raw in read_rows(path, settings.on_error, lines) if settings.path else read_dataset(settings):
        with passing_over(path, settings.on_error, lines):
            where = f"{path}: {place}"
            if decode is not None and isinstance(raw, dict) and is_export(raw):
                rows.append([exported_answer(place, raw, settings, decode, names)])
                kinds["token exports"] += 1
                continue
            read = read_answer_row(where, raw, settings, by_id) if isinstance(raw, dict) else Reading(PLAIN, raw)
            row = validated(path, place, AnswerRow, read.fields)
            rows.append(known.answers(where, str(row.id), _answers(path, place, row, read, settings)))
            kinds[read.kind] += 1
    selected = _select(path, rows, settings, lines)
    if passed_over is not None:
        passed_over += lines
    if files is not None:
        count = f", {len(selected):,} answers" if len(selected) != len({a.prompt.prompt_id for a in selected}) else ""
        files.append(_said(path.name, kinds, [answer.prompt for answer in selected], count))
    return tuple(selected)


def named_apart(
    answers: Mapping[str, Sequence[Answer]], prompts: Iterable[Prompt], files: list[str]
) -> dict[str, tuple[Answer, ...]]:
    """The answers of each source, where a row without an id does not have the number of another prompt elsewhere.

    A row without an id is named by its place in its file. Where that is another prompt's name in an earlier file, all
    such rows get the names of the same prompts there, else the source's name before their own.
    files: gets a line for each source of which this is so.
    """
    found, known = dict[str, tuple[Answer, ...]](), {prompt.prompt_id: prompt for prompt in prompts}
    for source, own in answers.items():
        numbered = {a.prompt.prompt_id: a.prompt for a in own if _is_numbered(a.prompt)}
        if any(name in known and known[name].whole != prompt.whole for name, prompt in numbered.items()):
            there = {prompt.whole: name for name, prompt in known.items()}
            names = {name: there.pop(p.whole, f"{source}:{name}") for name, p in numbered.items()}
            own = [replace(a, prompt=replace(a.prompt, prompt_id=_name(names, a.prompt))) for a in own]
            first, new = next((old, new) for old, new in names.items() if old != new)
            files.append(f"{source}: rows without ids have the numbers of another file's; {first} is {new} here")
        found[source] = tuple(own)
        known = {a.prompt.prompt_id: a.prompt for a in own} | known
    return found


def _is_numbered(prompt: Prompt) -> bool:
    """Whether its name is its place in the file, with whatever tells the prompts of one row apart."""
    return re.split("[@#]", prompt.prompt_id)[0] == prompt.place.rpartition(" ")[2]


def _name(names: Mapping[str, str], prompt: Prompt) -> str:
    return names.get(prompt.prompt_id, prompt.prompt_id)


def united(report: Path, prompts: Iterable[Prompt]) -> dict[str, Prompt]:
    """The prompts of all files of a report by id. Raises InputError for two under one id."""
    by_id: dict[str, Prompt] = {}
    for prompt in prompts:
        first = by_id.setdefault(prompt.prompt_id, prompt)
        if first.whole != prompt.whole:
            raise InputError(
                f"{report}: two prompts have the id {prompt.prompt_id!r}, one from {first.set}, another from "
                f"{prompt.set}; change the ids in one of the files"
            )
        if None not in (first.input, prompt.input) and first.input != prompt.input:
            raise InputError(
                f"{report}: the prompt {prompt.prompt_id!r} has two inputs; score files of rows with different "
                "inputs in reports of their own"
            )
        own_input, opening = first.input or prompt.input, first.conversation or prompt.conversation
        by_id[prompt.prompt_id] = replace(first, input=own_input, conversation=opening)
    return by_id


def _answers(path: Path, place: str, row: AnswerRow, read: Reading, settings: ResponseSettings) -> list[Answer]:
    """The answers of a row to its own prompts."""
    at = f"{path.name}: {place}"
    base = row.as_prompt(_set(path), at)
    if read.known is not None:
        base = replace(read.known, place=at, input=row.input or read.known.input)
    if read.exchanges:
        asked = zip(read.exchanges, prompts_of(base, read), strict=True)
        return [
            Answer(p, e.answer, at, "" if f"#{e.sample}" in p.prompt_id else e.sample, e.thinking) for e, p in asked
        ]
    texts = [row.answer] if isinstance(row.answer, str) else row.answer or [""]
    if len(texts) > 1 and settings.answers == "only":
        raise InputError(f"{path}: {place}: {len(texts)} answers; measure each with answers: all, or the first: first")
    texts = texts[:1] if settings.answers == "first" else texts
    return [Answer(base, text, at, str(n) if n > 1 else "") for n, text in enumerate(texts, 1)]


def _set(path: Path) -> str:
    """The name of a prompt set: its file's, without suffixes that tell the format."""
    return (path.with_suffix("") if path.suffix.lower() in (".gz", ".zst") else path).stem


def _said(name: str, kinds: Counter[str], prompts: Sequence[Prompt], answers: str) -> str:
    """What a file was found to hold, in a line."""
    rows = ", ".join(f"{kind}, {count:,} rows" for kind, count in kinds.most_common())
    unique = {prompt.prompt_id: prompt for prompt in prompts}.values()
    several = sum(len(prompt.turns) > 1 for prompt in unique)
    systems = sum(any(turn.role == "system" for turn in prompt.turns) for prompt in unique)
    later = sum(bool(prompt.later) for prompt in unique)
    more = f", {several:,} prompts with several turns" if several else ""
    more += f", {systems:,} with a system message" if systems else ""
    more += f", {later:,} whose further questions are asked only behind ready answers" if later and not answers else ""
    return f"{name}: {rows}{answers}{more}"


def _select(
    path: Path, rows: list[list[Item]], settings: PromptSettings | ResponseSettings, passed_over: list[str]
) -> list[Item]:
    """What the rows hold without what is to be left out, up to the limit of rows."""
    if not rows:
        raise InputError(f"{path}: no row can be used; the first: {passed_over[0]}")
    names = {name for row in rows for item in row for name in _names(item)}
    unknown = [name for name in settings.leave_out if name not in names]
    if unknown:
        raise InputError(f"{path}: leave_out names {unknown[0]!r}, but no row has this id")
    leave_out = set(settings.leave_out)
    rest = [kept for row in rows if (kept := [item for item in row if not _names(item) & leave_out])]
    if not rest:
        raise InputError(f"{path}: leave_out leaves no row")
    return [item for row in rest[: settings.limit] for item in row]


def _names(item: Prompt | Answer) -> set[str]:
    """The names under which an item can be left out: its prompt's, its own."""
    return {item.prompt_id} if isinstance(item, Prompt) else {item.prompt.prompt_id, item.answer_id}


def _check_differ(path: Path, ids: list[str]) -> None:
    earlier: set[str] = set()
    for name in ids:
        if name in earlier:
            raise InputError(f"{path}: two rows have the id {name!r}; ids must differ")
        earlier.add(name)


def check_sample_names(path: Path, prompts: Sequence[Prompt], samples: int) -> None:
    """Raises InputError if a prompt has the name that a further answer to another one will have."""
    names = {prompt.prompt_id for prompt in prompts}
    for name in names if samples > 1 else ():
        taken = next((other for n in range(2, samples + 1) if (other := f"{name}#{n}") in names), None)
        if taken:
            problem = f"the id {taken!r} is also the name of a sample of {name!r}"
            raise InputError(f"{path}: {problem}; change it, or lower generate.samples")
