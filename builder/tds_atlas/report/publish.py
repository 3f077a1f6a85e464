"""Publish a built site: as a zip file, a branch for GitHub Pages, or a static Space of the Hugging Face Hub."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from tds_atlas.domain import InputError, first_line
from tds_atlas.report.csp import add_policy

_DAY = (2024, 7, 26, 0, 0, 0)  # of every file in a zip: two builds are byte-equal
_PAGES_SITE, _GIT_FILE = 1_000_000_000, 100_000_000  # bytes: what GitHub takes


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
    files = tuple(sorted(path for path in folder.rglob("*") if path.is_file()))
    return Site(folder, files, sum(path.stat().st_size for path in files))


def write_zip(site: Site, target: Path) -> None:
    """The folder as a zip, to be opened by its index.html. Written under another name and renamed."""
    part = target.with_name(f".{target.name}.part")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in site.files:
                name = f"{target.stem}/{path.relative_to(site.folder).as_posix()}"
                entry = zipfile.ZipInfo(name, _DAY)
                entry.compress_type = (
                    zipfile.ZIP_STORED if path.suffix in (".gz", ".png", ".woff2") else zipfile.ZIP_DEFLATED
                )
                archive.writestr(entry, path.read_bytes())
        part.replace(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise InputError(f"{target}: cannot be written: {error.strerror}") from None


@contextmanager
def hosted_copy(site: Site) -> Iterator[Site]:
    """A copy with the strict content policy; the folder itself still opens from file://."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "site"
        shutil.copytree(site.folder, copy)
        add_policy(copy)
        yield built(copy)


def check_for_git(site: Site, remote: str) -> None:
    """Raises InputError for an unknown remote, and for sizes that GitHub would refuse only after the upload."""
    large = next((path for path in site.files if path.stat().st_size > _GIT_FILE), None)
    if large:
        raise InputError(f"{large}: {large.stat().st_size / 1e6:,.0f} MB; git hosts refuse files above 100 MB")
    if site.size > _PAGES_SITE:
        raise InputError(f"{site}: GitHub Pages takes at most 1 GB; lower site.example_pages in the report file")
    known = subprocess.run(["git", "remote", "get-url", remote], capture_output=True, text=True)
    if known.returncode:
        raise InputError(f"git remote {remote!r}: {first_line(OSError(known.stderr))}; name another with --remote")


def push_branch(site: Site, remote: str, branch: str) -> None:
    """Replace a branch with the site, without history, and push it."""
    from ghp_import import GhpError, ghp_import

    options = {"remote": remote, "branch": branch, "push": True, "force": True, "nojekyll": True, "no_history": True}
    try:
        ghp_import(str(site.folder), mesg="Publish the report", **options)
    except (GhpError, subprocess.CalledProcessError, OSError) as error:
        raise InputError(f"git: the push to {remote} {branch} failed: {first_line(error)}") from None


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


def upload_space(site: Site, name: str) -> str:
    """Create the Space if it does not exist, and upload the site as one commit. Returns its address."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError

    api = HfApi()
    try:
        api.create_repo(name, repo_type="space", space_sdk="static", exist_ok=True)
        card = space_card(site.title).encode()
        api.upload_file(path_or_fileobj=card, path_in_repo="README.md", repo_id=name, repo_type="space")
        api.upload_folder(folder_path=site.folder, repo_id=name, repo_type="space", commit_message="Publish the report")
    except (HfHubHTTPError, HFValidationError, LocalTokenNotFoundError, OSError) as error:
        raise InputError(f"Space {name}: {first_line(error)}") from None
    return f"https://huggingface.co/spaces/{name}"
