"""Reports without their images, which take longest to make: for tests that look at anything else. Imports next to nothing,
since the second process of a report imports it too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

_NEEDED = (
    "aligntds_beside",
    "calibration_precision",
    "changed_shares",
    "design_effect",
    "first_divergence",
    "forking_overlap",
    "kl_concentration",
    "kl_distribution",
    "kl_in_first",
    "rank_distribution",
)


def write_images(folder: Path, name: str, spec: dict[str, Any]) -> None:
    """In the place of drawing.write_images: the same files."""
    for kind in ("light.svg", "dark.svg", "png"):
        (folder / f"{name}.{kind}").write_text(str(len(spec)), encoding="utf-8")


@contextmanager
def few_figures() -> Iterator[None]:
    """Reports with the figures alone whose rows their sentences need, and without Vega: for tests that look at no figure."""
    from tds_atlas.report import figures

    few = {name: figure for name, figure in figures.FIGURES.items() if name in _NEEDED}
    with patch("tds_atlas.report.figures.FIGURES", few), patch("tds_atlas.report.written_pages.vega_bundle", str):
        yield


@contextmanager
def undrawn() -> Iterator[None]:
    with patch("tds_atlas.report.docs.write_images", write_images):
        yield
