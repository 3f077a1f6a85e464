"""A built site kept up with its sources while they are edited: what a change does not touch is not built again."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Collection, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tds_atlas.domain import InputError
from tds_atlas.parts import sole_writer, write_file
from tds_atlas.paths import real_path
from tds_atlas.report import query
from tds_atlas.report.docs import write_docs
from tds_atlas.report.navigation import write_navigation
from tds_atlas.report.own_folders import DOCS_MARKER, NAV, SITE_KEY, VIEWS, begin_site, finish_site
from tds_atlas.report.pages import OWN_FIGURES, OWN_PAGES, Page
from tds_atlas.report.site import build_site
from tds_atlas.report.written_pages import write_some_pages

_FIGURE = (".sql", ".py", ".json")
_OF_EDITORS = re.compile(r"^\.|^\d+$|~$|\.(swp|tmp|pyc)$")  # files that come and go while one writes


@dataclass(frozen=True)
class Preview:
    """The files of a report, of which the site was built once as a whole."""

    database: Path
    source: Path  # site_src
    docs: Path
    config: Path  # mkdocs.yml
    site: Path

    def state(self) -> dict[Path, int]:
        """The sources, each with the time of its last change in nanoseconds."""
        own = (path for folder in self._own for path in folder.glob("*"))
        times = {}
        for path in (self.database, self.config, *self.source.rglob("*"), *own):
            try:
                if path.is_file() and not _OF_EDITORS.search(path.name):
                    times[path] = path.stat().st_mtime_ns
            except OSError:  # gone meanwhile
                continue
        return times

    def update(self, changed: Collection[Path]) -> list[str]:
        """Bring the site up to date with changed, new or removed sources. Returns MkDocs' warnings of the pages.

        Raises InputError as `tds site` does; the site then stays as it was, or is built as a whole by the next call.
        """
        with sole_writer(self.docs):
            if all(map(self._is_light, changed)):
                self._copy_assets(changed)
                pages = self._write_pages(changed)
                if pages is not None:
                    return self._build_changed([page.file for page in pages])
            write_docs(self.database, self.source, self.docs)
            build_site(self.config, self.site)
            return []

    @property
    def _own(self) -> tuple[Path, Path]:
        return self.source.parent / OWN_FIGURES, self.source.parent / OWN_PAGES

    def _is_light(self, path: Path) -> bool:
        """Whether a change is of a page, a figure or an asset that is still there."""
        page = path.suffix == ".md" and (self.source in path.parents or path.parent == self._own[1])
        asset = self.source / "assets" in path.parents
        return path.is_file() and (page or asset or path.parent == self._own[0])

    def _copy_assets(self, changed: Iterable[Path]) -> None:
        for path in changed:
            if self.source / "assets" in path.parents:
                target = self.docs / path.relative_to(self.source)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(path.read_bytes())

    def _write_pages(self, changed: Collection[Path]) -> list[Page] | None:
        """The pages that are among these files, or show a figure that is; None if the navigation is another."""
        figures = {path.stem for path in changed if path.parent == self._own[0] and path.suffix in _FIGURE}

        def wanted(page: Page) -> bool:
            return page.path in changed or not figures.isdisjoint(page.figures)

        marker, nav = self.docs / DOCS_MARKER, self.docs.parent / NAV
        data_key = marker.read_text(encoding="utf-8").partition("\n")[0]
        if not data_key:
            return None
        before = nav.read_bytes()
        write_file(marker, data_key)  # so that the next report writes all pages
        self.docs.with_name(SITE_KEY).unlink(missing_ok=True)
        with closing(query.connect(self.database, self.docs.parent / VIEWS, query.FRUGAL)) as con:
            values = write_some_pages(con, self.source, self.docs, data_key, wanted)
        write_navigation(nav, values)
        return list(filter(wanted, values["pages"])) if nav.read_bytes() == before else None

    def _build_changed(self, pages: Iterable[str]) -> list[str]:
        """What MkDocs finds newer than the site, in this process: a page takes a third of a second."""
        from mkdocs.commands.build import build
        from mkdocs.config import load_config
        from mkdocs.exceptions import MkDocsException

        os.environ["NO_MKDOCS_2_WARNING"] = "1"
        warnings = _Warnings([f"'{page}'" for page in pages])
        log = logging.getLogger("mkdocs")
        log.propagate = False  # nothing else to the terminal
        log.addHandler(warnings)
        begin_site(self.site)
        try:
            folders = {"docs_dir": str(self.docs), "site_dir": str(real_path(self.site))}
            build(load_config(str(self.config), **folders), dirty=True)
        except MkDocsException as error:
            raise InputError(f"{self.config}: MkDocs failed: {error}") from None
        finally:
            log.removeHandler(warnings)
            finish_site(self.site)
        return list(dict.fromkeys(warnings.lines))


class _Warnings(logging.Handler):
    """Keeps what is said of certain pages: of those that are not read again, MkDocs knows no headings."""

    def __init__(self, pages: list[str]) -> None:
        super().__init__(logging.WARNING)
        self.pages, self.lines = pages, list[str]()

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if any(page in text for page in self.pages):
            self.lines.append(text)
