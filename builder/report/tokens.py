"""Tokens as a reader sees them: spaces, line breaks and control characters shown, never silently lost."""

from __future__ import annotations

_NAMES = {"\n": "↵", "\t": "⇥", "\r": "␍", "\u00a0": "⍽"}


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
