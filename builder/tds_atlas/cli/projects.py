"""The verbs of a report of one's own: `tds init`, `tds new`, `tds dev` and `tds publish`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tds_atlas.cli.options import DEFAULT_DATABASE, DatabaseOption, file_to_write
from tds_atlas.domain import InputError
from tds_atlas.terminal import tell


class Kind(StrEnum):
    finding = "finding"


def init(folder: Annotated[Path, typer.Argument(help="A new folder for the report.")]) -> None:
    """Start your own report: a report file, prompts, the site's pages to edit, a workflow for GitHub Pages."""
    from tds_atlas.cli.new_project import start

    for name in start(folder):
        tell(f"  {folder / name}")
    tell(f"Name your models in {folder / 'report.yml'}, then: cd {folder} && tds check report.yml")


def new(
    kind: Annotated[Kind, typer.Argument(help="What to start: a page with a figure.")],
    name: Annotated[str, typer.Argument(help="Its name, e.g. long_words.")],
) -> None:
    """Start a finding of your own: a page, its figure's SQL and drawing, which work as they are. Then edit them.

    They are in `findings` and `figures` beside `site_src`. A figure is drawn by NAME.py or by a Vega-Lite spec,
    NAME.json.
    """
    from tds_atlas.cli.new_finding import start

    for path in start(name):
        tell(f"  {path}")
    tell(f"The {kind.value} is on the site from the next `tds report` on; `tds dev` shows each change.")


def dev(
    database: DatabaseOption = DEFAULT_DATABASE,
    folder: Annotated[Path, typer.Option("--site", help="The folder of the site.")] = Path("site"),
    port: Annotated[int, typer.Option(help="Port on this machine.")] = 8000,
) -> None:
    """Build and serve the site, and build again what you change: pages, figures, scripts, the database.

    Open pages load themselves again. Search, and the list of pages where titles change, are brought up to date by
    `tds site`.
    """
    from tds_atlas.cli.dev_server import Development, dev_server, watch
    from tds_atlas.inputs.outputs import DOCS, SITE_CONFIG, SITE_SOURCE
    from tds_atlas.pipeline import steps
    from tds_atlas.report.preview import Preview

    steps.site(database, folder)
    development = Development(Preview(database, SITE_SOURCE, DOCS, SITE_CONFIG, folder))
    server = dev_server(folder, port, development)
    tell(f"The site is at http://127.0.0.1:{port}/ and follows your changes (Ctrl+C to stop)")
    watch(server, development)


def publish(
    folder: Annotated[Path, typer.Option("--site", help="The folder that `tds site` built.")] = Path("site"),
    zip_name: Annotated[
        str | None, typer.Option("--zip", metavar="FILE", help="A zip file; it opens without a server.")
    ] = None,
    space: Annotated[str | None, typer.Option("--hf", help="A static Space of the hub, e.g. me/report.")] = None,
    remote: Annotated[str, typer.Option(help="The git remote to push to, unless --zip or --hf is given.")] = "origin",
    branch: Annotated[str, typer.Option(help="The branch that GitHub Pages serves.")] = "gh-pages",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Publish the built site: as a branch for GitHub Pages, a Space or a zip file. Says first what it will do."""
    from tds_atlas.report import branch as git
    from tds_atlas.report import publish as out

    zipped = None if zip_name is None else file_to_write(zip_name)
    if zipped is not None and space is not None:
        raise InputError("give either --zip or --hf")
    site = out.built(folder)
    plan = (
        f"write {zipped} from {site}"
        if zipped
        else f"upload {site} to the Space {space}, and make it public there"
        if space
        else f"replace the branch {branch} of the git remote {remote} by {site} and push it, without its history"
    )
    tell(f"This will {plan}.")
    old = "" if zipped or space else git.check_for_git(site, remote, branch)
    if zipped:
        out.check_zip(site, zipped)
    if dry_run or not (yes or zipped or typer.confirm("Continue?")):
        return
    if zipped:
        out.write_zip(site, zipped)
        return
    with out.hosted_copy(site) as copy:
        if space:
            tell(out.upload_space(copy, space))
        else:
            git.push_branch(copy, remote, branch, old)
