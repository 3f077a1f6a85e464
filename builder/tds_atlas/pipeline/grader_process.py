"""A process that runs a grader: JSON in, a line each, JSON out. Whatever a grader does to it, the run goes on.

The first line names the function; its answer says what is wrong, or null. Each further line is a row. What a grader
prints goes to standard error, so that standard output is for answers alone.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import sys
from collections.abc import Callable
from typing import Any

from tds_atlas.domain import one_line


def main() -> None:
    """Answer each line of standard input."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    asked = json.loads(sys.stdin.readline())
    grade: Callable[[dict[str, Any]], Any] | None = None
    try:
        if asked["folder"]:
            sys.path.insert(0, asked["folder"])
        module, _, function = asked["call"].partition(":")
        grade = getattr(importlib.import_module(module), function)
        said: dict[str, Any] = {"error": None if callable(grade) else f"{function} is no function"}
    except BaseException as error:
        said = {"error": named(error)}
    print(json.dumps(said), file=answers, flush=True)
    for line in sys.stdin:
        assert grade is not None
        print(json.dumps(graded(grade, json.loads(line))), file=answers, flush=True)


def graded(grade: Callable[[dict[str, Any]], Any], row: dict[str, Any]) -> dict[str, Any]:
    """What the grader says of a row: a value, or what was wrong with it."""
    try:
        value = grade(row)
        value = value.item() if hasattr(value, "item") else value  # of numpy or torch
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # what a grader raises is its own affair
        return {"error": named(error)}
    if value is None:
        return {"value": None}
    if not isinstance(value, bool | int | float):
        return {"error": f"gave {type(value).__name__}, not true, false, a number or None"}
    if not math.isfinite(value):
        return {"error": f"gave {value}, not a number"}
    return {"value": float(value), "is_yes_or_no": isinstance(value, bool)}


def named(error: BaseException) -> str:
    """The error in one line, with its kind."""
    text = one_line(error)
    return text if text == type(error).__name__ else f"{type(error).__name__}: {text}"


if __name__ == "__main__":
    main()
