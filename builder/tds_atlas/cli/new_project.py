"""`tds init`: a folder of a user's own for one report, which the installed package builds. No clone is needed."""

from __future__ import annotations

import shutil
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tds_atlas import __version__
from tds_atlas.domain import InputError

_TEMPLATE = Path(__file__).parent / "project_template"
_PACKED = Path(__file__).parent.parent / "project_files"  # in a wheel
_CLONE = Path(__file__).parent.parent.parent.parent
WRITTEN = {  # in the new folder: the template's file
    "report.yml": "report.yml",
    "README.md": "README.md",
    ".gitignore": "gitignore",
    ".github/workflows/pages.yml": "pages.yml",
}
COPIED = {  # in the new folder: where it comes from in a clone
    "site_src": "site_src",
    "mkdocs.yml": "mkdocs.yml",
    "prompts.jsonl": "data/prompts/general.jsonl",
    "contexts/assistant.txt": "data/contexts/assistant.txt",
}


def start(folder: Path) -> list[str]:
    """Write a new project. Returns the files written. Raises InputError if the folder holds something already."""
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder}: not empty; name a new folder")
    # The workflow is full of {{ }} of its own.
    env = Environment(
        loader=FileSystemLoader(_TEMPLATE),
        variable_start_string="[[ ",
        variable_end_string=" ]]",
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    try:
        for name, template in WRITTEN.items():
            path = _room(folder / name)
            path.write_text(env.get_template(template).render(version=__version__), encoding="utf-8")
        for name, source in COPIED.items():
            origin = _PACKED / name if _PACKED.is_dir() else _CLONE / source
            (shutil.copytree if origin.is_dir() else shutil.copyfile)(origin, _room(folder / name))
    except OSError as error:
        raise InputError(f"{error.filename or folder}: cannot be written: {error.strerror}") from None
    return [*WRITTEN, *COPIED]


def _room(path: Path) -> Path:
    """The path, its folder made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
