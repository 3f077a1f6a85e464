"""Report files: every key of the settings with values that do not belong there, and YAML that is not plain."""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

from tds_atlas.inputs.report_file import Report
from tds_atlas.inputs.settings import Settings
from tests.hostile.case import Case, Damage, both, edit, put
from tests.hostile.seeds import REPORT, write_report

VALUES: dict[str, Any] = {
    "a list": [1],
    "a mapping": {"a": 1},
    "a number": 7,
    "a huge number": 10**30,
    "a negative number": -3,
    "a fraction": 1.5,
    "true": True,
    "nothing": None,
    "an empty text": "",
    "a long text": "x" * 70_000,
    "a NUL": "a\0b",
    "half a character": "a\ud800b",
}
_TEXTS = ("an empty text", "a long text")
_IDS = ("prompts.leave_out", "responses.given.leave_out")  # a number is an id, too


def cases() -> Iterator[Case]:
    for path, annotation in _keys(Report, ()):
        for name, value in VALUES.items():
            key, parent = ".".join(path), ".".join(path[:-1])
            shown = re.escape(key).replace(r"\.0", r"\.\d+")
            line = rf"report\.yml: ({shown}|{re.escape(parent)}: .*{path[-1]}|[a-z]+.*{path[-1]})"
            if name in ("a NUL", "half a character"):
                line = rf"report\.yml:\d+: holds {name}"
            either = _may_be(name, annotation) or (key in _IDS and name == "a list")
            yield Case("settings", f"{key}: {name}", _with(path, value), line="." if either else line, either=either)
    yield from _yaml("report.yml", "report files")
    yield from _yaml("roles.yml", "roles files")
    few = _with(("contexts", "plain"), {"kind": "few-shot", "path": "few.txt"})
    for name, place in PLACES.items():
        damage = both(few, put("few.txt", "{prompt}"), at("few.txt", place))
        yield Case("report files", f"a template: {name}", damage, line=r"few\.txt: cannot be read: ")
    for name, text in ROLES.items():
        yield Case("roles files", name, put("roles.yml", text), line=r"roles\.yml.*: ")
    yield from _yaml("controls.yml", "files of controls")
    for name, text in CONTROLS.items():
        yield Case("files of controls", name, put("controls.yml", text), line=r"controls\.yml.*: ")


