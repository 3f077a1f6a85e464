"""Files written whole: no two writers share a part, leftovers of killed ones go, those of living ones stay."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tds_atlas import parts
from tds_atlas.domain import InputError
from tds_atlas.parts import new_part, sole_writer, temporary_folder, whole_file, write_file

WRITER = """import sys, time; from pathlib import Path; from tds_atlas.parts import sole_writer, whole_file
with sole_writer(Path("x.txt")), whole_file(Path("x.txt")) as part:
    part.write_text("half"); print("writes", flush=True); time.sleep(float(sys.argv[1])); part.write_text(sys.argv[1])
"""


def writer(seconds: str) -> subprocess.Popen[str]:
    run = [sys.executable, "-c", WRITER, seconds]
    return subprocess.Popen(run, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def leftovers() -> list[Path]:
    return list(Path().glob(".*.part*"))


def test_what_a_killed_writer_left_goes_with_the_next_and_holds_nobody_up() -> None:
    Path("x.txt").write_text("old", encoding="utf-8")
    killed = writer("60")
    assert killed.stdout and killed.stdout.readline() == "writes\n"
    assert len(leftovers()) == 1
    new_part(Path("x.txt").resolve())
    assert [path.read_text(encoding="utf-8") for path in leftovers()] == ["half"]  # of the living writer
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    with sole_writer(Path("x.txt")), whole_file(Path("x.txt")) as part:
        assert leftovers() == []
        part.write_text("new", encoding="utf-8")
    assert Path("x.txt").read_text(encoding="utf-8") == "new"


def test_a_second_writer_waits_with_one_line() -> None:
    first = writer("4")  # longer than a busy machine takes to start the second
    assert first.stdout and first.stdout.readline() == "writes\n"
    second = writer("0")
    assert first.wait() == 0 and second.wait() == 0
    assert second.stderr and second.stderr.read() == "x.txt: another tds is writing it; waiting until it is done\n"
    assert Path("x.txt").read_text(encoding="utf-8") == "0" and leftovers() == []


def test_a_part_of_another_host_goes_after_a_day() -> None:
    fresh, old, foreign = (Path(f".x.txt.{name}.part") for name in ("node-7-7-0123abcd", "node-7-8-0123abcd", "mine"))
    for path in (fresh, old, foreign):
        path.touch()
    os.utime(old, (0, time.time() - 90_000))
    new_part(Path("x.txt").resolve())
    assert not old.exists() and fresh.exists() and foreign.exists()


def test_parts_of_a_shared_process_number_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts.os, "getpid", lambda: 1)
    assert new_part(Path("x")) != new_part(Path("x"))


def test_a_writer_may_write_within_its_own_hold() -> None:
    with sole_writer(Path("x")), sole_writer(Path("x")):
        pass


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_a_block_that_fails_leaves_the_old_file(error: type[BaseException]) -> None:
    Path("x.txt").write_text("old", encoding="utf-8")
    with pytest.raises(error), whole_file(Path("x.txt")) as part:
        part.write_text("half", encoding="utf-8")
        raise error
    assert Path("x.txt").read_text(encoding="utf-8") == "old" and leftovers() == []


def test_a_full_disk_names_the_file() -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(InputError, match=r"^page.md: cannot be written: File too large$"):
            write_file(Path("page.md"), "x" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_lock_that_cannot_be_held_is_named(tmp_path: Path) -> None:
    (tmp_path / ".x.txt.lock").mkdir()
    with pytest.raises(InputError, match=r"/\.x\.txt\.lock: cannot be written: "), sole_writer(tmp_path / "x.txt"):
        pytest.fail("written")


KILLED = """import os, signal; from tds_atlas.parts import temporary_folder
folder = temporary_folder(); open(folder.name + "/x", "w").close(); os.kill(os.getpid(), signal.SIGKILL)
"""


def test_temporary_folders_of_killed_processes_go_and_all_others_stay(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts.tempfile, "tempdir", str(here))
    child = subprocess.Popen([sys.executable, "-c", KILLED], env=os.environ | {"TMPDIR": str(here)})
    child.wait()
    (left,) = here.iterdir()
    start, _, rest = left.name.partition(f"-{child.pid}-")
    assert rest and (left / "x").is_file()
    living = here / f"{start}-{os.getpid()}-aaaaaaaa"
    others = [living, here / f"tds-other-{child.pid}-aaaaaaaa", here / "tds-aaaaaaaa", here / f"{start}-{child.pid}-a.b"]
    for path in (*others, here / "elsewhere"):
        path.mkdir()
    link, file = here / f"{start}-{child.pid}-bbbbbbbb", here / f"{start}-{child.pid}-cccccccc"
    link.symlink_to("elsewhere")
    file.touch()
    foreign = here / f"{start}-{child.pid}-dddddddd"
    foreign.mkdir()
    if os.getuid() == 0:
        os.chown(foreign, 12345, -1)
    else:
        foreign.rmdir()
    with temporary_folder() as folder:
        there = set(here.iterdir()) - {Path(folder), foreign}
        assert there == {*others, here / "elsewhere", link, file} and foreign.exists() == (os.getuid() == 0)
        assert Path(folder).name.startswith(f"{start}-{os.getpid()}-")
    assert not Path(folder).exists()
