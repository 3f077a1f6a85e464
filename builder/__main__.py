"""The command `tds`: one verb per stage, and the verbs that use what the stages made. Errors are one line, exit 2."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from builder import __version__, share
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
def probe(report: ReportOption = DEFAULT_REPORT, part: PartOption = "1/1", device: DeviceOption = None) -> None:
    """Let the models write on: token swap, prefilled answers, the base's continuations. Generates and scores first."""
    from builder import stages
    from builder.plan import load_plan
    from builder.probes import write_probes
    from builder.workers import Part

    plan, share = load_plan(report), Part.parse(part)
    models = stages.lazy_models(plan, device)
    stages.write_cards(plan, models)
    if share.count == 1:
        stages.write_responses(plan, models)
        stages.write_scores(plan, models)
    write_probes(plan, models, share)


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
def site(
    report: ReportOption = DEFAULT_REPORT,
    database: Annotated[
        Path | None, typer.Option("--db", help="Build from this database alone; measure nothing.")
    ] = None,
    hosted: Annotated[bool, typer.Option("--hosted", help="For a web server alone: a strict content policy.")] = False,
) -> None:
    """All stages, and MkDocs at the end: the finished static site."""
    from builder import stages

    folder = Path("site")
    if database is None:
        from builder.plan import load_plan

        plan = load_plan(report)
        stages.measure(plan)
        database, folder = plan.report.output.database, plan.report.output.site
    stages.report(database)
    stages.build_site(folder, hosted)
    index = folder / "index.html"
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
def swap(report: ReportOption = DEFAULT_REPORT) -> None:
    """Token swap: let the base write with a share of the aligned model's tokens put in, and print what comes of it.

    Runs what probes.swap of the report file says, measuring first what it needs; the site's page shows the curves.
    """
    from builder import stages
    from builder.plan import load_plan
    from builder.report.query import connect, format_table, table

    plan = load_plan(report)
    if plan.report.probes.swap is None:
        raise InputError(f"{report}: probes.swap: missing; name there the comparisons to swap tokens in")
    stages.measure(plan)
    typer.echo(format_table(table(connect(plan.report.output.database), "pages/swap_outcomes"), "table"))


@app.command(rich_help_panel="Using the result")
def query(
    sql: Annotated[str, typer.Argument(help='A SELECT over the records, e.g. "FROM tds LIMIT 5".')],
    database: DatabaseOption = DEFAULT_DATABASE,
    output: Annotated[Format, typer.Option("--format", "-f", help="How to print the rows.")] = Format.table,
) -> None:
    """Run SQL on the database and print the rows. The file is opened read-only.

    Begin with [bold]tds query "SELECT comparison_id, shift, count(*) FROM tds GROUP BY ALL ORDER BY ALL"[/bold].
    Every column is described: [bold]tds query "SELECT table_name, column_name, comment FROM duckdb_columns()"[/bold].
    """
    from builder.report.query import connect, format_table, run

    typer.echo(format_table(run(connect(database), sql), output.value))


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


app.command(rich_help_panel="A report of your own")(share.init)
app.command(rich_help_panel="A report of your own")(share.publish)


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
