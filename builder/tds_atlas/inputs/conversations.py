"""Conversations cut into exchanges: an answer of the assistant with all turns before it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tds_atlas.domain import InputError, Turn, Turns, printable
from tds_atlas.inputs.segments import thinks
from tds_atlas.inputs.turns import replies, tools_turn

Measured = Literal["last", "all"]
_SHOWN = 6  # roles named in a message


@dataclass(frozen=True)
class Exchange:
    """An answer and the turns before it."""

    turns: Turns
    answer: str
    sample: str = ""  # its name among several answers of the row
    number: int = 0  # which of the assistant's turns it is, where each is measured
    is_last: bool = True  # of its conversation
    thinking: str = ""  # before the answer, where the file keeps it apart


def exchanges_of(where: str, sample: str, whole: Turns, measured: Measured) -> list[Exchange]:
    """The last answer of a conversation, or each. What follows an answer plays no part in it.

    Where each is measured, turns of the assistant without text are passed over: they call tools, and are read as such.
    """
    places = replies(whole)
    if not places:
        roles = printable(", ".join(turn.role for turn in whole[:_SHOWN]))
        what = "no turn of the assistant behind one of the user"
        raise InputError(f"{where}: a conversation of {len(whole)} turns ({roles}) holds no answer: {what}")
    if measured == "last":
        last = whole[places[-1]]
        if not last.text and "tool_calls" in last.more:
            raise InputError(f"{where}: the last turn of the assistant calls a tool and says nothing; set turns: all")
        return [Exchange(whole[: places[-1]], last.text, sample, thinking=_thinking(last))]
    spoken = [i for i in places if whole[i].text] or places[-1:]
    several = len(spoken) > 1
    return [
        Exchange(whole[:i], whole[i].text, sample, n * several, n == len(spoken), _thinking(whole[i]))
        for n, i in enumerate(spoken, 1)
    ]


def _thinking(turn: Turn) -> str:
    """The reasoning_content of a turn, unless its text carries its thinking already."""
    thinking = json.loads(turn.more).get("reasoning_content") if turn.more else None
    return thinking if isinstance(thinking, str) and not thinks(turn.text) else ""


def questions_of(where: str, turns: Turns, measured: Measured) -> tuple[Exchange, ...]:
    """The prompts in a conversation: all before the answer that it ends with, or all of it; or one for each answer."""
    ends = len(turns) * (turns[-1].role != "assistant")
    cuts = [i for i in (*replies(turns), ends) if i]
    if not cuts:
        raise InputError(f"{where}: a conversation without a turn of the user before the assistant's asks nothing")
    if measured == "last":
        return (Exchange(turns[: cuts[-1]], ""),)
    return tuple(Exchange(turns[:i], "", number=n * (len(cuts) > 1)) for n, i in enumerate(cuts, 1))


def joined(where: str, question: Any, asked: Turns | None, answer: Any) -> Turns:
    """Prompt and answer as one conversation. An answer that is a whole conversation must ask what the prompt does."""
    if asked is None and isinstance(question, str):
        asked = (Turn("user", question),)
    if isinstance(answer, str):
        answer = (Turn("assistant", answer),)
    for what, given, turns in (("answer", answer, answer), ("prompt", question, asked)):
        if given is not None and not isinstance(turns, tuple):
            raise InputError(f"{where}: the {what} is neither a text nor a list of turns, each with role and content")
    if not isinstance(answer, tuple):
        raise InputError(f"{where}: the answer is missing")
    if not asked or answer == asked:
        return answer
    if answer[0].role in ("assistant", "tool"):
        if asked[-1].role == "assistant":
            raise InputError(f"{where}: the prompt ends with the assistant's turn, and the answer stands apart from it")
        return asked + answer
    said = [turn.text.strip() for turn in answer if turn.role == "user"]
    if not all(turn.text.strip() in said for turn in asked if turn.role == "user"):
        raise InputError(f"{where}: the conversation of the answer asks something other than the prompt")
    return answer


def opened(where: str, row: Mapping[str, Any], turns: Turns) -> Turns:
    """The conversation with the row's own tools and system message before it, where these stand in columns."""
    system, tools = row.get("system"), tools_turn(where, row.get("tools"))
    has = {turn.role for turn in turns}
    before = (Turn("system", system),) if isinstance(system, str) and system.strip() and "system" not in has else ()
    return (*tools, *before, *turns)
