"""Publish a built site: as a zip file or a static Space of the Hugging Face hub. For a branch see branch.py."""

from __future__ import annotations

import html
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from tds_atlas.domain import InputError, one_line
from tds_atlas.parts import copy_tree, temporary_folder, whole_file
from tds_atlas.paths import holds
from tds_atlas.report.csp import add_policy
from tds_atlas.report.own_folders import is_site_file

_DAY = (2024, 7, 26, 0, 0, 0)  # of every file in a zip: two builds are byte-equal
_ZIP = b"A site of TDS Atlas"  # the comment of every zip that tds writes


@dataclass(frozen=True)
class Site:
    """A folder that `tds site` built."""

    folder: Path
    files: tuple[Path, ...]
    size: int  # bytes

    @property
    def title(self) -> str:
        match = re.search(r"<title>(.*?)</title>", (self.folder / "index.html").read_text(encoding="utf-8"), re.DOTALL)
        return html.unescape(match.group(1)).strip() if match else "TDS Atlas"

    def __str__(self) -> str:
        return f"{self.folder} ({len(self.files):,} files, {self.size / 1e6:,.1f} MB)"


def built(folder: Path) -> Site:
    if not (folder / "index.html").is_file():
        raise InputError(f"{folder}: no site here yet; run `tds site` first")
    files = tuple(sorted(path for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts))
    return Site(folder, files, sum(path.stat().st_size for path in files))


def write_zip(site: Site, target: Path) -> None:
    """The folder as a zip, to be opened by its index.html, in place of an earlier one. Appears when it is complete."""
    check_zip(site, target)
    with whole_file(target) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = _ZIP
        for path in site.files:
            name = f"{target.stem}/{path.relative_to(site.folder).as_posix()}"
            entry = zipfile.ZipInfo(name, _DAY)
            entry.compress_type = (
                zipfile.ZIP_STORED if path.suffix in (".gz", ".png", ".woff2") else zipfile.ZIP_DEFLATED
            )
            archive.writestr(entry, path.read_bytes())


def check_zip(site: Site, target: Path) -> None:
    """Refuse a file that is not a zip of a site, and a place within the site, which is emptied."""
    if holds(site.folder, target):
        raise InputError(f"{target}: is in the site, which is emptied; name another file with --zip")
    if target.exists():
        try:
            with zipfile.ZipFile(target) as archive:
                ours = archive.comment == _ZIP or any(map(is_site_file, archive.namelist()))
        except (zipfile.BadZipFile, OSError):
            ours = False
        if not ours:
            raise InputError(f"{target}: not a zip of a site; it is left alone: name another file with --zip")


@contextmanager
def hosted_copy(site: Site) -> Iterator[Site]:
    """A copy with the strict content policy; the folder itself still opens from file://."""
    with temporary_folder() as folder:
        copy = Path(folder) / "site"
        copy_tree(site.folder, copy)
        add_policy(copy)
        yield built(copy)


def space_card(title: str) -> str:
    """The README of a static Space."""
    front = {
        "title": title,
        "emoji": "🔎",
        "colorFrom": "gray",
        "colorTo": "red",
        "sdk": "static",
        "app_file": "index.html",
    }
    return f"---\n{yaml.safe_dump(front, allow_unicode=True, sort_keys=False)}---\n"


def _foreign(names: list[str]) -> str | None:
    """A file of a Space without a site; None if there is a site, or nothing but what every new Space has."""
    if any(map(is_site_file, names)):
        return None
    return next((name for name in sorted(names) if name not in (".gitattributes", "README.md")), None)


def upload_space(site: Site, name: str) -> str:
    """Create the Space if it does not exist, and upload the site as one commit. Returns its address.

    A Space of the user's is left alone; so is the card of an earlier upload, which may have been edited.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError

    api = HfApi()
    try:
        if not api.repo_exists(name, repo_type="space"):
            api.create_repo(name, repo_type="space", space_sdk="static")
            card = space_card(site.title).encode()
            api.upload_file(path_or_fileobj=card, path_in_repo="README.md", repo_id=name, repo_type="space")
        elif foreign := _foreign(api.list_repo_files(name, repo_type="space")):
            raise InputError(f"Space {name}: holds {foreign}, and no site of tds; name another with --hf")
        api.upload_folder(folder_path=site.folder, repo_id=name, repo_type="space", commit_message="Publish the report")
    except (HfHubHTTPError, HFValidationError, LocalTokenNotFoundError, OSError) as error:
        raise InputError(f"Space {name}: {one_line(error)}") from None
    return f"https://huggingface.co/spaces/{name}"
