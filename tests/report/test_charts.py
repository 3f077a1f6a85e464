"""The images of figures, whatever texts are in them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import altair as alt
import pyarrow as pa
import pytest
import vl_convert

from tds_atlas.report import figures, theme
from tds_atlas.report.drawing import write_images
from tests.conftest import ROOT


def test_a_text_that_no_image_can_hold_is_drawn_without_its_odd_characters(tmp_path: Path) -> None:
    """Left in, U+FFFE would end the process."""
    rows = alt.Data(values=[{"name": "a\ufffe\x01b\U0001f642", "n": 1}])
    spec: dict[str, Any] = alt.Chart(rows).mark_bar().encode(x="n:Q", y="name:N").to_dict()
    write_images(tmp_path, "odd", spec)
    svg = (tmp_path / "odd.light.svg").read_text(encoding="utf-8")
    assert "a\ufffd\ufffdb\U0001f642" in svg and (tmp_path / "odd.png").stat().st_size > 0
    assert spec["data"]["values"][0]["name"] == "a\ufffe\x01b\U0001f642"


def test_a_png_is_to_the_byte_what_vega_draws_on_white(tmp_path: Path) -> None:
    rows = alt.Data(values=[{"name": "a<b>", "n": 1}, {"name": "c", "n": 3}])
    spec: dict[str, Any] = alt.Chart(rows, title="T", width=200).mark_bar().encode(x="n:Q", y="name:N").to_dict()
    write_images(tmp_path, "two", spec)
    whole = spec | {"config": theme.LIGHT | {"background": "white"}}
    assert (tmp_path / "two.png").read_bytes() == bytes(vl_convert.vegalite_to_png(whole, vl_version="6.4", scale=2))


def _luminance(colour: str) -> float:
    """As WCAG defines it."""
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(
    ("scheme", "colours"), [("default", theme.COMPARISON_COLOURS), ("slate", theme.DARK_COMPARISONS)]
)
def test_eight_comparisons_have_colours_of_their_own_that_read_as_text(scheme: str, colours: list[str]) -> None:
    """They are those of the choice of comparisons, too; names at the ends of curves are written in them."""
    assert len(set(colours)) == 8
    css = (ROOT / "site_src/assets/css/tds.css").read_text(encoding="utf-8")
    palette = re.search(rf'\[data-md-color-scheme="{scheme}"\] {{(.*?)}}', css, re.DOTALL)
    assert palette is not None
    stated = dict(re.findall(r"--tds-([a-z0-9]+): (#[0-9a-f]{6});", palette[1]))
    assert [stated[f"k{i}"] for i in range(8)] == colours
    for colour in colours:
        dark, light = sorted((_luminance(colour), _luminance(stated["paper"])))
        assert (light + 0.05) / (dark + 0.05) >= 4.4, colour


def test_a_legend_of_eight_stays_within_its_image(tmp_path: Path) -> None:
    """Names of thirty characters, in rows: in one row most of it would be cut off."""
    names = [f"a base with a name → model {i:02}" for i in range(8)]
    rows = [
        {
            "comparison": n,
            "tokens": t,
            "share": s,
            "low_share": s,
            "high_share": s,
            "answers_at_risk": 9,
            "parted_answers": 0,
        }
        for n in names
        for t, s in ((0, 1.0), (5, 0.5))
    ]
    spec = figures.build("first_divergence", pa.Table.from_pylist(rows), "Caption.", names).to_dict()
    write_images(tmp_path, "many", spec)
    svg = (tmp_path / "many.light.svg").read_text(encoding="utf-8")
    width = float(re.search(r'width="([\d.]+)"', svg)[1])  # type: ignore[index]
    assert all(name in svg for name in names) and width < theme.IMAGE_WIDTH + 120
    assert spec["config"]["area"]["opacity"] == pytest.approx(0.08)


@pytest.mark.parametrize(("scheme", "colours"), [("default", theme.SHIFT_COLOURS), ("slate", theme.DARK_SHIFT_COLOURS)])
def test_pages_and_figures_have_the_same_colours_and_quiet_edges_are_seen(scheme: str, colours: dict[str, str]) -> None:
    """The colour of unshifted tokens is also that of the edges of fields, which need 3:1 on either ground."""
    css = (ROOT / "site_src/assets/css/tds.css").read_text(encoding="utf-8")
    palette = re.search(rf'\[data-md-color-scheme="{scheme}"\] {{(.*?)}}', css, re.DOTALL)
    assert palette is not None
    stated = dict(re.findall(r"--tds-([a-z]+): (#[0-9a-f]{6});", palette[1]))
    assert {name: stated[name] for name in colours} == colours
    for ground in ("paper", "raised"):
        dark, light = sorted(_luminance(c) for c in (stated["unshifted"], stated[ground]))
        assert (light + 0.05) / (dark + 0.05) >= 3
