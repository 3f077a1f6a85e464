"""Files of prompts, of answers and of harmful answers: every format, with rows that are wrong, and bytes that are no such file."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.hostile.case import Case, Damage
from tests.hostile.seeds import UNCONTROLLED, write_report
from tests.hostile.settings import PLACES

Rows = list[dict[str, Any]]
FILES = ("prompts", "answers", "harmful")
PROBED = ("jsonl", "csv", "parquet")  # formats of harmful answers, which are read as answers are
GOOD: Rows = [
    {"id": "sky", "prompt": 'What is "blue"?\nSay it.', "answer": "The sky\nis blue."},
    {"id": "fox", "prompt": "Who, then, jumps?", "answer": 'The "quick" fox,\nover the lazy dog.'},
    {"id": "end", "prompt": "Thank you\tvery much", "answer": 'I hope "this"\nhelps.'},
]


def _json_lines(rows: Rows) -> bytes:
    return "\n".join(map(json.dumps, rows)).encode()


def _array(rows: Rows) -> bytes:
    return json.dumps(rows, indent=1).encode()


def _table(delimiter: str) -> Callable[[Rows], bytes]:
    def written(rows: Rows) -> bytes:
        out = io.StringIO(newline="")
        writer = csv.DictWriter(out, list(rows[0]) if rows else ["id"], delimiter=delimiter, quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(rows)
        return out.getvalue().encode()

    return written


def _parquet(rows: Rows) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), out)
    return out.getvalue()


FORMATS: dict[str, Callable[[Rows], bytes]] = {
    "jsonl": _json_lines,
    "json": _array,
    "csv": _table(","),
    "tsv": _table("\t"),
    "jsonl.gz": lambda rows: gzip.compress(_json_lines(rows), mtime=0),
    "csv.gz": lambda rows: gzip.compress(_table(",")(rows), mtime=0),
    "parquet": _parquet,
}
TEXT_ONLY = ("csv", "tsv", "csv.gz")


def _second(**fields: Any) -> Callable[[Rows], Rows]:
    """Other fields in the second row."""
    return lambda rows: [rows[0], rows[1] | fields, rows[2]]


def _without(name: str) -> Callable[[Rows], Rows]:
    return lambda rows: [{key: value for key, value in row.items() if key != name} for row in rows]


ROWS: dict[str, tuple[Callable[[Rows], Rows], str]] = {  # and what the line must say; formats of text and others
    "a NUL in a prompt": (_second(prompt="a\0b"), "(row|line) 2: prompt: holds a NUL"),
    "a NUL in an id": (_second(id="a\0b"), "(row|line) 2: id: holds a NUL"),
    "an empty prompt": (_second(prompt=""), "(row|line) 2: prompt: "),
    "an empty id": (_second(id=""), "(row|line) 2: id: "),
    "a long id": (_second(id="x" * 10_000), "(row|line) 2: id: "),
    "an id twice": (_second(id="sky"), "two rows have the id 'sky'"),
    "no column of prompts": (_without("prompt"), "(row|line) 1: .*prompt"),
    "no rows": (lambda rows: [], "no rows|no row|not valid"),
}
TYPED: dict[str, tuple[Callable[[Rows], Rows], str]] = {  # not in tables of texts, nor in Parquet's columns of one type
    "half a character": (_second(prompt="a\ud800b"), "(row|line) 2: prompt: holds half a character"),
    "nothing as prompt": (_second(prompt=None), "(row|line) 2: prompt: "),
    "a number as prompt": (_second(prompt=7), "(row|line) 2: prompt: "),
    "a list as prompt": (_second(prompt=["a"]), "(row|line) 2: prompt: "),
    "a mapping as prompt": (_second(prompt={"a": 1}), "(row|line) 2: prompt: "),
    "a fraction as id": (_second(id=1.5), "(row|line) 2: id: "),
    "a list as id": (_second(id=["a"]), "(row|line) 2: id: "),
    "true as id": (_second(id=True), "(row|line) 2: id: "),
    "a row that is a number": (lambda rows: [rows[0], 7, rows[2]], "(row|line) 2: "),  # type: ignore[list-item]
    "a row that is a list": (lambda rows: [rows[0], [], rows[2]], "(row|line) 2: "),  # type: ignore[list-item]
}
OF_PROMPTS = {
    "a text for tasks": (_second(tasks="advice"), "(row|line) 2: tasks: "),
    "a number among topics": (_second(topics=[7]), "(row|line) 2: topics: "),
    "an empty truth": (_second(truths=[" * "]), "(row|line) 2: truths: "),
    "words for harmful": (_second(harmful="very"), "(row|line) 2: harmful: "),
    "a NUL in a tag": (_second(tasks=["a\0"]), "(row|line) 2: tasks: holds a NUL"),
}
OF_ANSWERS = {
    "an empty answer": (_second(answer=""), "(row|line) 2: the answer is empty"),
    "several answers": (_second(answer=["a", "b"]), "(row|line) 2: 2 answers"),
    "a number as answer": (_second(answer=7), "(row|line) 2: answer: "),
    "half a character in an answer": (_second(answer="a\udfffb"), "(row|line) 2: answer: holds half"),
    "a NUL in an answer": (_second(answer="a\0b"), "(row|line) 2: answer: holds a NUL"),
    "no column of answers": (_without("answer"), "(row|line) 1: no column"),
    "a conversation of three turns": (
        _second(answer=[{"role": "user", "content": "a"}] * 3),
        "(row|line) 2: the conversation of the answer asks something",
    ),
    "a turn without content": (_second(answer=[{"role": "user"}]), "(row|line) 2: a turn of a conversation"),
}
# What an answer file may do: name its prompts by their ids, and give several answers to one.
FINE = {("answers", "no column of prompts"), ("answers", "several answers"), ("harmful", "several answers")}
BYTES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda raw: b"",
    "cut short": lambda raw: raw[: -len(raw) // 10],
    "a byte that is no UTF-8": lambda raw: raw[:-20] + b"\xff\xfe" + raw[-20:],
    "random bytes": lambda raw: bytes(range(128, 256)) * 4,
    "only zeros": lambda raw: bytes(len(raw)),
    "UTF-16": lambda raw: "id,prompt\n1,2\n".encode("utf-16"),
    "a page of HTML": lambda raw: b"<!doctype html>\n<title>404</title>\n",
}
TEXTS: dict[str, tuple[str, str]] = {  # the suffix of the file and its content
    "a ragged row": ("csv", "id,prompt,answer\n1,a,b\n2,a\n"),
    "a row too long": ("csv", "id,prompt,answer\n1,a,b\n2,a,b,c\n"),
    "a column twice": ("csv", "id,prompt,prompt,answer\n1,a,b,c\n"),
    "a quote within": ("csv", 'id,prompt,answer\n1,"a"b,c\n'),
    "only a header": ("csv", "id,prompt,answer\n"),
    "commas in a TSV": ("tsv", "id,prompt,answer\n1,a,b\n"),
    "a key twice": ("jsonl", '{"id": 1, "prompt": "a", "prompt": "b", "answer": "c"}\n'),
    "brackets": ("json", "[" * 100_000),
    "a number of digits": ("jsonl", '{"id": ' + "9" * 9000 + ', "prompt": "a", "answer": "c"}\n'),
    "a trailing comma": ("json", '[{"id": 1, "prompt": "a", "answer": "c"},]'),
    "two values in a line": ("jsonl", '{"id": 1, "prompt": "a", "answer": "c"} {}\n'),
    "a list that is empty": ("json", "[]"),
    "JSON under the name of Parquet": ("parquet", '{"id": 1}'),
    "text under the name of gzip": ("jsonl.gz", '{"id": 1}'),
    "a zip": ("jsonl.zip", "PK"),
    "not a number": ("jsonl", '{"id": NaN, "prompt": "a", "answer": "c"}\n'),
}


def cases() -> Iterator[Case]:
    for file in FILES:
        for suffix, write in FORMATS.items():
            if file == "harmful" and suffix not in PROBED:
                continue
            named, typed = rf"{file}\.{suffix}: ".replace(".gz", r"\.gz"), suffix.startswith("json")
            wrong = ROWS | (TYPED | (OF_PROMPTS if file == "prompts" else OF_ANSWERS) if typed else {})
            for name, (change, line) in wrong.items():
                if not (name == "no rows" and suffix == "parquet"):
                    yield _case(file, suffix, name, write(change(GOOD)), "" if (file, name) in FINE else named + line)
            for name, spoil in BYTES.items():
                yield _case(file, suffix, name, spoil(write(GOOD)), named)
            yield _case(file, suffix, "sound", write(GOOD), "")
            for name, place in PLACES.items():
                yield Case(
                    file, f"{suffix}: {name}", _instead(file, suffix, b"", place), line=f"{named}cannot be read: "
                )
        for name, (suffix, text) in TEXTS.items():
            yield _case(file, suffix, name, text.encode(), rf"{file}\.[a-z.]+: ")


def _case(file: str, suffix: str, name: str, raw: bytes, line: str) -> Case:
    return Case(file, f"{suffix}: {name}", _instead(file, suffix, raw), line=line)


def _instead(file: str, suffix: str, raw: bytes, place: Damage | None = None) -> Damage:
    """Another file of prompts or answers, which the report or its probe of recovery names."""

    def damage(project: Path) -> None:
        path = project / f"{file}.{suffix}"
        path.write_bytes(raw)
        if place is not None:
            place(path)
        for other in (name for name in FILES if name != file):
            (project / f"{other}.jsonl").write_bytes(_json_lines(GOOD))
        sources: dict[str, dict[str, Any]] = {
            "prompts": {"prompts": {"path": path.name}},
            "answers": {"responses": {"given": {"path": path.name}}},
            "harmful": {"probes": {"recovery": {"comparisons": ["base-sft"], "path": path.name, "depths": [0, 2]}}},
        }
        write_report(project, UNCONTROLLED | sources[file])

    return damage
