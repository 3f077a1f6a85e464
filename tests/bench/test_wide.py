"""A report on a vocabulary of 262,144, from nothing to its site, within 3 GB and with the settings as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench import wide


@pytest.mark.large
def test_a_wide_vocabulary_needs_three_gigabytes(tmp_path: Path) -> None:
    wide.write_project(tmp_path, prompts=40)
    (step,) = wide.steps(tmp_path, "site")
    assert (tmp_path / "site/index.html").is_file() and step.peak < 3000  # MB
