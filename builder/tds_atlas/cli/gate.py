"""The verb `compare`: two reports beside each other, and a gate between them."""

from __future__ import annotations

import sys
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tds_atlas.domain import InputError
from tds_atlas.terminal import say, tell

if TYPE_CHECKING:
    from tds_atlas.gate.run import Gate


class Undecided(StrEnum):
    fail = "fail"
    warn = "warn"
    ignore = "pass"


A = Annotated[Path, typer.Argument(metavar="A.duckdb", help="The database of the accepted report.")]
B = Annotated[Path | None, typer.Argument(metavar="B.duckdb", help="The database of the candidate.")]
FailOn = Annotated[
    str | None, typer.Option("--fail-on", help="What is not accepted, e.g. 'shifted>+2pt, js>+10%, refusals<-3pt'.")
]
Plan = Annotated[
    str | None, typer.Option("--plan", help="From A alone: how many prompts these rules need, e.g. 'shifted>+2pt'.")
]
UndecidedOption = Annotated[Undecided, typer.Option("--undecided", help="What an undecided rule does.")]
Alpha = Annotated[float, typer.Option(help="The chance that an unchanged model is blocked, per run.")]
Mapped = Annotated[
    list[str] | None, typer.Option("--map", metavar="A=B", help="Only this comparison of A with that of B.")
]
Allow = Annotated[list[str] | None, typer.Option(metavar="base", help="Compare although the bases differ.")]
Apart = Annotated[
    bool, typer.Option("--unpaired", help="The reports have no prompts in common: Welch's test, by tasks.")
]
OneModel = Annotated[bool, typer.Option("--aa", help="Two runs of one model: nothing may differ.")]
History = Annotated[Path | None, typer.Option(help="With --aa: a file of earlier runs' outcomes; this one is added.")]
Junit = Annotated[Path | None, typer.Option(help="A file for the verdicts as JUnit XML.")]
Json = Annotated[Path | None, typer.Option("--json", help="A file for everything as JSON.")]
Sites = Annotated[
    tuple[str, str], typer.Option("--sites", metavar="A B", help="Addresses of both sites, for links to examples.")
]

Site = Annotated[
    Path | None,
    typer.Option("--site", help="A folder for the comparison as a static site: figures, words, answers side by side."),
]
Hosted = Annotated[bool, typer.Option("--hosted", help="With --site, for web servers: a strict content policy.")]


def compare(
    a: A,
    b: B = None,
    fail_on: FailOn = None,
    plan: Plan = None,
    undecided: UndecidedOption = Undecided.warn,
    alpha: Alpha = 0.05,
    mapped: Mapped = None,
    allow: Allow = None,
    unpaired: Apart = False,
    aa: OneModel = False,
    history: History = None,
    junit: Junit = None,
    as_json: Json = None,
    sites: Sites = ("", ""),
    site: Site = None,
    hosted: Hosted = False,
) -> None:
    """Compare two reports; with --fail-on a gate: exit code 0 if all rules pass, 1 if one fails, 2 without a verdict.

    A is the accepted report, B the candidate; both measured against one base. A rule fails where the change is beyond
    its tolerance by more than chance, over the prompts that both have. Measures: shifted, js, kl, kl50, delta,
    knowledge, facts, refusals, ended, length.
    """
    from tds_atlas.gate import run

    if not 0 < alpha < 0.5:
        raise InputError(f"--alpha {alpha:g}: a chance; give one above 0 and below 0.5")
    if plan is not None:
        tell(run.planned(a, plan, alpha))
        return
    if b is None:
        raise InputError("tds compare: give two databases, or --plan with one")
    if site is not None:
        _check_place(site, unpaired, {"A": a, "B": b, "--junit": junit, "--json": as_json, "--history": history})
    gate = run.compare(a, b, fail_on, alpha, mapped or [], allow or [], aa, unpaired)
    code = gate.code(undecided.value)
    for line in gate.lines(sites):
        tell(line)
    for note in gate.notes():
        say(f"note: {note}")
    gate.write(junit, as_json, code)
    if site is not None:
        _write_site(gate, site, code, hosted)
    if aa and history:
        tell(run.kept(history, gate, code))
    if code:
        sys.exit(code)


def _write_site(gate: Gate, site: Path, code: int, hosted: bool) -> None:
    from tds_atlas.gate.site import write_site

    write_site(gate, site, code, hosted)
    tell(f"The comparison is in {site / 'index.html'}: open it, or run `tds serve --site {site}`.")


def _check_place(site: Path, unpaired: bool, kept: dict[str, Path | None]) -> None:
    """Raises InputError before anything is compared."""
    from tds_atlas.gate.site import check_place

    if unpaired:
        raise InputError("--site: shows answers to shared prompts; leave out --unpaired")
    here: dict[str, Path] = {name: path for name, path in kept.items() if path is not None}
    with suppress(RuntimeError):  # no home folder
        here["the home folder"] = Path.home()
    check_place(site, here | {"the folder that tds runs in": Path()})
