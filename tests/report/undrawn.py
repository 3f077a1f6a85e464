"""Reports without their images, which take longest to make, or of a few pages: for tests that look at anything else. Imports
next to nothing, since the second process of a report imports it too."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

_ROOT = Path(__file__).parents[2]
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


def copy_pages(project: Path, *pages: str) -> None:
    """The site's sources into a folder; of the pages these alone, if any are named."""
    shutil.copytree(_ROOT / "site_src", project / "site_src")
    for page in list((project / "site_src").rglob("*.md")) if pages else ():
        if page.relative_to(project / "site_src").as_posix() not in pages:
            page.unlink()


def write_images(folder: Path, name: str, spec: dict[str, Any]) -> None:
    """In the place of drawing.write_images: the same files."""
    for kind in ("light.svg", "dark.svg", "png"):
        (folder / f"{name}.{kind}").write_text(str(len(spec)), encoding="utf-8")


def no_answers(database: Path, views: Path) -> dict[str, Any]:
    """In the place of cookbook.answers_on_pages: a cookbook without a question, a schema without samples."""
    return {"cookbook": [], "sample": {}}


@contextmanager
def few_figures() -> Iterator[None]:
    """Reports with the figures alone whose rows their sentences need, without Vega, and without the cookbook's answers: for
    tests that look at none of these."""
    from tds_atlas.report import figures

    few = {name: figure for name, figure in figures.FIGURES.items() if name in _NEEDED}
    with (
        patch("tds_atlas.report.figures.FIGURES", few),
        patch("tds_atlas.report.written_pages.vega_bundle", str),
        patch("tds_atlas.report.docs.answers_on_pages", no_answers),
    ):
        yield


@contextmanager
def undrawn() -> Iterator[None]:
    with patch("tds_atlas.report.docs.write_images", write_images):
        yield
