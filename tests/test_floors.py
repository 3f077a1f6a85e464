"""The house: no floor imports a higher one, each keeps away from what its line in floors.toml forbids, files stay small."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house import DOCUMENTS, PACKAGE, ROOT, Floor, filled, floors

FLOORS = floors()
HEIGHT = {room: i for i, floor in enumerate(FLOORS) for room in floor.rooms}
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def imports(path: Path) -> set[str]:
    """Every absolute module name imported anywhere in a file, lazy imports and those for type checking too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_every_room_stands_on_a_floor() -> None:
    assert {room(path) for path in MODULES} == set(HEIGHT)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_floor_imports_a_higher_one(path: Path) -> None:
    mine = HEIGHT[room(path)]
    inside = {name.split(".")[1] for name in imports(path) if name.startswith("tds_atlas.")}
    assert {name for name in inside & HEIGHT.keys() if HEIGHT[name] > mine} == set()


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_module_imports_what_its_floor_forbids(path: Path) -> None:
    never = FLOORS[HEIGHT[room(path)]].never
    assert {name for name in imports(path) for f in never if name == f or name.startswith(f"{f}.")} == set()


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_every_module_says_what_it_is_in_a_file_of_readable_size(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert ast.get_docstring(tree)
    assert len(text.splitlines()) <= 260
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 50, f"{node.name} is longer than a screen"


@pytest.mark.parametrize("floor", [f for f in FLOORS if f.name != "measure"], ids=lambda f: f.name)
def test_a_floor_works_where_what_it_never_imports_is_not_installed(floor: Floor) -> None:
    """In a process of its own: what other floors import on its behalf counts, too."""
    modules = [p.relative_to(PACKAGE.parent).with_suffix("") for p in MODULES if room(p) in floor.rooms]
    names = [".".join(m.parts).removesuffix(".__init__") for m in modules]
    missing = {"torch", "transformers"} & floor.never
    if floor.name in ("ground", "inputs"):
        missing |= {"duckdb"}
    hide = f"import sys, importlib\nfor m in {sorted(missing)}: sys.modules[m] = None\n"
    subprocess.run([sys.executable, "-c", f"{hide}for m in {names}: importlib.import_module(m)"], check=True)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_documents_hold_what_the_code_says(name: str) -> None:
    """`make docs` writes them anew."""
    mark, block = DOCUMENTS[name]
    text = (ROOT / name).read_text(encoding="utf-8")
    assert f"<!-- {mark} -->" in text and filled(text, mark, block()) == text
