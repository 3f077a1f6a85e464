"""The models that a site publishes: a folder beside build/docs, which belongs to one database, copied into the site."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tds_atlas.hashes import hash_files
from tds_atlas.parts import copy_tree
from tds_atlas.report.own_folders import MODELS

Listed = dict[str, Any]
LIST = "pairs.json"  # in the folder: the database's key (`of`), what can be asked (`comparisons`), or `why` nothing
NOTHING: Listed = {"comparisons": [], "why": ""}
ENGINE = ("onnx", "browser-*.js")  # of the assets: what only such a site needs


def published(docs: Path, content: str | None) -> Listed:
    """What the list says, if the folder is of the database with this key."""
    path = docs.parent / MODELS / LIST
    listed = json.loads(path.read_text(encoding="utf-8")) if content and path.is_file() else NOTHING
    return listed if listed.get("of") == content else NOTHING


def copy_models(docs: Path, listed: Listed) -> None:
    if listed["comparisons"]:
        copy_tree(docs.parent / MODELS, docs / MODELS)


def models_key(docs: Path) -> str:
    """Empty without the folder."""
    path = docs.parent / MODELS / LIST
    return hash_files([path]) if path.is_file() else ""