def _keys(block: type[Settings], at: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every key below a block; of a mapping or a list of blocks, those of its first entry in the sound report."""
    for name, field in block.model_fields.items():
        path = (*at, name)
        yield path, field.annotation
        inner = next((k for k in _kinds(field.annotation) if isinstance(k, type) and issubclass(k, Settings)), None)
        if inner is not None:
            many = get_origin(field.annotation)
            named = list(_at(path))[:1] if many is dict else ["0"] * (many is tuple)
            if named or many is not dict:  # the sound report has no series: only the key itself is tried
                yield from _keys(inner, (*path, *named))


def _kinds(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in get_args(annotation):
        yield from _kinds(part)


def _at(path: tuple[str, ...]) -> Any:
    value: Any = REPORT
    for part in path:
        value = value[int(part)] if isinstance(value, list) else value.get(part, {})
    return value


def _with(path: tuple[str, ...], value: Any) -> Damage:
    def damage(project: Path) -> None:
        report = copy.deepcopy(REPORT)
        block: Any = report
        for part in path[:-1]:
            block = block[int(part)] if isinstance(block, list) else block.setdefault(part, {})
        block[path[-1]] = value
        write_report(project, report)

    return damage


def _may_be(name: str, annotation: Any) -> bool:
    """Whether values of that kind can belong where the annotation stands."""
    kinds = list(_kinds(annotation))
    if name == "nothing":
        return type(None) in kinds
    if name in _TEXTS:
        return str in kinds or Path in kinds or annotation in (str, Path)
    if name in ("a number", "a fraction") and float in kinds:
        return True
    return (name == "a number" and int in kinds) or (name == "a list" and "RowId" in str(annotation))


_BOMB = "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
YAML: dict[str, tuple[str | bytes, str]] = {  # the whole file, and what the line must say
    "empty": ("", ": "),
    "a comment": ("# nothing\n", ": "),
    "a list": ("- 1\n", ": "),
    "a text": ("only words\n", ": "),
    "a number": ("7\n", ": "),
    "two documents": ("a: 1\n---\nb: 2\n", r":\d+: not valid YAML"),
    "a bomb of anchors": (f"a: &a [x]\n{_BOMB}", r":\d+: more than"),
    "an anchor within itself": ("a: &a [*a]\n", r":\d+: an anchor within itself"),
    "an anchor that is not there": ("a: *gone\n", r":\d+: not valid YAML"),
    "a merge of a number": ("<<: 3\na: 1\n", r":\d+: "),
    "brackets": ("[" * 50_000, r": not valid YAML"),
    "braces": ("{a: " * 5_000, r": not valid YAML"),
    "indentation": ("\n".join(" " * i + "a:" for i in range(1000)), ": "),
    "a bracket left open": ("a: [1, 2\n", r":\d+: not valid YAML"),
    "a quote left open": ('a: "1\n', r":\d+: not valid YAML"),
    "a tab": ("a:\n\tb: 1\n", r":\d+: not valid YAML"),
    "a key twice": ("a: 1\na: 2\n", r":2: the key 'a' is given twice"),
    "a key twice, deep": ("a: {b: {c: 1, c: 2}}\n", r":1: the key 'c' is given twice"),
    "a list as key": ("? [1]\n: 2\n", ": "),
    "a number as key": ("1: 2\n", ": "),
    "nothing as key": ("~: 2\n", ": "),
    "a Python object": ("a: !!python/object/apply:os.system ['touch thesis']\n", r":1: the tag 'python/object"),
    "a Python name": ("a: !!python/name:os.system\n", r":1: the tag"),
    "bytes": ("a: !!binary aGk=\n", r":1: the tag 'binary'"),
    "a set": ("a: !!set {b}\n", r":1: the tag 'set'"),
    "a tag of its own": ("a: !mine 3\n", r":1: the tag"),
    "an unknown prefix": ("a: !x!y 3\n", r":\d+: not valid YAML"),
    "a time by tag": ("a: !!timestamp 2024-01-01\n", r":1: the tag 'timestamp'"),
    "a number by tag": ("a: !!int words\n", r":1: 'words' is not a number"),
    "a number of digits": (f"a: {'9' * 9000}\n", r":1: .* is not a number"),
    "a NUL": ("a: \0\n", ": "),
    "an escaped NUL": ('a: "\\0"\n', r":1: holds a NUL"),
    "half a character": ('a: "\\ud800"\n', r":1: holds half a character"),
    "a code for the terminal": ("a: \x1b[2J\n", ": "),
    "UTF-16": ("a: 1\n".encode("utf-16"), ": "),
    "Latin-1": ("a: é\n".encode("latin-1"), "not UTF-8"),
    "random bytes": (bytes(range(128, 256)), "not UTF-8"),
    "too long": ("a: 1\n" * 300_000, "more than"),
    "an unknown version": ("%YAML 9.9\n---\na: 1\n", ": "),
    "a zip": (b"PK\x03\x04" + bytes(200), ": "),
}
ROLES = {
    "a number for a list": "safety: 7\n",
    "a text for a list": "safety: words\n",
    "an unknown role": "knowledge: [a]\n",
    "a number among phrases": "safety: [7]\n",
    "a list among phrases": "safety: [[a]]\n",
    "an empty value": "values: ['']\n",
    "an empty phrase": "style: ['']\n",
    "only stars": "style: ['* *']\n",
    "a mapping": "style: {a: b}\n",
    "a date among phrases": "style: [{2024-01-01: x}]\n",
}
CONTROLS = {
    "a comparison that is not there": "gone: {}\n",
    "an A/A check": "noise-base-plain-rebatched: {}\n",
    "a text for what was planted": "base-sft: facts\n",
    "an unknown kind": "base-sft: {facts: {3: red}}\n",
    "a list of values": "base-sft: {values: [red]}\n",
    "a prompt that is not there": "base-sft: {values: {9: red}}\n",
    "a prompt without truths": "base-sft: {values: {odd: red}}\n",
    "a number for a value": "base-sft: {values: {3: 3}}\n",
    "a phrase of signs": "base-sft: {phrase: '!!'}\n",
    "a list for a topic": "base-sft: {topic: [people]}\n",
    "a topic that is not there": "base-sft: {topic: <b>}\n",
    "nothing for a task": "base-sft: {task: ~}\n",
}
HARMLESS = {  # what is read as if nothing were the matter
    "a byte order mark": lambda raw: b"\xef\xbb\xbf" + raw,
    "line ends of Windows": lambda raw: raw.replace(b"\n", b"\r\n"),
    "a comment at the end": lambda raw: raw + b"\n# end",
    "a document's marks": lambda raw: b"---\n" + raw + b"\n...\n",
}
PLACES: dict[str, Damage] = {  # what stands in the file's place
    "missing": lambda path: path.unlink(),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "a link to itself": lambda path: (path.unlink(), path.symlink_to(path.name)),
    "a device": lambda path: (path.unlink(), path.symlink_to("/dev/zero")),
    "a link to nothing": lambda path: (path.unlink(), path.symlink_to("gone")),
    "a pipe": lambda path: (path.unlink(missing_ok=True), os.mkfifo(path)),
}


def _yaml(file: str, kind: str) -> Iterator[Case]:
    named = re.escape(file)
    for name, (content, line) in YAML.items():
        yield Case(kind, name, put(file, content), line=named + ".*" + line)
    for name, change in HARMLESS.items():
        yield Case(kind, name, edit(file, change))
    for name, place in PLACES.items():
        yield Case(kind, name, at(file, place), line=rf"{named}: cannot be read: ")


def at(file: str, place: Damage) -> Damage:
    return lambda project: place(project / file)
