"""The verbs that use the result: show one question, swap tokens, query, export, serve."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tds_atlas.cli.options import (
    DEFAULT_DATABASE,
    DEFAULT_REPORT,
    DatabaseOption,
    DeviceOption,
    ReportOption,
    file_to_write,
)
from tds_atlas.domain import InputError
from tds_atlas.terminal import tell


class Format(StrEnum):
    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"


def show(
    prompt: Annotated[str, typer.Argument(help="What to ask.")],
    report: ReportOption = DEFAULT_REPORT,
    comparison: Annotated[str | None, typer.Option(help="A comparison of the report; default: the first.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Every position with its numbers, for tools.")] = False,
    device: DeviceOption = None,
) -> None:
    """Ask one question now: the aligned model's answer, each token coloured by its place in the base's ranking.

    Above each shifted token is what the base would have said. Plain text if the output is not a terminal.
    """
    from rich.console import Console

    from tds_atlas.pipeline.ask import ask, render
    from tds_atlas.pipeline.plan import read_plan
    from tds_atlas.pipeline.sides import lazy_models
    from tds_atlas.report.table_formats import json_text

    plan = read_plan(report)
    answer = ask(plan, lazy_models(plan, device), prompt, comparison)
    console = Console(highlight=False, soft_wrap=True)
    if as_json:
        tell(json_text(answer.as_json()))
    else:
        console.print(render(answer, console.width, console.is_terminal and not console.no_color))


def swap(report: ReportOption = DEFAULT_REPORT) -> None:
    """Token swap: let the base write with a share of the aligned model's tokens, and print what becomes of its answers.

    Runs probes.swap of the report file, after measuring whatever it needs; a page of the site shows the curves.
    """
    from tds_atlas.pipeline import steps
    from tds_atlas.pipeline.plan import read_plan
    from tds_atlas.report.query import connect, consistent, table
    from tds_atlas.report.table_formats import format_table, terminal_width

    plan = read_plan(report)
    if plan.report.probes.swap is None:
        raise InputError(f"{report}: probes.swap: missing; list there the comparisons to swap tokens in")
    steps.measure(plan)
    database = plan.report.output.database
    with consistent(database):
        outcomes = table(connect(database), "pages/swap_outcomes")
    tell(format_table(outcomes, "table", terminal_width()))


def query(
    sql: Annotated[
        str | None, typer.Argument(help='A SELECT, e.g. "FROM tds LIMIT 5"; - reads it from standard input.')
    ] = None,
    database: DatabaseOption = DEFAULT_DATABASE,
    style: Annotated[
        Format,
        typer.Option(
            "--format",
            "-f",
            help="How to write the rows. CSV and JSON are exact; a spreadsheet may run texts with =, +, -, @ in front.",
        ),
    ] = Format.table,
    saved: Annotated[str | None, typer.Option("--saved", "-s", help="A saved query by name, instead of SQL.")] = None,
    names: Annotated[bool, typer.Option("--list", "-l", help="List the saved queries and their questions.")] = False,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="A file for the rows, which replaces an older one; required for Parquet.",
        ),
    ] = None,
) -> None:
    """Run SQL on the database, or a saved query, and print the rows. The file is opened read-only.

    Start with [bold]tds query "SELECT comparison_id, shift, count(*) FROM tds GROUP BY ALL ORDER BY ALL"[/bold].

    Every column is described: [bold]tds query "SELECT table_name, column_name, comment FROM duckdb_columns()"[/bold].
    """
    from tds_atlas.report.cookbook import answer

    text = answer(database, sql, saved, names, style.value, None if output is None else file_to_write(output))
    if text is not None:
        tell(text)


def export(
    folder: Annotated[Path, typer.Argument(help="A folder for the files; created if missing.")],
    database: DatabaseOption = DEFAULT_DATABASE,
) -> None:
    """Write the tables and main views as Parquet files, with a dataset card for the Hugging Face hub."""
    from tds_atlas.report.export import write_export

    tell(f"{write_export(database, folder)} files are in {folder}; its README.md says what they are.")


def serve(
    folder: Annotated[Path, typer.Option("--site", help="The folder that `tds site` built.")] = Path("site"),
    port: Annotated[int, typer.Option(help="Port on this machine.")] = 8000,
    live: Annotated[bool, typer.Option("--live", help="With the report's models behind the page Try it.")] = False,
    report: ReportOption = DEFAULT_REPORT,
    device: DeviceOption = None,
) -> None:
    """Show the built site in a browser on this machine.

    With [bold]--live[/bold] and a report, its models answer on the page Try it: any prompt, answers that you edit,
    tokens that you swap. Needs the extra [bold]live[/bold]; no other machine can ask them.
    """
    from tds_atlas.cli.site_server import loopback, site_server

    if not (folder / "index.html").is_file():
        raise InputError(f"{folder}: no site here yet; run `tds site` first")
    address = f"http://127.0.0.1:{port}/"
    if not live:
        server = site_server(folder, port)
        tell(f"Serving {folder} at {address} (Ctrl+C to stop)")
        with server:
            server.serve_forever()
        return
    serve_live = _live()
    with loopback(port) as listener:
        serve_live(report, folder, listener, device, lambda: tell(f"Try it at {address}live.html (Ctrl+C to stop)"))


def _live() -> Callable[..., None]:
    try:
        from tds_atlas.live.serve import serve_live
    except ModuleNotFoundError as error:
        if error.name not in ("starlette", "uvicorn"):
            raise
        raise InputError("--live needs the extra `live`: pip install 'tds-atlas[live]'") from None
    return serve_live
