"""What reaches a terminal: no code that it would obey, and into a pipe or a file every character as it is."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tds_atlas.terminal import complain, say, tell
from tests.cli.test_cli import refused
from tests.report import synthetic

CODES = "\x1b[2J\x07\r\u202e\u2066\x9b\u200b天"
SQL = r"SELECT chr(27) || '[2J' || chr(8238) AS text, 1 AS " + f'"{CODES}"'


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_result_is_exact_in_a_pipe_and_inert_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream in (_Terminal(), io.StringIO()):
        monkeypatch.setattr(sys, "stdout", stream)
        tell(f"one {CODES}\ntwo")
        lines = stream.getvalue().split("\n")
        if stream.isatty():
            assert lines == ["one \\x1b[2J\\x07\\r\\u202e\\u2066\\x9b\\u200b天", "two", ""]
        else:
            assert lines == [f"one {CODES}", "two", ""]


def test_messages_and_errors_are_inert_everywhere(capfd: pytest.CaptureFixture[str]) -> None:
    say(f"said {CODES}")
    complain(f"wrong {CODES}\nmore")
    assert all(line.isprintable() for line in capfd.readouterr().err.splitlines())


def test_codes_in_an_unknown_key_do_not_reach_the_terminal(project: Path) -> None:
    text = (project / "report.yml").read_text(encoding="utf-8")
    (project / "report.yml").write_text(text + '"\\e[2J\\u202Ekey": 1\n', encoding="utf-8")
    line = refused("check", "report.yml")
    assert line.isprintable() and r"\x1b[2J\u202ekey" in line


@pytest.mark.parametrize("style", ["csv", "json", "table"])
def test_codes_in_rows_and_columns_do_not_reach_the_terminal(tmp_path: Path, style: str) -> None:
    command = [sys.executable, "-m", "tds_atlas", "query", "-f", style, SQL]
    command += ["--db", str(synthetic.write(tmp_path / "made.duckdb", prompts=2))]
    ours, theirs = pty.openpty()
    subprocess.run(command, stdout=theirs, check=True)
    os.close(theirs)
    shown = os.read(ours, 10_000).decode().replace("\r\n", "\n")
    os.close(ours)
    assert all(line.isprintable() for line in shown.split("\n")) and "\\x1b[2J" in shown.replace("\\\\", "\\").replace(
        "u001b", "x1b"
    )
    piped = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if style == "csv":
        assert "\x1b[2J\u202e" in piped
