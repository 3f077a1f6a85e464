"""Files and folders written under a temporary name, a part, and renamed when whole. One writer at a time.

A part is named after its host and process: no two writers share one, and what a killed process left is recognised. So
are folders in the system's place for temporary files.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import stat
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from tds_atlas.domain import InputError, one_line
from tds_atlas.paths import real_path
from tds_atlas.terminal import say


def _processes() -> str:
    """Among what a process number means something: the machine, and where containers share its name, the container."""
    with suppress(OSError):
        return f"{platform.node()}-{Path('/proc/self/ns/pid').stat().st_ino}"
    return platform.node() or "host"


_HOST = re.sub(r"[^A-Za-z0-9]+", "-", _processes())
_TEMPORARY = re.compile(rf"tds-{re.escape(_HOST)}-(\d{{1,9}})-[a-z0-9_]{{8}}")
_DAY = 24 * 60 * 60  # seconds: nobody writes to a part of another host that was not touched for so long


def new_part(target: Path) -> Path:
    """A temporary path beside a file or folder, of this writer alone. Removes the parts that killed processes left."""
    clear_parts(target)
    return target.with_name(f".{target.name}.{_HOST}-{os.getpid()}-{uuid.uuid4().hex[:8]}.part")


def clear_parts(target: Path) -> None:
    """Remove what killed processes left of a file or folder."""
    pattern = re.compile(rf"\.{re.escape(target.name)}\.(.+)-(\d{{1,9}})-[0-9a-f]{{8}}\.part(\.wal|\.tmp)?")
    for path in target.parent.iterdir() if target.parent.is_dir() else ():
        name = pattern.fullmatch(path.name)
        if name and _is_left(path, name[1], int(name[2])):
            discard(path)


def temporary_folder() -> tempfile.TemporaryDirectory[str]:
    """A folder for temporary files, which goes with the object. Removes those of this user's killed processes here.

    Those of another host are left: the age of a folder does not say whether somebody still reads it.
    """
    place = Path(tempfile.gettempdir())
    for path in place.glob("tds-*") if os.name == "posix" else ():
        name = _TEMPORARY.fullmatch(path.name)
        if name and _is_own_folder(path) and _is_left(path, _HOST, int(name[1])):
            shutil.rmtree(path, ignore_errors=True)
    return tempfile.TemporaryDirectory(prefix=f"tds-{_HOST}-{os.getpid()}-", ignore_cleanup_errors=True)


def discard(path: Path) -> None:
    """Delete a file or a folder, if there is one, and what DuckDB leaves beside a file when it is killed."""
    for leftover in (path, path.with_name(f"{path.name}.wal"), path.with_name(f"{path.name}.tmp")):
        if leftover.is_dir() and not leftover.is_symlink():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A part that becomes the file when the block ends, and is removed if the block fails.

    Raises InputError if the disk does not take it. Where the path is a link, the file that it leads to is replaced.
    """
    target = real_path(path)
    part = new_part(target)
    try:
        yield part
        part.replace(target)
    except OSError as error:
        raise unwritable(path, error) from None
    finally:
        discard(part)


@contextmanager
def sole_writer(target: Path) -> Iterator[None]:
    """Wait until no other process writes a file or folder. The system ends the hold of a process that was killed."""
    file = lock_path(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(file, is_singleton=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            say(f"{target}: another tds is writing it; waiting until it is done")
            lock.acquire()
    except OSError as error:
        raise unwritable(file if os.path.lexists(file) else target, error) from None
    try:
        yield
    finally:
        lock.release()


def write_file(path: Path, content: str | bytes) -> None:
    """Write a file. Raises InputError with its name: the system does not say which file a full disk did not take."""
    try:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise unwritable(path, error) from None


def copy_tree(source: Path, target: Path, leave_out: Sequence[str] = ()) -> None:
    """Copy a folder without the records of git and names of these patterns.

    Raises InputError with the name of the first file that fails.
    """
    try:
        shutil.copytree(source, target, ignore=shutil.ignore_patterns(".git", *leave_out))
    except shutil.Error as error:
        _, name, reason = error.args[0][0]
        raise InputError(f"{name}: cannot be written: {reason}") from None
    except OSError as error:
        raise unwritable(Path(error.filename2 or target), error) from None


def lock_path(target: Path) -> Path:
    """The file that a writer holds; it stays, and shows that tds has written here."""
    path = real_path(target)
    return path.with_name(f".{path.name}.lock")


def unwritable(path: Path, error: OSError) -> InputError:
    """The error of a disk as one line that names the file."""
    return InputError(f"{path}: cannot be written: {error.strerror or one_line(error)}")


def _is_own_folder(path: Path) -> bool:
    """Whether it is a folder of this user, and no link: others may write into the system's place, too."""
    with suppress(OSError):
        found = path.lstat()
        return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    return False


def _is_left(part: Path, host: str, pid: int) -> bool:
    """Whether the process that wrote a part is gone. On another host, that is judged by the age of the part."""
    if host == _HOST and os.name == "posix":
        with suppress(PermissionError):  # of a living process of another user
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return True
        return False
    with suppress(FileNotFoundError):
        return time.time() - part.stat().st_mtime > _DAY
    return False
