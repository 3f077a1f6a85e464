"""Where a report writes, compared with what it reads: nothing that is emptied or replaced may hold an input."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tds_atlas.domain import InputError
from tds_atlas.inputs.report_file import Report
from tds_atlas.paths import holds

# Of the folder that `tds` runs in.
SITE_SOURCE, DOCS, SITE_CONFIG = Path("site_src"), Path("build/docs"), Path("mkdocs.yml")
MODELS = DOCS.with_name("models")  # that the site publishes


def check_outputs(path: Path, report: Report) -> None:
    """Raises InputError for an output that is or holds an input, or is where another output would be lost."""
    places = {f"output.{key}": getattr(report.output, key) for key in type(report.output).model_fields}
    outputs = {key: place for key, place in places.items() if isinstance(place, Path)}  # nothing is emptied in a bucket
    inputs = list(_inputs(path, report))
    for key, output in outputs.items():
        for name, held in inputs:
            if holds(output, held):
                what = "is" if holds(held, output) else "holds"
                raise InputError(f"{path}: {key}: {output} {what} {name} ({held}); name another place")
    emptied = {key: outputs[key] for key in ("output.site", "output.database")} | {"the folder of pages": DOCS}
    for key, folder in emptied.items():
        for other, output in outputs.items():
            if other != key and holds(folder, output):
                raise InputError(f"{path}: {other}: {output} is in {key} ({folder}), which is replaced; name another")


def _inputs(path: Path, report: Report) -> Iterator[tuple[str, Path]]:
    """What must not be emptied or replaced, each with its name."""
    yield "the report file", path
    for key, settings in (("prompts", report.prompts), ("roles", report.roles), ("controls", report.controls)):
        if settings is not None:
            yield f"{key}.path", settings.path
    for key in ("fingerprint", "recovery"):
        if (probe := getattr(report.probes, key)) is not None:
            yield f"probes.{key}.path", probe.path
    for group in ("models", "contexts", "responses"):
        for name, source in getattr(report, group).items():
            yield from ((f"{group}.{name}.path", at) for at in (source.path,) if at is not None)
            recorded = getattr(getattr(source, "engine", None), "path", None)
            yield from ((f"models.{name}.engine.path", at) for at in (recorded,) if at is not None)
            adapter = getattr(source, "adapter", None)
            yield from ((f"models.{name}.adapter.path", at) for at in (adapter and adapter.path,) if at is not None)
    yield "the folder that tds runs in", Path()
    yield "the site's pages", SITE_SOURCE
    yield "the site's settings", SITE_CONFIG
    yield "the folder of pages", DOCS
    yield "the pages' views", DOCS.with_name("views.duckdb")
    yield "the models of the site", MODELS
    with suppress(RuntimeError):  # no home folder
        yield "the home folder", Path.home()
