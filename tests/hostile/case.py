"""One malformed input: a project, one damage, one command, and what must come of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Damage = Callable[[Path], Any]
CHECK, SCORE, STORE = (tuple(f"{verb} -r report.yml".split()) for verb in ("check", "score", "store"))
COLUMNS = ("tried", "one line", "right", "traceback", "silent", "hang", "lost")
SECONDS = 20


@dataclass(frozen=True)
class Case:
    """`line` is what the one line on stderr must match; without it the command must end well."""

    kind: str
    name: str
    damage: Damage
    command: tuple[str, ...] = CHECK
    line: str = ""
    seed: str = "plain"  # the project that is damaged; see seeds.py
    either: bool = False  # what may be read, too: the end must be good, or that one line
    equal: bool = False  # if it ends well, tables (of `store`) or output must be those of the sound project
    seconds: int = SECONDS


@dataclass(frozen=True)
class Outcome:
    """What a command did."""

    code: int | None  # None: it had not ended in time
    out: str
    err: str
    lost: tuple[str, ...]  # files of the user that have other bytes now, or none
    same: bool = True  # as in the sound run, where that is compared

    @property
    def lines(self) -> list[str]:
        """What was said on stderr, without the line that each finished step leaves behind."""
        return [line for line in self.err.splitlines() if not re.fullmatch(_STEP, line)]

    @property
    def in_one_line(self) -> bool:
        return self.code == 2 and len(self.lines) == 1 and self.lines[0].startswith("tds: ")


_STEP = r".*\s[\d,]+ \w+ +[\d.]+ s.*|.*; it is measured anew|.* is up to date"


def verdict(case: Case, outcome: Outcome) -> dict[str, bool]:
    """The case's row of the table."""
    good, one = outcome.code == 0 and outcome.same, outcome.in_one_line
    right = one and bool(case.line) and re.search(case.line, outcome.lines[0]) is not None
    may_end_well = case.either or not case.line
    return {
        "tried": True,
        "one line": one,
        "right": right or (good and may_end_well),
        "traceback": outcome.code not in (0, 2, None) or "Traceback (most" in outcome.err,
        "silent": outcome.code == 0 and not (good and may_end_well),
        "hang": outcome.code is None,
        "lost": bool(outcome.lost),
    }


def failed(row: dict[str, bool]) -> bool:
    return not row["right"] or any(row[name] for name in COLUMNS[3:])


def table(rows: dict[str, list[dict[str, bool]]]) -> Iterator[str]:
    """Markdown: a line for each kind, and the sums."""
    yield "| kind | " + " | ".join(COLUMNS) + " |"
    yield "|---|" + "---:|" * len(COLUMNS)
    for kind, made in [*rows.items(), ("all", [row for part in rows.values() for row in part])]:
        yield f"| {kind} | " + " | ".join(str(sum(row[name] for row in made)) for name in COLUMNS) + " |"


def edit(path: str, change: Callable[[bytes], bytes]) -> Damage:
    """Other bytes in a file of the project."""

    def damage(project: Path) -> None:
        file = project / path
        file.write_bytes(change(file.read_bytes() if file.is_file() else b""))

    return damage


def put(path: str, content: str | bytes) -> Damage:
    return edit(path, lambda _: content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))


def remove(path: str) -> Damage:
    return lambda project: (project / path).unlink()


def both(*damages: Damage) -> Damage:
    def damage(project: Path) -> None:
        for one in damages:
            one(project)

    return damage


def nothing(project: Path) -> None:
    """The project stays sound."""
