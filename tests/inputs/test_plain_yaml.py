"""YAML files: what is plain is read, and everything else is one line, quickly."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import pytest

from tds_atlas.domain import InputError
from tds_atlas.inputs.plain_yaml import read_yaml

LETTERS = "abcdefghijk"
LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in pairwise(LETTERS)
)
MERGES = "a: &a {k: 1}\n" + "".join(
    f"{name}: &{name} {{<<: [{', '.join([f'*{before}'] * 9)}]}}\n" for before, name in pairwise(LETTERS)
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "r.yml"


def test_plain_values_anchors_and_merges(path: Path) -> None:
    text = "date: 2024-99-01\nsign: =\nn: 0x10\nbase: &b {x: 1, y: [yes, ~]}\nmore: {<<: *b, x: 2}\nsame: *b\n"
    path.write_text(text, encoding="utf-8")
    base = {"x": 1, "y": [True, None]}
    expected = {"date": "2024-99-01", "sign": "=", "n": 16, "base": base, "more": base | {"x": 2}, "same": base}
    assert read_yaml(path) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", r"r.yml:3: the key 'a' is given twice, first in line 1"),
        ("a: {b: 1, c: 2, b: 3}", r"r.yml:1: the key 'b' is given twice"),
        ("a: !!int abc", r"r.yml:1: 'abc' is not a number that can be read"),
        ("a: !!bool abc", r"r.yml:1: 'abc' is not"),
        ("a: !!python/object/apply:os.system [ls]", r"r.yml:1: the tag 'python/object/apply:os.system' is not read"),
        ("a: !!timestamp 2024-01-01", r"r.yml:1: the tag 'timestamp' is not read here"),
        ("a: !mine x", r"r.yml:1: the tag '!mine' is not read here"),
        ("a:\n  b: " + "9" * 5000, r"r.yml:2: '9{40}\.\.\.' is not a number"),
        ("[" * 3000, r"r.yml: not valid YAML: brackets too deep"),
        ("- " * 3000 + "a", r"r.yml: not valid YAML: brackets too deep"),
        (LAUGHS, r"r.yml:\d+: more than 100,000 values, repeated anchors included"),
        (MERGES, r"r.yml:\d+: more than 100,000 values"),
        ("a: &a [*a]", r"r.yml:1: an anchor within itself"),
        ("a: *b", r"r.yml:1: not valid YAML: found undefined alias"),
        ('a: 1\nb: "x\\0y"', r"r.yml:2: holds a NUL character"),
        ('a: "\\ud800"', r"r.yml:1: holds half a character"),
        ("a: \0", r"r.yml: not valid YAML: unacceptable character"),
        ("? [a]\n: 1", r"r.yml:1: not valid YAML: found unhashable key"),
        ("a: 1\n---\nb: 1", r"r.yml:2: not valid YAML: but found another document"),
        ("a: " + "x" * 1_000_000, r"r.yml: more than 1,000,000 bytes"),
    ],
)
def test_what_is_not_plain_is_one_line_at_once(path: Path, text: str, message: str) -> None:
    path.write_text(text, encoding="utf-8")
    start = time.monotonic()
    with pytest.raises(InputError, match=message) as caught:
        read_yaml(path)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300
    assert time.monotonic() - start < 1


def test_what_cannot_be_read(path: Path) -> None:
    with pytest.raises(InputError, match=r"r.yml: cannot be read: No such file"):
        read_yaml(path)
    path.write_bytes(b"a: \xff")
    with pytest.raises(InputError, match=r"r.yml: cannot be read: not UTF-8 text"):
        read_yaml(path)
    with pytest.raises(InputError, match="cannot be read: not a file"):
        read_yaml(path.parent)
