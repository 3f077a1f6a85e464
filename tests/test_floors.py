"""The house: a lower floor never imports a higher one, measuring knows no duckdb, reporting no torch."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

BUILDER = ROOT / "builder"
FLOORS = {
    "domain": 0,
    "config": 0,
    "settings": 0,
    "failures": 0,
    "files": 0,
    "progress": 0,
    "project": 0,
    "options": 0,
    "workers": 0,
    "measure": 1,
    "record": 2,
    "report": 3,
    "plan": 4,
    "frames": 5,
    "database": 5,
    "probes": 6,
    "stages": 7,
    "checks": 8,
    "show": 8,
    "share": 8,
    "using": 9,
    "__main__": 10,
}
FORBIDDEN = {
    "measure": {"duckdb", "altair", "jinja2", "mkdocs"},
    "record": {"torch", "transformers", "altair", "jinja2"},
    "report": {"torch", "transformers"},
    "plan": {"torch", "transformers", "duckdb"},
}
MODULES = sorted(path for path in BUILDER.rglob("*.py") if path != BUILDER / "__init__.py")


def imports(path: Path) -> set[str]:
    """Every absolute module name imported anywhere in a file, lazy imports too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def place(path: Path) -> str:
    return path.relative_to(BUILDER).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(BUILDER)))
def test_no_floor_imports_a_higher_one(path: Path) -> None:
    mine = place(path)
    parts = [name.split(".") for name in imports(path)]
    inside = {part[1] for part in parts if part[0] == "builder" and len(part) > 1 and part[1] in FLOORS}
    assert {name for name in inside if FLOORS[name] > FLOORS[mine]} == set()
    assert {part[0] for part in parts} & FORBIDDEN.get(mine, set()) == set()


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(BUILDER)))
def test_every_module_says_what_it_is_in_a_file_of_readable_size(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert ast.get_docstring(tree)
    assert len(text.splitlines()) <= 260
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 50, f"{node.name} is longer than a screen"


@pytest.mark.parametrize("module", ["builder.report.site", "builder.report.query", "builder.plan", "builder.__main__"])
def test_these_work_without_torch(module: str) -> None:
    code = f"import sys; sys.modules['torch'] = sys.modules['transformers'] = None; import {module}"
    subprocess.run([sys.executable, "-c", code], check=True)
