"""The conversation around a prompt on its example pages: each turn is shown on all of them, and searched for on one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import duckdb

from tds_atlas.report import query

Row = dict[str, Any]
_OPEN = 2_000  # characters of earlier turns that are shown unfolded
_NAMES = {"tools": "tools", "system": "system", "developer": "system", "user": "user", "assistant": "assistant"}


def conversations(con: duckdb.DuckDBPyConnection, prompts: Sequence[str]) -> dict[str, list[Row]]:
    """The turns of those prompts that have more than one, by prompt."""
    found: dict[str, list[Row]] = {}
    for row in query.rows(con, "pages/turns", prompts=list(dict.fromkeys(prompts))):
        found.setdefault(row["prompt_id"], []).append(row)
    return found


class Shown:
    """The turns that earlier pages have shown, each behind all turns before it."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def around(self, example: Row, turns: Sequence[Row]) -> Row:
        """The turns before and behind the user's last, which is the page's heading."""
        last = max((i for i, turn in enumerate(turns) if turn["speaker"] == "user"), default=len(turns) - 1)
        told, rows = "", list[Row]()
        for turn in turns:
            told = _told(told, turn["speaker"], turn["text"], turn["more"])
            more = f"{turn['text']}\n{_calls(turn['more'])}".strip() if turn["more"] else turn["text"]
            speaker = _NAMES.get(turn["speaker"], "tool")
            rows.append({"speaker": speaker, "text": more, "searched": told not in self._seen})
            self._seen.add(told)
        if turns:  # the next turn's earlier ones, where each answer of a conversation has a page
            self._seen.add(_told(told, "assistant", example["answer"], None))
        before, behind = rows[: max(last, 0)], rows[last + 1 :]
        is_short = sum(len(row["text"]) for row in before) <= _OPEN
        return {
            "before": before,
            "behind": behind,
            "is_short": is_short,
            "speaker": rows[last]["speaker"] if rows else "",
        }


def earlier_texts(con: duckdb.DuckDBPyConnection, examples: Sequence[Row]) -> dict[str, str]:
    """What search finds on the page of each response besides prompt and answer: turns that no page before it has."""
    shown, texts = Shown(), dict[str, str]()
    turns = conversations(con, [e["prompt_id"] for e in examples])
    for e in examples:
        around = shown.around(e, turns.get(e["prompt_id"], []))
        texts.setdefault(
            e["response_id"], "\n".join(t["text"] for t in around["before"] + around["behind"] if t["searched"])
        )
    return texts


def _told(before: str, speaker: str, text: str, more: str | None) -> str:
    return hashlib.sha256(json.dumps([before, speaker, text, more]).encode()).hexdigest()[:24]


def _calls(more: str) -> str:
    """The tool calls of a turn; other fields say nothing to a reader."""
    try:
        calls = json.loads(more).get("tool_calls")
    except (ValueError, AttributeError):
        return ""
    return json.dumps(calls, ensure_ascii=False) if calls else ""
