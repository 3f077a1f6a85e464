"""`tds init`: a new folder for one report, which the installed package builds. No clone is needed."""

from __future__ import annotations

import shutil
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tds_atlas import __version__
from tds_atlas.domain import InputError

_TEMPLATE = Path(__file__).parent / "project_template"
_WHEEL_FILES = Path(__file__).parent.parent / "project_files"
_CLONE = Path(__file__).parent.parent.parent.parent
TEMPLATES = {  # file of the new folder -> its template
    "report.yml": "report.yml",
    "README.md": "README.md",
    ".gitignore": "gitignore",
    ".github/workflows/pages.yml": "pages.yml",
}
COPIES = {  # file of the new folder -> its source in a clone
    "site_src": "site_src",
    "mkdocs.yml": "mkdocs.yml",
    "prompts.jsonl": "data/prompts/general.jsonl",
    "contexts/assistant.txt": "data/contexts/assistant.txt",
}


def start(folder: Path) -> list[str]:
    """Write a new project. Returns the files written. Raises InputError if the folder is not empty."""
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder}: not empty; name a new folder")
    # Other delimiters than {{ }}, which the workflow itself uses.
    env = Environment(
        loader=FileSystemLoader(_TEMPLATE),
        variable_start_string="[[ ",
        variable_end_string=" ]]",
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    try:
        for name, template in TEMPLATES.items():
            path = _with_parent(folder / name)
            path.write_text(env.get_template(template).render(version=__version__), encoding="utf-8")
        for name, source in COPIES.items():
            origin = _WHEEL_FILES / name if _WHEEL_FILES.is_dir() else _CLONE / source
            (shutil.copytree if origin.is_dir() else shutil.copyfile)(origin, _with_parent(folder / name))
    except OSError as error:
        raise InputError(f"{error.filename or folder}: cannot be written: {error.strerror}") from None
    return [*TEMPLATES, *COPIES]


def _with_parent(path: Path) -> Path:
    """The path, after creating its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
