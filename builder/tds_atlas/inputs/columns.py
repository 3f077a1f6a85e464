"""The columns of a file of answers under the usual names: id, prompt, answer, and the tags of the prompt.

Files as tools write them: AlignTDS, URIAL, just-eval, Alpaca and Dolly, OpenAI messages, ShareGPT, preference pairs.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tds_atlas.domain import InputError, printable
from tds_atlas.inputs.settings import InputColumn, ResponseSettings

_USUAL = {  # the columns that may hold each, the likeliest first
    "id": ("id", "prompt_id"),
    "prompt": ("prompt", "pure_input", "instruction", "question"),
    "answer": ("answer", "output", "response", "completion"),
    "input": (),  # read only where the settings name it
}
_CONVERSATIONS = ("messages", "conversations", "conversation")
_MATTER = ("input", "context")  # of Alpaca and Dolly: what an `instruction` is about
_TASKS, _TOPICS = ("tasks", "task", "task_types", "task_type", "tags", "tag"), ("topics", "topic")
_HARM = ("safety", "regular")  # values of just-eval's `category`; any other is a task
_TURN = (("role", "from"), ("content", "value"))  # of OpenAI and of ShareGPT
_ROLES = {"human": "user", "prompter": "user", "gpt": "assistant", "model": "assistant", "chatgpt": "assistant"}
_SHOWN = 20  # columns named in a message

Turns = list[tuple[str, str]]  # who speaks, and what


def with_usual_names(path: Path, place: str, row: Any, settings: ResponseSettings) -> Any:
    """The row with columns named like the fields of `AnswerRow`; a row without an id is numbered by its place."""
    if not isinstance(row, dict):
        return row
    where = f"{path}: {place}"
    fields: dict[str, Any] = {"id": place.split()[-1]} | _tags(row) | own_input(path, place, row, settings.columns)
    columns = {name: _column(where, name, row, getattr(settings.columns, name)) for name in _USUAL if name != "input"}
    if columns["id"] is not None:
        fields["id"] = row[columns["id"]]
    question, answer = row[columns["prompt"]], row[columns["answer"]]
    turns = [_turns(where, value) for value in (question, answer)]
    fields["prompt"] = _with_matter(columns["prompt"], row) if turns[0] is None else _question(where, turns[0])
    fields["answer"] = answer if turns[1] is None else _reply(where, turns[1], fields["prompt"])
    if isinstance(answer, list) and turns[1] is None and settings.answers == "first":
        fields["answer"] = answer[:1]
    return fields


def own_input(path: Path, place: str, row: Mapping[str, Any], columns: InputColumn) -> dict[str, Any]:
    """The row's own text before the answer, where a column is named for it. Raises InputError if it is empty."""
    if columns.input is None:
        return {}
    text = row[_column(f"{path}: {place}", "input", row, columns.input)]
    if text in (None, ""):
        raise InputError(f"{path}: {place}: input: empty; it holds all that the model read before the answer")
    return {"input": text}


def _column(where: str, name: str, row: Mapping[str, Any], custom: str | None) -> Any:
    """The column for a field; None if there is none for the id. A column that is null is taken only if no other is."""
    usual = _USUAL[name] if name == "id" else (*_USUAL[name], *_CONVERSATIONS)
    candidates = (custom,) if custom else usual
    present = [key for key in candidates if key in row]
    key = next((key for key in present if row[key] is not None), present[0] if present else None)
    if key is None and (name != "id" or custom):
        names = [*map(str, row)][:_SHOWN] + ["..."] * (len(row) > _SHOWN)
        raise InputError(
            f"{where}: no column {custom or ' or '.join(_USUAL[name])} for the {name} "
            f"(columns: {printable(', '.join(names)) or 'none'}); name it with columns: {{{name}: ...}}"
        )
    return key


def _tags(row: Mapping[str, Any]) -> dict[str, Any]:
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


def _with_matter(column: str, row: Mapping[str, Any]) -> Any:
    """The prompt of a row: of an `instruction`, also what it is about, unless that is the prompt as a model saw it."""
    prompt = row[column]
    if column != "instruction" or not isinstance(prompt, str):
        return prompt
    matter = next((row[key] for key in _MATTER if isinstance(row.get(key), str) and row[key].strip()), "")
    return prompt if not matter or prompt in matter else f"{prompt}\n\n{matter}"


def _turns(where: str, value: Any) -> Turns | None:
    """Who says what in a conversation, without empty system turns; None if the value is no conversation."""
    if not isinstance(value, list) or not value or not all(isinstance(turn, dict) for turn in value):
        return None
    turns = []
    for turn in value:
        role, text = (turn.get(a) if turn.get(a) is not None else turn.get(b) for a, b in _TURN)
        if isinstance(text, list) and all(isinstance(part, dict) and part.get("type") == "text" for part in text):
            text = "".join(str(part.get("text", "")) for part in text)
        if not isinstance(role, str) or not isinstance(text, str):
            raise InputError(f"{where}: a turn of a conversation has role and content (or from and value), both text")
        turns.append((_ROLES.get(role, role), text))
    return [(role, text) for role, text in turns if role != "system" or text.strip()]


def _question(where: str, turns: Turns) -> str:
    if [role for role, _ in turns] not in (["user"], ["user", "assistant"]):
        raise _several(where, turns)
    return turns[0][1]


def _reply(where: str, turns: Turns, prompt: str) -> str:
    roles = [role for role, _ in turns]
    if roles not in (["assistant"], ["user", "assistant"]):
        raise _several(where, turns)
    if roles[0] == "user" and turns[0][1].strip() != prompt.strip():
        raise InputError(f"{where}: the conversation of the answer asks something other than the prompt")
    return turns[-1][1]


def _several(where: str, turns: Turns) -> InputError:
    roles = ", ".join(role for role, _ in turns[:6])
    return InputError(
        f"{where}: a conversation of {len(turns)} turns ({printable(roles)[:80]}); only one question of the user and "
        "one answer of the assistant are read: no system turn (write it into a context), no further turns"
    )
