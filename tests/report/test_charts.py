"""The images of figures, whatever texts are in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import altair as alt
import vl_convert

from tds_atlas.report import theme
from tds_atlas.report.charts import write_images


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
