"""The notebook in examples/: kept without outputs, and run whole (`make notebook`) by a kernel of its own."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

import tds_atlas as tds
from tests.conftest import ROOT

NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))


def cells(path: Path) -> list[dict[str, Any]]:
    return [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_kept_without_outputs_and_asks_for_what_there_is(path: Path) -> None:
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells(path))
    trees = [ast.parse("".join(cell["source"])) for cell in cells(path)]
    asked = {
        node.attr
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "tds"
    }
    assert asked and asked <= set(tds.__all__)


@pytest.mark.notebook
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_from_its_first_cell_to_its_last(path: Path) -> None:
    import nbclient
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(path.parent)}}).execute()
    shown = [out["data"] for cell in notebook.cells for out in cell.get("outputs", ()) if "data" in out]
    html = [data["text/html"] for data in shown if "text/html" in data]
    assert sum("tds-nb" in text for text in html) >= 3 and any("image/svg+xml" in data for data in shown)
    assert not any("<script" in text for text in html)
