"""The verbs of a run, one for each step: check, generate, score, probe, store, report, site."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tds_atlas.cli.options import (
    DEFAULT_DATABASE,
    DEFAULT_REPORT,
    DatabaseOption,
    DeviceOption,
    EndOption,
    PartOption,
    ReportOption,
    StartOption,
    file_to_write,
    report_file,
)
from tds_atlas.terminal import tell


def check(
    file: Annotated[Path | None, typer.Argument(help="The report file; --report works, too.")] = None,
    report: ReportOption = DEFAULT_REPORT,
    pin: Annotated[bool, typer.Option("--pin", help="Write the commits of branches on the hub into the file.")] = False,
) -> None:
    """Check a report file and everything it names, without running a model.

    Checks files and their rows, vocabularies, what each condition's model reads before an answer (begin tokens, first
    and last ids, template), and whether every prompt fits; estimates the time, memory and disk space of a run.
    """
    from tds_atlas.pipeline import check as steps
    from tds_atlas.pipeline.plan import read_plan

    path = report_file(file) if file else report
    if pin:
        for line in steps.pin(read_plan(path)):
            tell(line)
    for line in steps.check(read_plan(path)):
        tell(line)


def generate(
    report: ReportOption = DEFAULT_REPORT,
    part: PartOption = "1/1",
    start: StartOption = 0,
    end: EndOption = None,
    device: DeviceOption = None,
) -> None:
    """Generate the aligned models' answers, greedily or as `generate` says, or tokenise those of response files.

    --start 0 --end 128 answers the first 128 rows that the report uses, in the order of each file. Shards
    (`shard_responses` answers each) are taken whole, so that it may answer a few more. For exactly so many rows, set
    `limit` in the report file.
    """
    from tds_atlas.pipeline import steps
    from tds_atlas.pipeline.plan import read_plan
    from tds_atlas.pipeline.work import Span, WorkerPart

    steps.generate(read_plan(report).within(Span(start, end)), WorkerPart.parse(part), device)


def score(
    report: ReportOption = DEFAULT_REPORT,
    part: PartOption = "1/1",
    start: StartOption = 0,
    end: EndOption = None,
    device: DeviceOption = None,
) -> None:
    """Score every answer under every condition: rank, log-probability, entropy, top-k, KL and JS.

    Generates missing answers first. Several machines can share the work through one folder of shards: run
    `tds generate` with --part 1/4, 2/4, ... on each, then `tds score` likewise, and `tds site` on one of them. Rows can
    be named instead, as in `tds generate`: --start 0 --end 128.
    """
    from tds_atlas.pipeline import steps
    from tds_atlas.pipeline.plan import read_plan
    from tds_atlas.pipeline.work import Span, WorkerPart

    steps.score(read_plan(report).within(Span(start, end)), WorkerPart.parse(part), device)


def probe(report: ReportOption = DEFAULT_REPORT, part: PartOption = "1/1", device: DeviceOption = None) -> None:
    """Let the models continue texts (token swap, prefilled answers, recovery, continuations), or read neutral ones
    (fingerprint). Generates and scores first."""
    from tds_atlas.pipeline import steps
    from tds_atlas.pipeline.plan import read_plan
    from tds_atlas.pipeline.work import WorkerPart

    steps.probe(read_plan(report), WorkerPart.parse(part), device)


def store(report: ReportOption = DEFAULT_REPORT) -> None:
    """Store the finished shards as one DuckDB file, after measuring what is missing."""
    from tds_atlas.pipeline import steps
    from tds_atlas.pipeline.plan import read_plan

    steps.measure(read_plan(report))


def write_report(
    database: DatabaseOption = DEFAULT_DATABASE,
    summary: Annotated[
        str | None,
        typer.Option("--summary", metavar="FILE", help="Also write every finding's answer into one Markdown file."),
    ] = None,
) -> None:
    """Write figures and pages from the database into build/docs. Does not need torch."""
    from tds_atlas.pipeline import steps

    steps.report(database, None if summary is None else file_to_write(summary))


def site(
    report: ReportOption = DEFAULT_REPORT,
    database: Annotated[
        Path | None, typer.Option("--db", help="Build from this database alone, without measuring.")
    ] = None,
    hosted: Annotated[bool, typer.Option("--hosted", help="For web servers: a strict content policy.")] = False,
) -> None:
    """Run all steps, then MkDocs: the finished static site."""
    from tds_atlas.pipeline import steps

    folder = Path("site")
    if database is None:
        from tds_atlas.live.published import write_models
        from tds_atlas.pipeline.plan import read_plan

        plan = read_plan(report)
        steps.measure(plan)
        write_models(plan)
        database, folder = plan.report.output.database, plan.report.output.site
    steps.site(database, folder, hosted)
    index = folder / "index.html"
    tell(f"The report is in {index}: open it, or run `tds serve`.")
