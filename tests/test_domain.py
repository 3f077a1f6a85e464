"""Messages of libraries as one line that keeps what a user can mend."""

from __future__ import annotations

import pytest

from tds_atlas.domain import one_line

CONFIG = (
    "Config name is missing.\nPlease pick one among the available configs: ['one', 'two']\nExample of usage:\n\t`x`"
)
SHAPES = "Error(s) in loading state_dict for X:\n\tsize mismatch for q_proj: copying a param with shape [4, 32]"
SQL = 'Binder Error: column "x" not found\n\nLINE 1: SELECT x FROM tds\n               ^'


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("", "ValueError"),
        (" \n ", "ValueError"),
        ("one", "one"),
        (
            CONFIG,
            "Config name is missing. Please pick one among the available configs: ['one', 'two'] Example of usage: `x`",
        ),
        (SHAPES, "Error(s) in loading state_dict for X: size mismatch for q_proj: copying a param with shape [4, 32]"),
        (SQL, 'Binder Error: column "x" not found LINE 1: SELECT x FROM tds'),
        ("x" * 301, "x" * 299 + "…"),
    ],
)
def test_a_message_is_one_line(message: str, line: str) -> None:
    assert one_line(ValueError(message)) == line
