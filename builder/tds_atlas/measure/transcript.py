"""Turns as a chat template takes them, as a transcript for other contexts, and whether a text holds them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tds_atlas.domain import Turn, Turns

_THOUGHT = "</think>"  # templates leave the thinking of earlier turns out
_NAMES = {"tools": "Tools", "system": "System", "developer": "System", "user": "User", "assistant": "Assistant"}


def whole(prompt: str | Turns) -> Turns:
    """All turns; a text alone is the user's."""
    return (Turn("user", prompt),) if isinstance(prompt, str) else prompt


def shown(prompt: str | Turns) -> str:
    """The beginning of the last turn, for messages."""
    return whole(prompt)[-1].text[:40]


def texts_of(prompt: str | Turns) -> str:
    """All that the turns say, as one text."""
    return "\n".join(f"{turn.text}\n{turn.more}" if turn.more else turn.text for turn in whole(prompt))


def transcript(turns: Turns) -> str:
    """What stands in place of {prompt} in a template: the text of a single turn of the user, else all turns with names.

    An empty line stands between two turns; a tool call is written as JSON below what the assistant says.
    """
    if len(turns) == 1 and turns[0].role == "user":
        return turns[0].text
    return "\n\n".join(f"{_NAMES.get(turn.role, 'Tool')}: {_with_calls(turn)}" for turn in turns)


def hidden(turns: Turns, hide: Callable[[str], str]) -> Turns:
    """The turns with the text of special tokens hidden, in the arguments of tool calls, too."""
    return tuple(
        replace(turn, text=hide(turn.text), more=_dumped(_mapped(json.loads(turn.more), hide)) if turn.more else "")
        for turn in turns
    )


def messages_of(turns: Turns, parts: bool, as_text: bool) -> tuple[list[dict[str, Any]], list[Any]]:
    """The messages, and the tools that the first turn may define.

    parts: content as a list of parts. as_text: the arguments of tool calls as JSON text.
    """
    tools = json.loads(turns[0].text) if turns[0].role == "tools" else []
    messages = []
    for turn in turns[bool(tools) :]:
        more = json.loads(turn.more) if turn.more else {}
        if as_text:
            more = (
                more | {"tool_calls": [_argued(call) for call in more["tool_calls"]]} if "tool_calls" in more else more
            )
        messages.append(
            {"role": turn.role, "content": [{"type": "text", "text": turn.text}] if parts else turn.text} | more
        )
    return messages, tools


def missing(turn: Turn, text: str) -> tuple[str, str] | None:
    """What of a turn a rendering leaves out: who says it, and what; None if it is all there."""
    if turn.role == "tools":
        return next((("tool", name) for name in _names(json.loads(turn.text)) if name not in text), None)
    said = turn.text.rpartition(_THOUGHT)[2].strip() if turn.role == "assistant" else turn.text.strip()
    who = {"system": "system message", "user": "user", "assistant": "assistant's turn"}.get(turn.role, turn.role)
    if said not in text and _dumped(said)[1:-1] not in text:
        return who, said
    calls = json.loads(turn.more).get("tool_calls", []) if turn.more else []
    return next((("tool call", name) for name in _names(calls) if name not in text), None)


def _names(functions: Any) -> list[str]:
    found = (f.get("function", f) if isinstance(f, dict) else {} for f in functions if isinstance(functions, list))
    return [f["name"] for f in found if isinstance(f, dict) and isinstance(f.get("name"), str)]


def _with_calls(turn: Turn) -> str:
    calls = json.loads(turn.more).get("tool_calls") if turn.more else None
    return "\n".join(filter(None, [turn.text, _dumped(calls) if calls else ""]))


def _argued(call: Any) -> Any:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or isinstance(function.get("arguments"), str):
        return call
    return call | {"function": function | {"arguments": _dumped(function.get("arguments", {}))}}


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _mapped(inner, change) for key, inner in value.items()}
    return [_mapped(inner, change) for inner in value] if isinstance(value, list) else value


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
