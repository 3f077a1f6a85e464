"""Examples in docstrings and on the page about Python run, and give what they say."""

from __future__ import annotations

import doctest
import re
from importlib import import_module
from pathlib import Path

import pytest

from tests.conftest import ROOT

PAGE = ROOT / "docs/python.md"


@pytest.mark.parametrize("name", ["compare", "result", "token_shift", "training"])
def test_examples_of_docstrings(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    done = doctest.testmod(import_module(f"tds_atlas.python.{name}"))
    assert done.attempted and not done.failed


def test_the_page_runs_from_its_first_line_to_its_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").symlink_to(ROOT / "data")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, object] = {"__name__": "page"}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    assert len(blocks) > 4 and (tmp_path / "shift.html").is_file() and (tmp_path / "mine.duckdb").is_file()
