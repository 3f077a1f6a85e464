"""The site as a branch of a git remote, for GitHub Pages. Only a branch that tds published is replaced.

A publication is one commit without history that names its own tree: a commit with other content is of somebody else.
Local branches, the index and the checked-out files are never touched.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tds_atlas.domain import InputError, one_line
from tds_atlas.parts import temporary_folder
from tds_atlas.report.own_folders import is_site_file
from tds_atlas.report.publish import Site

_PAGES_SITE, _GIT_FILE = 1_000_000_000, 100_000_000  # bytes: what GitHub takes
_KEPT = ("CNAME", ".nojekyll")  # of the branch: a custom domain, which GitHub's settings commit; pages as they are
_MESSAGE, _TREE = "Publish the report", "TDS-Atlas-Tree"


def check_for_git(site: Site, remote: str, branch: str) -> str:
    """The commit that a publication would replace; empty if there is none.

    Raises InputError for an unknown remote, for what GitHub would refuse only after the upload, and for a branch that
    is not of tds.
    """
    large = next((path for path in site.files if path.stat().st_size > _GIT_FILE), None)
    if large:
        raise InputError(f"{large}: {large.stat().st_size / 1e6:,.0f} MB; git hosts refuse files above 100 MB")
    if site.size > _PAGES_SITE:
        raise InputError(f"{site}: GitHub Pages takes at most 1 GB; lower site.example_pages in the report file")
    try:
        _git("remote", "get-url", "--", remote)
    except InputError as error:
        raise InputError(f"git remote {remote!r}: {error}; name another with --remote") from None
    if f"branch refs/heads/{branch}\n" in _git("worktree", "list", "--porcelain") + "\n":
        raise InputError(f"branch {branch}: checked out here; name another with --branch")
    return _replaceable(remote, branch)


def push_branch(site: Site, remote: str, branch: str, old: str) -> None:
    """Replace a branch with the site, without history, unless it has changed since `check_for_git` returned `old`."""
    with temporary_folder() as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        (site.folder / ".nojekyll").touch()
        plain = ("-c", "core.autocrlf=false", "-c", "core.safecrlf=false", "-c", f"core.attributesFile={os.devnull}")
        _git(*plain, f"--work-tree={site.folder.resolve()}", "add", "--all", "--force", ".", env=index)
        for name in _KEPT:
            if old and not (site.folder / name).exists() and (entry := _git("ls-tree", old, "--", name)):
                mode, _, blob = entry.split()[:3]
                _git("update-index", "--add", "--cacheinfo", f"{mode},{blob},{name}", env=index)
        tree = _git("write-tree", env=index)
    commit = _git("commit-tree", tree, "-m", f"{_MESSAGE}\n\n{_TREE}: {tree}", env=_identity())
    ref = f"refs/heads/{branch}"
    try:
        _git("push", "--quiet", f"--force-with-lease={ref}:{old}", remote, f"{commit}:{ref}")
    except InputError as error:
        raise InputError(f"git: the push to {remote} {branch} failed: {error}") from None


def _replaceable(remote: str, branch: str) -> str:
    """The last commit of the remote's branch. Raises InputError if anything but a few files is not of tds."""
    ref = f"refs/heads/{branch}"
    tips = dict(line.split("\t")[::-1] for line in _git("ls-remote", "--", remote, ref).splitlines())
    if ref not in tips:
        return ""
    tip = tips[ref]
    _git("fetch", "--quiet", "--no-tags", remote, ref)
    for commit in _git("rev-list", "--first-parent", tip).split():
        if not set(_git("diff", "--name-only", "--no-renames", commit, tip).splitlines()) <= set(_KEPT):
            break
        if _is_ours(commit):
            return tip
    subject = _git("log", "-1", "--format=%h, %s", tip)
    raise InputError(
        f"branch {branch} of {remote}: its last commit ({subject}) was not made by tds publish; name another branch "
        "with --branch, or delete this one there"
    )


def _is_ours(commit: str) -> bool:
    """Whether a commit is a publication, as it was made. Those of earlier versions name no tree."""
    message, tree = _git("log", "-1", "--format=%B", commit).strip(), _git("rev-parse", f"{commit}^{{tree}}")
    if message == _MESSAGE:
        names = _git("ls-tree", "-r", "--name-only", commit).splitlines()
        return "index.html" in names and any(map(is_site_file, names))
    match = re.search(rf"^{_TREE}: (\w+)$", message, re.MULTILINE)
    return match is not None and match[1] == tree


def _identity() -> dict[str, str]:
    """Name and address for the commit where git knows none, as on a fresh machine."""
    try:
        _git("var", "GIT_COMMITTER_IDENT")
    except InputError:
        return {f"GIT_{who}_{what}": "tds" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    return {}


def _git(*args: str, env: Mapping[str, str] | None = None) -> str:
    """What git prints. Raises InputError with the first line of its complaint."""
    every = {**os.environ, **(env or {})}
    done = subprocess.run(["git", *args], capture_output=True, text=True, errors="replace", env=every)
    if done.returncode:
        complaints = re.findall(r"^(?:fatal|error|.*rejected).*", done.stderr, re.MULTILINE)
        raise InputError((complaints or [one_line(OSError(done.stderr))])[0].strip())
    return done.stdout.strip()
