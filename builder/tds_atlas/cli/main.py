"""The command `tds`: its verbs by group, and its exit: errors you can fix are one line on stderr, exit code 2."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from tds_atlas import __version__
from tds_atlas.cli import gate, projects, results, steps
from tds_atlas.cli.exits import run
from tds_atlas.terminal import tell

SPINS = "10000"  # of a waiting OpenMP thread before it sleeps: with more, a busy machine loses a lot of time
GROUPS: dict[str, dict[str, Callable[..., Any]]] = {
    "Steps, in order": {
        "check": steps.check,
        "generate": steps.generate,
        "score": steps.score,
        "probe": steps.probe,
        "store": steps.store,
        "report": steps.write_report,
        "site": steps.site,
    },
    "Using the result": {
        "show": results.show,
        "swap": results.swap,
        "query": results.query,
        "compare": gate.compare,
        "export": results.export,
        "serve": results.serve,
    },
    "A report of your own": {
        "init": projects.init,
        "new": projects.new,
        "dev": projects.dev,
        "publish": projects.publish,
    },
}

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _flowing(verb: Callable[..., Any]) -> str:
    """What a verb says of itself: paragraphs of one line each, for the terminal to break at its own width."""
    return "\n\n".join(" ".join(lines.split()) for lines in inspect.cleandoc(verb.__doc__ or "").split("\n\n"))


for _group, _verbs in GROUPS.items():
    for _name, _verb in _verbs.items():
        app.command(_name, rich_help_panel=_group, help=_flowing(_verb))(_verb)


def about(version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False) -> None:
    """See, token by token, what tuning changed in a language model.

    [bold]tds site[/bold] does everything: it generates answers, scores them under both models of each comparison,
    stores the records in one DuckDB file and builds the static site from it. Finished work is never repeated.
    """
    if version:
        tell(f"tds {__version__}")
        raise typer.Exit


app.callback(invoke_without_command=True, help=_flowing(about))(about)


def main() -> None:
    """Run `tds`. Errors you can fix are one line on stderr and exit code 2."""
    os.environ.setdefault("GOMP_SPINCOUNT", SPINS)  # read when torch is loaded, which is later
    sys.exit(run(app))
