"""`tds publish` to a branch, with real repositories: what others committed is never replaced, what they added stays."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tds_atlas.domain import InputError
from tds_atlas.report import publish
from tds_atlas.report.branch import check_for_git, push_branch
from tests.cli.test_projects import PAGE, tds

SITE = {".nojekyll", "index.html", "sub/x.js"}


def git(*args: str, cwd: Path = Path()) -> str:
    return subprocess.run(["git", *args], cwd=cwd, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a checked-out main that its remote has, and a site."""
    monkeypatch.chdir(tmp_path)
    git("init", "-q", "--bare", "-b", "main", "remote.git")
    git("init", "-q", "-b", "main", ".")
    for key, value in (("user.email", "a@example.org"), ("user.name", "A"), ("core.autocrlf", "true")):
        git("config", key, value)
    git("remote", "add", "origin", "remote.git")
    commit("main", {"thesis.txt": "mine"})
    (tmp_path / "site/sub").mkdir(parents=True)
    (tmp_path / "site/index.html").write_text(PAGE, encoding="utf-8", newline="\r\n")
    (tmp_path / "site/sub/x.js").write_text("1\r\n", encoding="utf-8", newline="")
    return tmp_path


def commit(branch: str, files: dict[str, str], message: str = "By hand") -> str:
    """A commit on a branch of the remote, as another clone makes it."""
    clone = Path("clone")
    if not clone.exists():
        git("clone", "-q", "remote.git", str(clone))
        for key, value in (("user.email", "b@example.org"), ("user.name", "B")):
            git("config", key, value, cwd=clone)
    git("fetch", "-q", cwd=clone)
    known = f"origin/{branch}" in git("branch", "-r", cwd=clone)
    git("checkout", "-q", *(("-B", branch, f"origin/{branch}") if known else ("--orphan", branch)), cwd=clone)
    for name, text in files.items():
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).write_text(text, encoding="utf-8")
    git("add", "-A", cwd=clone)
    git("commit", "-q", "-m", message, cwd=clone)
    git("push", "-q", "origin", branch, cwd=clone)
    if branch == "main":
        git("pull", "-q", "origin", "main")
    return git("rev-parse", "HEAD", cwd=clone)


def names(branch: str = "gh-pages") -> set[str]:
    git("fetch", "-q", "origin")
    return set(git("ls-tree", "-r", "--name-only", f"origin/{branch}").split())


def publication(branch: str = "gh-pages") -> None:
    site = publish.built(Path("site"))
    old = check_for_git(site, "origin", branch)
    with publish.hosted_copy(site) as copy:
        push_branch(copy, "origin", branch, old)


def refusal(branch: str = "gh-pages") -> str:
    with pytest.raises(InputError) as raised:
        publication(branch)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_the_site_is_published_under_its_policy_and_published_again(project: Path) -> None:
    assert "git remote 'mirror'" in tds("publish", "--dry-run", "--remote", "mirror", cwd=project).stderr
    said = tds("publish", "--dry-run", cwd=project).stdout
    assert "This will replace the branch gh-pages of the git remote origin by site (2 files" in said
    assert "gh-pages" not in git("ls-remote", "origin")
    done = tds("publish", "--yes", cwd=project)
    assert done.returncode == 0, done.stderr
    assert names() == SITE and "Content-Security-Policy" in git("show", "origin/gh-pages:index.html")
    assert subprocess.check_output(["git", "show", "origin/gh-pages:sub/x.js"]) == b"1\r\n"
    assert "Content-Security-Policy" not in (project / "site/index.html").read_text(encoding="utf-8")
    first = git("rev-parse", "origin/gh-pages")
    (project / "site/new.html").write_text(PAGE, encoding="utf-8")
    publication()
    assert names() == SITE | {"new.html"} and git("rev-parse", "origin/gh-pages") != first
    assert git("rev-list", "--count", "origin/gh-pages") == "1"
    assert git("status", "--porcelain", "-uno") == "" and git("branch", "--format=%(refname:short)") == "main"


