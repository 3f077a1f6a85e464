"""Numbers as pages write them, and the words beside them: one word, two words."""

from __future__ import annotations

from typing import Any


def percent(value: float | None, digits: int = 1) -> str:
    return "–" if value is None else f"{minus(f'{100 * value:.{digits}f}')}\u00a0%"


def plus_minus(half: float | None, unit: str = "", digits: int = 1, factor: int = 100) -> str:
    """The half width of an interval and the unit, of a share in points; the unit alone where there is no interval.

    A half width is never written as nothing: one that rounds to 0 is below the last digit, one of 0 has no spread.
    """
    unit, last = unit and f"\u00a0{unit}", 10.0**-digits
    if half is None:
        return unit
    if half < 1e-9:  # up to rounding
        return f"{unit}, alike in every prompt"
    shown = f"{factor * half:.{digits}f}" if factor * half >= last / 2 else f"under\u00a0{last:.{digits}f}"
    return f"\u00a0±\u00a0{shown}{unit}"


def within(bounds: dict[str, Any] | None, digits: int = 1) -> str:
    """A share's interval in per cent, from a row with low and high, or low_share and high_share; or nothing."""
    low, high = ((bounds or {}).get(end, (bounds or {}).get(f"{end}_share")) for end in ("low", "high"))
    return "" if low is None or high is None else f"\u00a0({100 * low:.{digits}f}–{100 * high:.{digits}f})"


def number(value: float | None, digits: int | None = None) -> str:
    if value is None:
        return "–"
    return minus(f"{value:,.{digits}f}" if digits is not None else f"{value:,}")


def minus(text: str) -> str:
    """A number with a typographic minus sign; ∞ where it is infinite."""
    return text.replace("-", "−").replace("inf", "∞")


def plural(count: float, one: str, many: str = "") -> str:
    """The word for so many: `one`, or else `many`, which an s makes of it where it is not given."""
    return one if count == 1 else many or f"{one}s"


def counted(count: float, one: str, many: str = "") -> str:
    """The number and the word for so many."""
    return f"{number(count)} {plural(count, one, many)}"
