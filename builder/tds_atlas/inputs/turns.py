"""The turns of a conversation as files write them: OpenAI, ShareGPT, UltraChat, the transcripts of HH-RLHF."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tds_atlas.domain import ROLES, InputError, Turn, Turns, printable, text_fault

_TURN = (("role", "from"), ("content", "value"))  # of OpenAI and of ShareGPT
_SPEAKERS = {
    "human": "user",
    "prompter": "user",
    "gpt": "assistant",
    "model": "assistant",
    "bot": "assistant",
    "chatgpt": "assistant",
    "function": "tool",
    "function_call": "assistant",
    "observation": "tool",
}
_MORE = ("tool_calls", "tool_call_id", "name", "reasoning_content")  # what else templates read of a turn
_SPOKEN = re.compile(r"\n\n(Human|Assistant): ?")  # of HH-RLHF
_SHOWN = 80  # characters of a name in a message


def turns_of(where: str, value: Any) -> Turns | None:
    """The turns of a list of messages, or of a transcript; None for any other value.

    An empty system turn says nothing and is left out. Raises InputError for a turn that cannot be read.
    """
    if isinstance(value, str):
        return _transcript(where, value)
    if not isinstance(value, list) or not value or not all(isinstance(turn, dict) for turn in value):
        return None
    turns = (_message(where, turn) for turn in value)
    return tuple(turn for turn in turns if turn.role != "system" or turn.text.strip())


def in_turn(where: str, texts: Any) -> Turns | None:
    """The turns of a list of texts that user and assistant say one after the other; None for any other value."""
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        return None
    return tuple(_turn(where, "assistant" if i % 2 else "user", text, {}) for i, text in enumerate(texts))


def _transcript(where: str, text: str) -> Turns | None:
    """The turns of a text that begins with `Human:` behind an empty line, as all of them do; None for any other."""
    if not text.startswith("\n\nHuman: ") or "\n\nAssistant:" not in text:
        return None
    _, *parts = _SPOKEN.split(text)
    spoken = zip(parts[::2], parts[1::2], strict=True)
    return tuple(_turn(where, "user" if who == "Human" else "assistant", said.strip(), {}) for who, said in spoken)


def tools_turn(where: str, value: Any) -> Turns:
    """The functions that a row says can be called, as the first turn."""
    if value in (None, "", []):
        return ()
    try:
        tools = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        tools = None
    if not isinstance(tools, list) or not all(isinstance(tool, dict) for tool in tools):
        raise InputError(f"{where}: tools: not a list of functions; each is an object with its name and parameters")
    return (Turn("tools", json.dumps(_bare(tools), ensure_ascii=False)),) if tools else ()


def replies(turns: Turns) -> list[int]:
    """The places of the assistant's turns that have a turn of the user before them."""
    first = next((i for i, turn in enumerate(turns) if turn.role == "user"), len(turns))
    return [i for i, turn in enumerate(turns) if turn.role == "assistant" and i > first]


def last_of_user(turns: Sequence[Turn]) -> str:
    """The user's last turn, or the last of all where the user says nothing."""
    return next((turn.text for turn in reversed(turns) if turn.role == "user"), turns[-1].text if turns else "")


def _message(where: str, turn: Mapping[str, Any]) -> Turn:
    role, text = (turn.get(a) if turn.get(a) is not None else turn.get(b) for a, b in _TURN)
    more = {key: _bare(turn[key]) for key in _MORE if turn.get(key)}
    if text is None and "tool_calls" in more:
        text = ""
    text = _parts(where, text) if isinstance(text, list) else text
    if not isinstance(role, str) or not isinstance(text, str):
        raise InputError(f"{where}: a turn of a conversation has role and content (or from and value), both text")
    return _turn(where, role, text, more)


def _parts(where: str, parts: list[Any]) -> Any:
    """Content that is a list of parts as one text."""
    kinds = [part.get("type", "text") if isinstance(part, dict) else None for part in parts]
    other = next((kind for kind in kinds if kind != "text"), "text")
    if other != "text" and isinstance(other, str):
        what = "an image" if "image" in other else f"content of the type {printable(other)[:_SHOWN]!r}"
        raise InputError(f"{where}: a turn holds {what}; only text is measured: leave the row out, or on_error: skip")
    return "".join(str(part.get("text") or "") for part in parts) if other == "text" else None


def _turn(where: str, role: str, text: str, more: Mapping[str, Any]) -> Turn:
    role = _SPEAKERS.get(role, role)
    if role not in ROLES[1:]:
        known = ", ".join(ROLES[1:])
        raise InputError(f"{where}: a turn of {printable(role)[:_SHOWN]!r}; those who speak are {known}")
    written = json.dumps(_called(more), ensure_ascii=False, sort_keys=True) if more else ""
    fault = text_fault(text) or text_fault(written)
    if fault:
        raise InputError(f"{where}: the turn of {role}: {fault}")
    return Turn(role, text, written)


def _called(more: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of tool calls as objects, as most templates want them, where they are written as JSON text."""
    calls = more.get("tool_calls")
    if not isinstance(calls, list):
        return dict(more)
    return {**more, "tool_calls": [_with_object(call) for call in calls]}


def _with_object(call: Any) -> Any:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("arguments"), str):
        return call
    try:
        arguments = json.loads(function["arguments"])
    except ValueError:
        return call
    return {**call, "function": {**function, "arguments": arguments}} if isinstance(arguments, dict) else call


def _bare(value: Any) -> Any:
    """The value without the empty fields that a table adds to every object."""
    if isinstance(value, dict):
        return {key: _bare(inner) for key, inner in value.items() if inner is not None}
    return [_bare(inner) for inner in value] if isinstance(value, list) else value