def test_a_branch_that_is_checked_out_anywhere_is_refused(project: Path) -> None:
    before = git("rev-parse", "main")
    done = tds("publish", "--branch", "main", "--yes", cwd=project)
    assert done.returncode == 2 and done.stderr == "tds: branch main: checked out here; name another with --branch\n"
    assert git("rev-parse", "main") == before and git("ls-remote", "origin", "main").split()[0] == before
    git("worktree", "add", "-q", "-b", "pages", "elsewhere")
    assert refusal("pages").startswith("branch pages: checked out here")


def test_a_default_branch_and_a_branch_made_by_hand_are_refused(project: Path) -> None:
    git("checkout", "-q", "-b", "work")
    before = git("ls-remote", "origin", "main")
    assert refusal("main").endswith(
        ", By hand) was not made by tds publish; name another branch with --branch, or delete this one there"
    )
    tip = commit("gh-pages", {"index.html": "by hand", "CNAME": "me.org"})
    assert f"branch gh-pages of origin: its last commit ({tip[:7]}, By hand)" in refusal()
    assert git("ls-remote", "origin", "gh-pages").split()[0] == tip and git("ls-remote", "origin", "main") == before
    assert "invalid" in refusal("a b")


def test_a_domain_set_on_the_branch_stays(project: Path) -> None:
    """GitHub's settings commit a CNAME on top of a publication."""
    publication()
    commit("gh-pages", {"CNAME": "report.me.org"}, "Create CNAME")
    for _ in range(2):
        publication()
        assert names() == SITE | {"CNAME"} and git("show", "origin/gh-pages:CNAME") == "report.me.org"
    assert git("rev-list", "--count", "origin/gh-pages") == "1"


@pytest.mark.parametrize("file", ["robots.txt", "index.html"])
def test_other_commits_on_a_publication_are_not_lost(project: Path, file: str) -> None:
    publication()
    tip = commit("gh-pages", {file: "by hand"})
    commit("gh-pages", {"CNAME": "me.org"})
    assert "was not made by tds publish" in refusal()
    git("fetch", "-q", "origin")
    assert tip in git("rev-list", "origin/gh-pages")


def test_an_amended_publication_is_not_lost(project: Path) -> None:
    publication()
    commit("gh-pages", {"index.html": "by hand"})
    clone = project / "clone"
    git("reset", "-q", "--soft", "HEAD~1", cwd=clone)
    git("commit", "-q", "--amend", "--no-edit", cwd=clone)
    git("push", "-q", "--force", "origin", "gh-pages", cwd=clone)
    assert "(Publish the report)" not in refusal() and "Publish the report" in refusal()


def test_a_publication_of_an_earlier_version_is_replaced(project: Path) -> None:
    files = {"index.html": PAGE, "assets/js/search-list.js": "window.tdsSearchList=[];", ".nojekyll": ""}
    clone_first = commit("main", {"more.txt": "mine"})
    git("checkout", "-q", "--orphan", "gh-pages", cwd=project / "clone")
    git("rm", "-rqf", ".", cwd=project / "clone")
    commit("gh-pages", files, "Publish the report")
    publication()
    assert names() == SITE and clone_first in git("rev-list", "origin/main")


def test_what_is_pushed_meanwhile_is_not_lost(project: Path) -> None:
    publication()
    site = publish.built(project / "site")
    old = check_for_git(site, "origin", "gh-pages")
    tip = commit("gh-pages", {"index.html": "by hand"})
    with (
        publish.hosted_copy(site) as copy,
        pytest.raises(InputError, match=r"^git: the push to origin gh-pages failed: "),
    ):
        push_branch(copy, "origin", "gh-pages", old)
    assert git("ls-remote", "origin", "gh-pages").split()[0] == tip


def test_a_machine_whose_git_knows_no_name_publishes(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in (("user.name", ""), ("user.email", ""), ("user.useConfigOnly", "true")):
        git("config", key, value)
    publication()
    assert git("log", "-1", "--format=%an", "origin/gh-pages") == "tds"


def test_what_github_would_refuse_is_refused_before(project: Path) -> None:
    with (project / "site/large.bin").open("wb") as file:
        file.truncate(100_000_001)
    assert "large.bin: 100 MB; git hosts refuse" in refusal()
