"""The folders that a report empties, build/docs and the site: only where a marker says that tds wrote what is there."""

from __future__ import annotations

from pathlib import Path

from tds_atlas.domain import InputError
from tds_atlas.parts import lock_path, write_file

DOCS_MARKER = ".tds-docs"  # in build/docs; docs.py keeps the keys of the content in it
SITE_MARKER = ".tds-site"  # in the site: a line, then the name of every file
_WHOLE, _UNFINISHED = "A site of TDS Atlas; its files:", "A site of TDS Atlas, not finished."
_OLD_SITE, _OLD_TEXT = "assets/js/search-list.js", "window.tdsSearchList="  # before there was a marker
NAV, SHOWN, OWN, VIEWS, SITE_KEY = "nav.yml", "shown.json", "own.json", "views.duckdb", "site.key"  # beside build/docs
MODELS = "models"  # there, too; live/published.py writes it, and looks at what stands there


def check_docs(docs: Path) -> None:
    """Refuse a folder of pages that holds anything else, and files of the user's under the names beside it."""
    if (docs / DOCS_MARKER).is_file():
        return
    if docs.exists() and (not docs.is_dir() or any(docs.iterdir())):
        raise InputError(f"{docs}: holds files that tds did not write; empty it or name another folder")
    for name in () if lock_path(docs).exists() else (NAV, SHOWN, OWN, VIEWS, SITE_KEY):
        if (docs.parent / name).exists():
            raise InputError(f"{docs.parent / name}: not written by tds, which would replace it; move it away")


def check_site(site: Path, option: str = "output.site") -> None:
    """Refuse a folder that holds anything but a site that tds built. Hidden files and folders at its top stay."""
    foreign = _foreign_file(site)
    if foreign is not None:
        problem = f"holds {foreign}, not written by tds" if foreign else "not a folder"
        raise InputError(f"{site}: {problem}; move it away, or name another folder in {option}")


def begin_site(site: Path) -> None:
    """Mark the folder before it is emptied, so that an interrupted build can be done again."""
    check_site(site)
    site.mkdir(parents=True, exist_ok=True)
    write_file(site / SITE_MARKER, f"{_UNFINISHED}\n")


def finish_site(site: Path) -> None:
    """Name in the marker what was built."""
    write_file(site / SITE_MARKER, "\n".join([_WHOLE, *_files(site)]) + "\n")


def is_site_file(name: str) -> bool:
    """Whether the name of a file, below a folder or not, shows that tds built the site it is in."""
    return name.endswith((SITE_MARKER, _OLD_SITE))


def _foreign_file(site: Path) -> str | None:
    """The first file of a folder that tds did not write; empty if it is not a folder."""
    if not site.is_dir():
        return "" if site.exists() or site.is_symlink() else None
    files = _files(site)
    marker = site / SITE_MARKER
    if marker.is_file():
        first, *names = marker.read_text(encoding="utf-8").splitlines() or [""]
        known = set(files if first == _UNFINISHED else names)
        return next((name for name in files if name not in known), None)
    old = site / _OLD_SITE
    if old.is_file() and old.read_bytes().startswith(_OLD_TEXT.encode()):
        return None
    return files[0] if files else None


def _files(site: Path) -> list[str]:
    """The names of all files, but of what is hidden at the top: MkDocs leaves that alone."""
    names = (path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_symlink() or not path.is_dir())
    return sorted(name for name in names if not name.startswith("."))
