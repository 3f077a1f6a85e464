"""Escaping of untrusted text: everything from models and prompts passes here before it reaches Markdown or HTML."""

from __future__ import annotations

import json
from typing import Any

from markupsafe import Markup

_NAMES = {"\n": "↵", "\t": "⇥", "\r": "␍", "\u00a0": "⍽"}  # tokens as a reader sees them
_PLAIN = set(" ,") | {chr(c) for r in ("09", "AZ", "az") for c in range(ord(r[0]), ord(r[1]) + 1)}
_LOOKALIKES = str.maketrans({"<": "‹", ">": "›", "&": "＆", "\n": " ", "\r": " ", "\t": " "})


def inert(text: str) -> Markup:
    """Text on one line, with every character special to HTML, Markdown or Jinja as a numeric entity.

    Control characters that HTML cannot hold become U+FFFD; the page's own script has the original text.
    """
    return Markup(text.translate(_ENTITIES))


class _Entities(dict[int, str]):
    """The replacement of each code point, computed on first use."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        if char in _PLAIN or (code > 0xA0 and char.isprintable()):
            self[code] = char
        elif (code < 0x20 and char not in "\n\t") or 0x7F <= code < 0xA0:
            self[code] = "\ufffd"
        else:
            self[code] = f"&#{code};"
        return self[code]


_ENTITIES = _Entities()


def title(text: str, length: int = 70) -> str:
    """Text for a page's title: one line, cut, and without < > &, which Material un-escapes when it strips tags."""
    line = " ".join(text.translate(_LOOKALIKES).split())
    line = "".join(c for c in line if c.isprintable())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def inline_json(value: Any) -> Markup:
    """JSON that is safe inside a script element and in a classic script."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return Markup(text)


def visible(text: str | None) -> str:
    """A token's text on one line: ␣ for a space at either end, ↵ for a line break, \\xNN as they are."""
    if text is None:
        return "(none)"
    if not text.strip(" "):
        return "␣" * len(text) or "(empty)"
    inner = text.strip(" ")
    lead, trail = len(text) - len(text.lstrip(" ")), len(text) - len(text.rstrip(" "))
    shown = "".join(_NAMES.get(c, c if c.isprintable() else f"\\u{ord(c):04x}") for c in inner)
    return "␣" * lead + shown + "␣" * trail
