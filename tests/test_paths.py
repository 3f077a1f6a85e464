"""Paths: what they lead to, and what lies in what."""

from __future__ import annotations

from pathlib import Path

from tds_atlas.paths import holds


def test_a_link_to_itself_lies_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    assert holds(tmp_path, tmp_path / "loop") and not holds(tmp_path / "loop", tmp_path / "other")
