"""`tds new finding NAME`: a page of the user's own with a figure, which works as it is."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tds_atlas.domain import InputError, printable
from tds_atlas.inputs.outputs import SITE_SOURCE
from tds_atlas.parts import write_file
from tds_atlas.report.pages import OWN_NAME
from tds_atlas.report.query import has_figure

TEMPLATES = {  # file of the report -> its template
    "figures/{}.sql": "figure.sql",
    "figures/{}.py": "figure.py.txt",
    "findings/{}.md": "finding.md",
}
_FOLDER = Path(__file__).parent / "finding_template"


def start(name: str) -> list[Path]:
    """Write the files into the folder of the report, here. Returns them. Raises InputError for a name in use."""
    if not OWN_NAME.fullmatch(name):
        raise InputError(f"{printable(name)}: a name has small letters, digits and _, a letter first, e.g. long_words")
    if not SITE_SOURCE.is_dir():
        raise InputError(f"{SITE_SOURCE}: no site sources here; run in the project folder")
    files = {Path(file.format(name)): template for file, template in TEMPLATES.items()}
    if has_figure(name):
        raise InputError(f"{name}: every report has a figure of this name; take another")
    for path in (*files, SITE_SOURCE / f"findings/{name}.md"):
        if path.exists():
            raise InputError(f"{name}: {path} is there already; take another name")
    env = Environment(
        loader=FileSystemLoader(_FOLDER),
        variable_start_string="[[ ",
        variable_end_string=" ]]",
        block_start_string="[%",
        block_end_string="%]",
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    title = name.replace("_", " ").capitalize()
    for path, template in files.items():
        path.parent.mkdir(exist_ok=True)
        write_file(path, env.get_template(template).render(name=name, title=title))
    return list(files)
