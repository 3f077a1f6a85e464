"""Recorded log-probabilities without lists, and their columns: rows that are wrong, found before a number is stored."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from tests.hostile.case import SCORE, Case, Damage
from tests.hostile.seeds import ANSWERED, QUICK, SAID, write_report
from tests.hostile.settings import PLACES, at

Rows = list[dict[str, Any]]
Change = Callable[[Rows], Any]
_HUGE = 10**400


def _put(key: str, value: Any) -> Change:
    return lambda rows: rows[1].update({key: value})


def _one(key: str, value: Any) -> Change:
    """Another value at the second position."""
    return lambda rows: rows[1][key].__setitem__(1, value)


def _gone(key: str) -> Change:
    return lambda rows: rows[1].pop(key)


ROWS: dict[str, tuple[Change, str]] = {  # and what the line must say
    "no log-probabilities": (_gone("logprobs"), "line 2: logprobs: no list"),
    "a text for log-probabilities": (_put("logprobs", "-1 -2"), "line 2: logprobs: no list"),
    "log-probabilities of fewer tokens": (lambda rows: rows[1]["logprobs"].pop(), r"line 2: logprobs: \d+ positions"),
    "a positive one": (_one("logprobs", 0.7), "line 2: logprobs: position 1 has 0.7"),
    "none at a position": (_one("logprobs", None), "line 2: logprobs: position 1 has None"),
    "true at a position": (_one("logprobs", True), "line 2: logprobs: position 1 has True"),
    "words at a position": (_one("logprobs", "-1"), "line 2: logprobs: position 1 has -1"),
    "a list at a position": (_one("logprobs", [-1]), "line 2: logprobs: position 1 has"),
    "a huge number": (_one("logprobs", -_HUGE), "line 2: logprobs: position 1 has"),
    "a number beyond float32": (_one("logprobs", -1e300), "line 2: logprobs: position 1 has"),
    "other tokens": (_one("token_ids", 1), "line 2: token_ids: position 1 has 1, the answer"),
    "a huge id": (_one("token_ids", _HUGE), "line 2: token_ids: position 1 has"),
    "no ids": (_gone("token_ids"), "line 2: token_ids: no list"),
    "no name": (_gone("prompt_id"), "line 2: prompt_id: missing"),
    "a list as name": (_put("prompt_id", ["fox"]), "line 2: prompt_id: missing"),
    "a name twice": (_put("prompt_id", "sky"), "line 2: prompt_id: 'sky' stands in line 1, too"),
    "another name": (_put("prompt_id", "dog"), "no row with the prompt_id 'fox'"),
    "a number for ranks": (_put("ranks", 7), "line 2: ranks: "),
    "a mapping for ranks": (_put("ranks", {"1": 2}), "line 2: ranks: "),
    "ranks of fewer tokens": (_put("ranks", [1]), "line 2: ranks: 1 positions"),
    "a rank below zero": (
        lambda rows: rows[1].update(ranks=[-1] * len(rows[1]["token_ids"])),
        "line 2: ranks: position 0",
    ),
    "a rank of words": (
        lambda rows: rows[1].update(ranks=["1"] * len(rows[1]["token_ids"])),
        "line 2: ranks: position 0",
    ),
    "a huge rank": (
        lambda rows: rows[1].update(ranks=[_HUGE] * len(rows[1]["token_ids"])),
        "line 2: ranks: position 0",
    ),
    "lists in one row alone": (_put("top_ids", [[1]]), "line 2: top_ids: lists, which the first row has not"),
    "an export's mask of words": (_put("loss_mask", ["yes"]), r"line 2: loss_mask: 1 places"),
}
FILES: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "no rows"),
    "numbers": ("7\n", "(line|row) 1: not an object"),
    "lists": ("[1]\n", "(line|row) 1: "),
    "brackets": ("[" * 100_000, ": "),
    "no UTF-8": (bytes(range(128, 256)), "UTF-8"),
    "a key twice": ('{"prompt_id": "sky", "prompt_id": "fox"}\n', "line 1: "),
    "not a number": ('{"prompt_id": "sky", "token_ids": [1], "logprobs": [NaN]}\n', "line 1: "),
}


def cases() -> Iterator[Case]:
    yield Case("recordings", "sound", _changed(lambda rows: None), SCORE)
    yield Case("recordings", "a column by name", _changed(_renamed, "mine"), SCORE)
    missing = _changed(lambda rows: None, "mine")
    yield Case("recordings", "a column that is not there", missing, SCORE, line=r"said\.jsonl: line 1: mine: no list")
    for name, (change, line) in ROWS.items():
        yield Case("recordings", name, _changed(change), SCORE, line=rf"said\.jsonl: .*{line}")
    for name, (raw, line) in FILES.items():
        yield Case("recordings", name, partial(_written, raw), SCORE, line=rf"said\.jsonl.*{line}")
    for name, place in PLACES.items():
        damage = partial(_placed, at(SAID, place))
        yield Case("recordings", name, damage, SCORE, line=r"said\.jsonl: cannot be read: ")


def _renamed(rows: Rows) -> None:
    for row in rows:
        row["mine"] = row.pop("logprobs")


def _report(project: Path, column: str | None = None) -> None:
    """The aligned model's numbers are those of the file."""
    engine = {"kind": "recorded", "path": SAID} | ({"logprobs": column} if column else {})
    models: dict[str, Any] = QUICK["models"]
    sft = {"path": "sft", "engine": engine}
    write_report(project, ANSWERED | {"models": models | {"sft": sft}})


def _changed(change: Change, column: str | None = None) -> Damage:
    def damage(project: Path) -> None:
        rows = [json.loads(line) for line in (project / SAID).read_text(encoding="utf-8").splitlines()]
        change(rows)
        (project / SAID).write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
        _report(project, column)

    return damage


def _written(raw: str | bytes, project: Path) -> None:
    (project / SAID).write_bytes(raw if isinstance(raw, bytes) else raw.encode())
    _report(project)


def _placed(damage: Damage, project: Path) -> None:
    damage(project)
    _report(project)
