"""The rules of a gate, as users write them."""

from __future__ import annotations

import pytest

from tds_atlas.domain import InputError
from tds_atlas.gate.rules import MEASURES, parse_rules


@pytest.mark.parametrize(
    ("text", "measure", "sign", "tolerance", "relative", "written", "accepted"),
    [
        ("shifted>+2pt", "shifted", 1, 0.02, False, "shifted>+2pt", "shifted <= +2pt"),
        (" kl > +10% ", "kl", 1, 0.1, True, "kl>+10%", "kl <= +10%"),
        ("refusals<-3pt", "refusals", -1, 0.03, False, "refusals<-3pt", "refusals >= -3pt"),
        ("length<-1.5", "length", -1, 1.5, False, "length<-1.5 tokens", "length >= -1.5 tokens"),
        ("delta>0.1nats", "delta", 1, 0.1, False, "delta>+0.1 nats", "delta <= +0.1 nats"),
        ("js>0", "js", 1, 0, False, "js>0", "js <= 0"),
        ("facts<0", "facts", -1, 0, False, "facts<0", "facts >= 0"),
    ],
)
def test_a_rule_is_read_and_written(text, measure, sign, tolerance, relative, written, accepted) -> None:  # type: ignore[no-untyped-def]
    (rule,) = parse_rules(text)
    assert (rule.measure, rule.sign, rule.is_relative) == (MEASURES[measure], sign, relative)
    assert rule.tolerance == pytest.approx(tolerance) and (rule.text, rule.accepted) == (written, accepted)
    assert parse_rules(rule.text) == (rule,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no rule; give e.g."),
        ("shifted+2pt", "--fail-on shifted+2pt: is no rule; write MEASURE>+TOLERANCE"),
        ("js>+1pt; kl>1", "is no rule"),
        ("shift>+2pt", "--fail-on shift>+2pt: no such measure; there are shifted, js, kl"),
        ("facts>+1pt", "only a fall can be gated; write facts<..."),
        ("js<-1%", "only a rise can be gated; write js>..."),
        ("refusals<3pt", "write refusals>+TOLERANCE for a rise, refusals<-TOLERANCE for a fall"),
        ("js>-3%", "write js>+TOLERANCE for a rise"),
        ("js>+3pt", "give the tolerance of js in nats or %"),
        ("delta>+3%", "give the tolerance of delta in nats"),
        ("js>+1%, kl>1, js>+2%", "js> is given twice"),
        ("js>+1e9%", "is no rule"),
    ],
)
def test_what_is_no_rule_is_one_line(text: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        parse_rules(text)
    assert message in str(error.value) and "\n" not in str(error.value)
