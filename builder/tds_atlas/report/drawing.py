"""Vega without a browser: a figure as images, and the bundle that draws it for the reader.

Knows no Altair, whose import takes a second: images are made in the report's second process.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import vl_convert

from tds_atlas.parts import write_file
from tds_atlas.report import theme

_VERSION = "6.4"  # of Vega-Lite, as Altair writes it
_NOT_IN_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_images(folder: Path, name: str, spec: dict[str, Any]) -> None:
    """A figure as SVG in both palettes, and as PNG of the light one."""
    light, dark = (_svg(_static(spec, config)) for config in (theme.LIGHT, theme.DARK))
    write_file(folder / f"{name}.light.svg", light)
    write_file(folder / f"{name}.dark.svg", dark)
    write_file(folder / f"{name}.png", _png(light))


@cache
def vega_bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed as one classic script that sets window.vegaEmbed and leaks no other name."""
    return f"(()=>{{{vl_convert.javascript_bundle('window.vegaEmbed = vegaEmbed;', vl_version=_VERSION)}}})();\n"


def _static(spec: dict[str, Any], config: dict[str, Any]) -> dict[str, Any]:
    """The spec at a fixed width. A concatenation has the width of its parts."""
    own = {key: look for key, look in spec.get("config", {}).items() if key == "area"}  # as pale as in the spec
    fixed: dict[str, Any] = _in_xml(spec) | {"config": config | own}
    return fixed | {"width": theme.IMAGE_WIDTH} if spec.get("width") == "container" else fixed


def _in_xml(value: Any) -> Any:
    """A copy whose texts an SVG can hold: the drawing library ends the whole process at a U+FFFE."""
    if isinstance(value, dict):
        return {key: _in_xml(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_in_xml(part) for part in value]
    return _NOT_IN_XML.sub("\ufffd", value) if isinstance(value, str) else value


def _svg(spec: dict[str, Any]) -> str:
    return str(vl_convert.vegalite_to_svg(spec, vl_version=_VERSION, allowed_base_urls=[]))


def _png(svg: str, scale: float = 2) -> bytes:
    """A drawn figure on white, as Vega draws a background: a rectangle behind everything else."""
    white = svg.replace(">", '><rect width="100%" height="100%" fill="white"/>', 1)
    return bytes(vl_convert.svg_to_png(white, scale=scale))
