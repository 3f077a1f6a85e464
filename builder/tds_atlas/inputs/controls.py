"""Controls: what was planted in a model on purpose, so that a report can say what of it is found. From a YAML file.

Its keys are comparisons; each maps to `values` (by prompt, what the answer was taught to state), a `phrase` that was
never used before, a `topic` or a `task` whose answers are others now, the `depth` of refusals, or to {}: nothing was
planted.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tds_atlas.domain import InputError, Prompt, printable
from tds_atlas.inputs.plain_yaml import read_yaml

VALUES, PHRASE, TAGS = "values", "phrase", ("topic", "task")
DEPTH, DEPTHS = "depth", ("none", "shallow", "deep")  # of refusals: of the probe of recovery
_KNOWN = (VALUES, PHRASE, *TAGS, DEPTH)


@dataclass(frozen=True)
class Planted:
    """One thing that was planted in the aligned model of a comparison."""

    comparison_id: str
    kind: str  # value, phrase, topic, task, depth, nothing
    planted: str | None  # the value, the phrase, the tag or the depth
    prompt_id: str | None = None  # of a value: whose answer was taught to state it


def read_controls(path: Path, comparisons: Container[str], prompts: Mapping[str, Prompt]) -> tuple[Planted, ...]:
    """Read a file of controls. Raises InputError naming the file and the key."""
    raw = read_yaml(path)
    if not isinstance(raw, dict) or not raw:
        raise InputError(f"{path}: a file of controls maps comparisons of the report to what was planted in them")
    raw = {_text(name): planted for name, planted in raw.items()}
    for name, planted in raw.items():
        if name not in comparisons:
            raise _error(path, name, "the report has no comparison with this id")
        if not isinstance(planted, dict) or not planted.keys() <= set(_KNOWN):
            raise _error(path, name, f"give {', '.join(_KNOWN)} of what was planted, or {{}} for nothing")
    return tuple(row for name, planted in raw.items() for row in _rows(path, name, planted, prompts))


def _rows(path: Path, name: str, planted: dict[str, Any], prompts: Mapping[str, Prompt]) -> Iterator[Planted]:
    if not planted:
        yield Planted(name, "nothing", None)
    if VALUES in planted:
        yield from _values(path, f"{name}.{VALUES}", name, planted[VALUES], prompts)
    if PHRASE in planted:
        phrase = planted[PHRASE]
        if not isinstance(phrase, str) or not any(c.isalpha() for c in phrase):
            raise _error(path, f"{name}.{PHRASE}", "must be text with a word in it")
        yield Planted(name, PHRASE, phrase)
    for kind in (kind for kind in TAGS if kind in planted):
        tag = planted[kind]
        if all(tag not in getattr(prompt, f"{kind}s") for prompt in prompts.values()):
            raise _error(path, f"{name}.{kind}", f"no prompt of the report has this {kind}")
        yield Planted(name, kind, tag)
    if DEPTH in planted:
        if planted[DEPTH] not in DEPTHS:
            raise _error(path, f"{name}.{DEPTH}", f"must be one of {', '.join(DEPTHS)}")
        yield Planted(name, DEPTH, planted[DEPTH])


def _values(path: Path, key: str, name: str, values: Any, prompts: Mapping[str, Prompt]) -> Iterator[Planted]:
    if not isinstance(values, dict) or not values:
        raise _error(path, key, "must map ids of prompts to the values that their answers were taught to state")
    for prompt_id, value in ((_text(name), value) for name, value in values.items()):
        if prompt_id not in prompts or not prompts[prompt_id].truths:
            raise _error(path, f"{key}.{prompt_id}", "the report has no prompt with this id that has truths")
        if not isinstance(value, str) or not value.strip():
            raise _error(path, f"{key}.{prompt_id}", "must be the value as text; write it in quotes")
        yield Planted(name, "value", value, prompt_id)


def _text(name: Any) -> str:
    """An id, which YAML reads as a number where it is made of digits."""
    return str(name)


def _error(path: Path, key: Any, problem: str) -> InputError:
    return InputError(f"{path}: {printable(str(key)[:160])}: {problem}")
