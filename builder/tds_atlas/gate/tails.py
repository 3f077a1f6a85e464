"""What a test says, and the two tails that it reads: of an excess as large, and as small."""

from __future__ import annotations

from dataclasses import dataclass

from tds_atlas.gate.student import upper_tail

SAME = 1e-12  # below it a number is rounding


@dataclass(frozen=True)
class Tested:
    """One rule on one measure."""

    difference: float  # b - a
    low: float  # of its 95 % interval, for this rule alone
    high: float
    excess: float  # beyond the tolerance, in the direction of the rule
    error: float  # standard error of the excess
    p_beyond: float  # of an excess as large where the change is just what is tolerated
    p_within: float  # of an excess as small there


def t_tails(excess: float, error: float, prompts: int, df: float) -> tuple[float, float]:
    """p of an excess as large, and as small. Where all prompts agree, the chance of so many equal signs."""
    if error == 0:
        if abs(excess) <= SAME:
            return 1.0, 1.0
        return (0.5**prompts, 1.0) if excess > 0 else (1.0, 0.5**prompts)
    above = upper_tail(excess / error, df)
    return above, 1 - above
