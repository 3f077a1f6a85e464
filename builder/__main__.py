"""The command `tds`: one verb per stage, and the verbs that use what the stages made. Errors are one line, exit 2."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from builder import __version__
from builder.domain import InputError

SPINS = "10000"  # of a thread that waits for another, before it sleeps: more of them cost much on a busy machine
REPORTS = Path("data/reports")
DEFAULT_REPORT = REPORTS / "pocket.yml"
DEFAULT_DATABASE = Path("data/tds.duckdb")

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def report_file(name: Path) -> Path:
    """A report file by its path, or one of data/reports by its name."""
    preset = REPORTS / f"{name}.yml"
    return preset if not name.exists() and not name.suffix and preset.is_file() else name


ReportOption = Annotated[
    Path,
    typer.Option(
        "--report", "-r", callback=report_file, help="The YAML report file, or the name of one in data/reports."
    ),
]
PartOption = Annotated[str, typer.Option("--part", help="This worker's part of the work, e.g. 2/4.")]
DeviceOption = Annotated[str | None, typer.Option("--device", help="Instead of the report file's device.")]
DatabaseOption = Annotated[Path, typer.Option("--db", help="The DuckDB file that `tds store` wrote.")]


class Format(StrEnum):
    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"


@app.callback(invoke_without_command=True)
def about(version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False) -> None:
    """See, token by token, what tuning changed in a language model.

    [bold]tds site[/bold] does everything: it generates answers, scores them under both models of each comparison,
    stores the records in one DuckDB file and builds the static site from it. Finished work is kept, never done twice.
    """
    if version:
        typer.echo(f"tds {__version__}")
        raise typer.Exit


@app.command(rich_help_panel="Stages, in order")
def check(
    file: Annotated[Path | None, typer.Argument(help="The report file; or give it with --report.")] = None,
    report: ReportOption = DEFAULT_REPORT,
) -> None:
    """Check a report file and everything it names, as far as that goes without running a model.

    Files and their rows, vocabularies, what each condition's model reads before an answer (begin tokens, first and last
    ids, template), whether every prompt fits; and about how much time, memory and disk a run will take.
    """
    from builder.checks import check as lines
    from builder.plan import load_plan

    for line in lines(load_plan(report_file(file) if file else report)):
        typer.echo(line)


@app.command(rich_help_panel="Stages, in order")
def generate(report: ReportOption = DEFAULT_REPORT, part: PartOption = "1/1", device: DeviceOption = None) -> None:
    """Generate the aligned models' answers (greedily), or tokenise those of response files."""
    from builder import stages
    from builder.plan import load_plan
    from builder.workers import Part

    plan, share = load_plan(report), Part.parse(part)
    models = stages.lazy_models(plan, device)
    stages.write_cards(plan, models)
    stages.write_responses(plan, models, share)


@app.command(rich_help_panel="Stages, in order")
def score(report: ReportOption = DEFAULT_REPORT, part: PartOption = "1/1", device: DeviceOption = None) -> None:
    """Score every answer under every condition: rank, log-probability, entropy, top-k, KL and JS. Generates first.

    Several machines share the work through one folder of shards: run `tds generate` with --part 1/4, 2/4, ... on each,
    then `tds score` with the same parts, and `tds site` on one of them.
    """
    from builder import stages
    from builder.plan import load_plan
    from builder.workers import Part

    plan, share = load_plan(report), Part.parse(part)
    models = stages.lazy_models(plan, device)
    stages.write_cards(plan, models)
    if share.count == 1:
        stages.write_responses(plan, models)
    stages.write_scores(plan, models, share)


@app.command(rich_help_panel="Stages, in order")
def store(report: ReportOption = DEFAULT_REPORT) -> None:
    """Store the finished shards as one DuckDB file; measures first what is missing."""
    from builder import stages
    from builder.plan import load_plan

    stages.measure(load_plan(report))


@app.command("report", rich_help_panel="Stages, in order")
def write_report(database: DatabaseOption = DEFAULT_DATABASE) -> None:
    """Write figures and pages from the database into build/docs. Needs no torch."""
    from builder import stages

    stages.report(database)


