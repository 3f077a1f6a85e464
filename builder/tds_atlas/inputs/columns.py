"""The columns of a row under the usual names: id, prompt, answer, and the tags of the prompt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tds_atlas.domain import InputError, printable
from tds_atlas.inputs.settings import PromptColumns

CONVERSATIONS = ("messages", "conversations", "conversation")
USUAL = {  # the columns that may hold each, the likeliest first
    "id": ("id", "prompt_id"),
    "prompt": ("prompt", "pure_input", "instruction", "question"),
    "answer": ("answer", "output", "response", "completion"),
    "input": (),  # read only where the settings name it
}
_MATTER = ("input", "context")  # of Alpaca and Dolly: what an `instruction` is about
_TASKS, _TOPICS = ("tasks", "task", "task_types", "task_type", "tags", "tag"), ("topics", "topic")
_HARM = ("safety", "regular")  # values of just-eval's `category`; any other is a task
_SHOWN = 20  # columns named in a message


def column(where: str, name: str, row: Mapping[str, Any], custom: str | None) -> Any:
    """The column for a field; None if there is none for the id. A column that is null is taken only if no other is."""
    usual = USUAL[name] if name == "id" else (*USUAL[name], *CONVERSATIONS)
    candidates = (custom,) if custom else usual
    present = [key for key in candidates if key in row]
    key = next((key for key in present if row[key] is not None), present[0] if present else None)
    if key is None and (name != "id" or custom):
        names = [*map(str, row)][:_SHOWN] + ["..."] * (len(row) > _SHOWN)
        raise InputError(
            f"{where}: no column {custom or ' or '.join(USUAL[name])} for the {name} "
            f"(columns: {printable(', '.join(names)) or 'none'}); name it with columns: {{{name}: ...}}"
        )
    return key


def id_of(where: str, row: Mapping[str, Any], columns: PromptColumns, further: tuple[str, ...] = ()) -> Any:
    """The row's id; its place in the file where it has none. `further` columns hold one, too."""
    usual = column(where, "id", row, columns.id) or next((key for key in further if key in row), None)
    return where.split()[-1] if usual is None else row[usual]


def own_input(where: str, row: Mapping[str, Any], columns: PromptColumns) -> dict[str, Any]:
    """The row's own text before the answer, where a column is named for it. Raises InputError if it is empty."""
    if columns.input is None:
        return {}
    text = row[column(where, "input", row, columns.input)]
    if text in (None, ""):
        raise InputError(f"{where}: input: empty; it holds all that the model read before the answer")
    return {"input": text}


def tags_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """What the row's own columns say about its prompt."""
    category = row.get("category")
    tasks = [tag for key in _TASKS for tag in _words(row.get(key))]
    if category not in _HARM:
        tasks += _words(category)
    topics = [tag for key in _TOPICS for tag in _words(row.get(key))]
    harmful = row.get("harmful") if isinstance(row.get("harmful"), bool) else None
    tags = {"tasks": tasks, "topics": topics, "truths": _words(row.get("truths"))}
    return {key: list(dict.fromkeys(words)) for key, words in tags.items()} | {"harmful": harmful, "category": category}


def _words(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [text for text in (v.strip() for v in values if isinstance(v, str)) if text]


def with_matter(name: str, row: Mapping[str, Any]) -> Any:
    """The prompt of a row: of an `instruction`, also what it is about, unless that is the prompt as a model saw it."""
    prompt = row[name]
    if name != "instruction" or not isinstance(prompt, str):
        return prompt
    matter = next((row[key] for key in _MATTER if isinstance(row.get(key), str) and row[key].strip()), "")
    return prompt if not matter or prompt in matter else f"{prompt}\n\n{matter}"
