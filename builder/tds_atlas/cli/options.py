"""Options that several verbs of `tds` share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from tds_atlas.domain import InputError

REPORTS = Path("data/reports")
DEFAULT_REPORT = REPORTS / "pocket.yml"
DEFAULT_DATABASE = Path("data/tds.duckdb")


def report_file(name: Path) -> Path:
    """The path of a report file, which may be given by its name in data/reports."""
    preset = REPORTS / f"{name}.yml"
    return preset if not name.exists() and not name.suffix and preset.is_file() else name


def file_to_write(name: str) -> Path:
    """The path of a file to write. Raises InputError for the name of a folder: a path forgets the slash at its end."""
    if name.replace(os.sep, "/").endswith(("/", "/.")):
        raise InputError(f"{name}: is the name of a folder; give that of a file, without the slash at its end")
    return Path(name)


ReportOption = Annotated[
    Path,
    typer.Option(
        "--report", "-r", callback=report_file, help="The YAML report file, or the name of one in data/reports."
    ),
]
PartOption = Annotated[str, typer.Option("--part", help="This worker's part of the work, e.g. 2/4.")]
StartOption = Annotated[
    int, typer.Option("--start", help="The first row, counted from 0; shards that hold the rows are taken whole.")
]
EndOption = Annotated[int | None, typer.Option("--end", help="The row to stop before; default: all.")]
DeviceOption = Annotated[str | None, typer.Option("--device", help="Overrides the report file's device.")]
DatabaseOption = Annotated[Path, typer.Option("--db", help="The DuckDB file that `tds store` wrote.")]
