"""The command `tds`: one verb per stage, and the verbs that use what the stages made. Errors are one line, exit 2."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from builder import __version__, share, using
from builder.domain import InputError
from builder.options import (
    DEFAULT_DATABASE,
    DEFAULT_REPORT,
    DatabaseOption,
    DeviceOption,
    PartOption,
    ReportOption,
    report_file,
)

SPINS = "10000"  # of a thread that waits for another, before it sleeps: more of them cost much on a busy machine

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


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


_USING: tuple[Callable[..., None], ...] = (using.show, using.swap, using.query, using.export, using.serve)
_SHARING: tuple[Callable[..., None], ...] = (share.init, share.publish)
for _verb in _USING:
    app.command(rich_help_panel="Using the result")(_verb)
for _verb in _SHARING:
    app.command(rich_help_panel="A report of your own")(_verb)


def main() -> None:
    """Run `tds`. What the user can mend is one line on the error stream and exit code 2."""
    os.environ.setdefault("GOMP_SPINCOUNT", SPINS)  # read when torch is loaded, which is later
    try:
        app()
    except InputError as error:
        print(f"tds: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:  # a full disk, a folder that is not to be written
        print(f"tds: {error.filename or 'a file'}: {error.strerror or error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("tds: interrupted; finished shards are kept, run again to go on", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