@app.command(rich_help_panel="Stages, in order")
def site(report: ReportOption = DEFAULT_REPORT) -> None:
    """All stages, and MkDocs at the end: the finished static site."""
    from builder import stages
    from builder.plan import load_plan

    plan = load_plan(report)
    stages.measure(plan)
    stages.report(plan.report.output.database)
    stages.build_site(plan.report.output.site)
    index = plan.report.output.site / "index.html"
    typer.echo(f"The report is in {index}: open it, or run `tds serve`.")


@app.command(rich_help_panel="Using the result")
def show(
    prompt: Annotated[str, typer.Argument(help="What to ask.")],
    report: ReportOption = DEFAULT_REPORT,
    comparison: Annotated[str | None, typer.Option(help="A comparison of the report; the first, if not given.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Every position with its numbers, for tools.")] = False,
    device: DeviceOption = None,
) -> None:
    """Ask one question now: the aligned model's answer, its tokens coloured by where they stood in the base's ranking.

    Above each shifted token stands what the base would have said. Plain text where the output is not a terminal.
    """
    import json

    from rich.console import Console

    from builder import stages
    from builder.plan import load_plan
    from builder.show import ask, render

    plan = load_plan(report)
    shown = ask(plan, stages.lazy_models(plan, device), prompt, comparison)
    console = Console(highlight=False, soft_wrap=True)
    if as_json:
        typer.echo(json.dumps(shown.as_json(), ensure_ascii=False, indent=1))
    else:
        console.print(render(shown, console.width, console.is_terminal and not console.no_color))


@app.command(rich_help_panel="Using the result")
def query(
    sql: Annotated[str | None, typer.Argument(help='A SELECT, e.g. "FROM tds LIMIT 5"; - reads it from the input.')] = None,
    database: DatabaseOption = DEFAULT_DATABASE,
    style: Annotated[Format, typer.Option("--format", "-f", help="How to write the rows.")] = Format.table,
    saved: Annotated[str | None, typer.Option("--saved", "-s", help="A query by its name, instead of SQL.")] = None,
    names: Annotated[bool, typer.Option("--list", "-l", help="Print the names, with what each answers.")] = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file for the rows; Parquet needs it.")] = None,
) -> None:
    """Run SQL on the database, or a saved query, and print the rows. The file is opened read-only.

    Begin with [bold]tds query "SELECT comparison_id, shift, count(*) FROM tds GROUP BY ALL ORDER BY ALL"[/bold].
    Every column is described: [bold]tds query "SELECT table_name, column_name, comment FROM duckdb_columns()"[/bold].
    """
    from builder.report.saved import answer

    text = answer(database, sql, saved, names, style.value, output)
    if text is not None:
        typer.echo(text)


@app.command(rich_help_panel="Using the result")
def export(
    folder: Annotated[Path, typer.Argument(help="A folder for them; made if it is not there.")],
    database: DatabaseOption = DEFAULT_DATABASE,
) -> None:
    """Write the tables and main views as Parquet files, with a dataset card for the Hugging Face hub."""
    from builder.report.export import write_export

    typer.echo(f"{write_export(database, folder)} files are in {folder}; its README.md says what they are.")


@app.command(rich_help_panel="Using the result")
def serve(
    folder: Annotated[Path, typer.Option("--site", help="The folder that `tds site` built.")] = Path("site"),
    port: Annotated[int, typer.Option(help="Port on this machine.")] = 8000,
) -> None:
    """Show the built site in a browser on this machine."""
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    if not (folder / "index.html").is_file():
        raise InputError(f"{folder}: no site here yet; run `tds site` first")
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), partial(SimpleHTTPRequestHandler, directory=str(folder)))
    except OSError as error:
        raise InputError(f"port {port}: {error.strerror}; give another with --port") from None
    typer.echo(f"Serving {folder} at http://127.0.0.1:{port}/ (Ctrl+C ends)")
    with server:
        server.serve_forever()


def main() -> None:
    """Run `tds`. What the user can mend is one line on the error stream and exit code 2."""
    os.environ.setdefault("GOMP_SPINCOUNT", SPINS)  # read when torch is loaded, which is later
    try:
        app()
    except InputError as error:
        print(f"tds: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("tds: interrupted; finished shards are kept, run again to go on", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
