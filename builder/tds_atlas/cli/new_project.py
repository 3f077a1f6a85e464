"""`tds init`: a new folder for one report, which the installed package builds. No clone is needed."""

from __future__ import annotations

import shutil
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tds_atlas import __version__
from tds_atlas.domain import InputError
from tds_atlas.parts import copy_tree, discard, new_part, unwritable, write_file
from tds_atlas.paths import project_file, real_path

_TEMPLATE = Path(__file__).parent / "project_template"
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
    """Write a new project, whole or not at all. Returns the files written. Raises InputError for a folder in use."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: not empty; name a new folder")
    part = new_part(real_path(folder))
    try:
        _write(part)
        if folder.exists():
            for path in sorted(part.iterdir()):
                path.rename(folder / path.name)
        else:
            part.rename(folder)
    except OSError as error:
        raise unwritable(Path(error.filename or folder), error) from None
    finally:
        discard(part)
    return [*TEMPLATES, *COPIES]


def _write(folder: Path) -> None:
    # Other delimiters than {{ }}, which the workflow itself uses.
    env = Environment(
        loader=FileSystemLoader(_TEMPLATE),
        variable_start_string="[[ ",
        variable_end_string=" ]]",
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    for name, template in TEMPLATES.items():
        write_file(_with_parent(folder / name), env.get_template(template).render(version=__version__))
    for name, source in COPIES.items():
        origin = project_file(name, source)
        (copy_tree if origin.is_dir() else shutil.copyfile)(origin, _with_parent(folder / name))


def _with_parent(path: Path) -> Path:
    """The path, after creating its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
