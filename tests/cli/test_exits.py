"""How a command ends: a terminal of another encoding, closed streams, a closed pipe, a full disk, Ctrl+C."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tds_atlas.cli.exits import run
from tds_atlas.domain import InputError
from tests.cli.test_cli import refused
from tests.report import synthetic

TDS = [sys.executable, "-m", "tds_atlas"]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(synthetic.write(tmp_path_factory.mktemp("exits") / "made.duckdb", prompts=2))


def test_a_terminal_of_another_encoding_gets_the_numbers_of_characters(database: str) -> None:
    env = os.environ | {"PYTHONIOENCODING": "latin-1"}
    command = [*TDS, "query", "--db", database, "-f", "csv", "SELECT '→ é' AS a"]
    done = subprocess.run(command, capture_output=True, env=env, check=True)
    assert done.stdout == b"a\n\\u2192 \xe9\n" and done.stderr == b""


def test_a_closed_pipe_is_no_error(database: str) -> None:
    command = f"{sys.executable} -m tds_atlas query --db {database} -f csv 'FROM score' | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("response_id,") and done.stderr == ""


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        (b"SELECT '\xff'", "tds: the SQL holds half a character"),
        (b"SELECT 1\0, 2", "tds: the SQL holds a NUL character"),
    ],
)
def test_sql_that_is_no_text(database: str, sql: bytes, message: str) -> None:
    done = subprocess.run([*TDS, "query", "--db", database, "-"], input=sql, capture_output=True)
    assert done.returncode == 2 and done.stderr.decode().startswith(message) and done.stderr.count(b"\n") == 1


def test_closed_streams(database: str) -> None:
    for redirection, code, said in (
        ("- <&-", 2, "tds: standard input is closed; give the SQL"),
        ("'SELECT 1' >&-", 0, ""),
    ):
        command = f"{sys.executable} -m tds_atlas query --db {database} {redirection}"
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
        assert done.returncode == code and done.stderr.startswith(said) and done.stderr.count("\n") == bool(said)


def test_an_interrupted_query_is_one_line(database: str) -> None:
    endless = "SELECT count(*) FROM range(100_000_000_000) t(i) WHERE i % 7 = 3"
    process = subprocess.Popen(
        [*TDS, "query", "--db", database, endless],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    time.sleep(2)  # the query runs by then
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 130 and said == "tds: interrupted; finished work is kept\n"


def test_other_ends(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    def full_disk(path: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def interrupted() -> None:
        raise KeyboardInterrupt

    def two_lines() -> None:
        raise InputError("a\nb\x1b")

    assert run(lambda: full_disk(tmp_path / "page.md")) == 2
    assert capsys.readouterr().err == f"tds: {tmp_path / 'page.md'}: No space left on device\n"
    assert run(interrupted) == 130 and capsys.readouterr().err == "tds: interrupted; finished work is kept\n"
    assert run(two_lines) == 2 and capsys.readouterr().err == "tds: a\\nb\\x1b\n"
    with pytest.raises(ZeroDivisionError):
        run(lambda: 1 / 0)


def test_a_port_that_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "site").mkdir()
    (tmp_path / "site/index.html").write_text("hi")
    for port in ("99999", "0"):
        assert refused("serve", "--port", port) == f"tds: --port {port}: not a port; give a number from 1 to 65535"
