"""Tables of mistakes and of what each is answered: a YAML file beside the tests that take them."""

from __future__ import annotations

from pathlib import Path

import yaml


def cases(name: str) -> list[dict[str, str]]:
    """The rows of NAME.yml."""
    rows: list[dict[str, str]] = yaml.safe_load(Path(__file__).with_name(f"{name}.yml").read_text(encoding="utf-8"))
    assert len(rows) > 9
    return rows
