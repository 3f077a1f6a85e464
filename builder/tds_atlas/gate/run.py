"""A comparison of two reports from their files to its exit code."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tds_atlas.domain import InputError
from tds_atlas.gate import files, printed
from tds_atlas.gate.plan import needs
from tds_atlas.gate.reports import Match, matches, read_sums
from tds_atlas.gate.rules import Rule, parse_rules
from tds_atlas.gate.unpaired import Unpaired
from tds_atlas.gate.verdicts import Verdict, exit_code, judge
from tds_atlas.parts import whole_file, write_file
from tds_atlas.report.table_formats import json_text, terminal_width

_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
_NOTHING = (
    "shifted>0, js>0, kl>0, kl50>0, delta>0, delta<0, knowledge>0, facts<0, refusals<0, ended<0, length>0, length<0"
)


@dataclass(frozen=True)
class Gate:
    """What was compared, and what the rules say of it; without rules nothing is judged."""

    matches: Sequence[Match]
    rules: Sequence[Rule]
    verdicts: Sequence[Verdict]
    alpha: float

    def lines(self, sites: tuple[str, str]) -> Iterator[str]:
        """The result for a reader."""
        yield printed.header(self.matches)
        yield printed.overview(self.matches, terminal_width())
        if self.rules:
            yield printed.verdict_table(self.verdicts, terminal_width())
        yield from printed.drivers(self.verdicts, sites)

    def notes(self) -> Iterator[str]:
        yield from printed.notes(self.verdicts, self.matches)

    def code(self, undecided: str) -> int:
        return exit_code(self.verdicts, undecided)

    def write(self, junit: Path | None, as_json: Path | None, code: int) -> None:
        """The files for tools."""
        if junit is not None:
            _replace(junit, f"{_XML}<testsuites", f"{_XML}{files.junit(self.verdicts)}\n")
        if as_json is not None:
            _replace(as_json, '{\n "exit_code"', f"{self.json_text(code)}\n")

    def json_text(self, code: int, public: bool = False) -> str:
        return json_text(files.as_json(self.verdicts, self.matches, code, self.alpha, public))


def _replace(path: Path, beginning: str, text: str) -> None:
    """Write a file whole. Raises InputError where one stands there that this command did not write."""
    if path.exists() and not (path.is_file() and path.read_bytes().startswith(beginning.encode())):
        raise InputError(f"{path}: is not an earlier result of `tds compare`; name another file")
    with whole_file(path) as part:
        write_file(part, text)


def compare(
    a: Path,
    b: Path,
    fail_on: str | None,
    alpha: float,
    mapped: Sequence[str],
    allowed: Sequence[str],
    aa: bool,
    unpaired: bool = False,
) -> Gate:
    """Two reports, judged by the rules. With `aa` they must be of one model, and nothing may differ."""
    rules = parse_rules(fail_on if fail_on is not None else _NOTHING) if aa or fail_on is not None else ()
    if other := next((name for name in allowed if name != "base"), None):
        raise InputError(f"--allow {other}: only base can be allowed")
    found = matches(read_sums(a), read_sums(b), dict(map(_ids, mapped)))
    if unpaired:
        found = [Unpaired(match.a, match.b, match.a_id, match.b_id) for match in found]
    for match in found:
        match.check(allowed)
        if aa and not match.is_one_model:
            raise InputError(f"--aa: {match.name}: {b} has another aligned model than {a}; give two runs of one model")
    return Gate(found, rules, judge(found, _possible(rules, found, aa), alpha), alpha)


def _possible(rules: Sequence[Rule], found: Sequence[Match], aa: bool) -> list[Rule]:
    """The rules; in an A/A comparison those that the reports hold numbers for."""
    if not aa:
        return list(rules)
    same = all(match.mode == "same answers" for match in found)
    kept = [rule for rule in rules if not (same and rule.measure.of_answers)]
    return [r for r in kept if all(m.sums(r.measure).prompts >= 10 and not m.sums(r.measure).bad for m in found)]


def _ids(pair: str) -> tuple[str, str]:
    one, sign, other = pair.partition("=")
    if not (one and sign and other):
        raise InputError(f"--map {pair}: expected A=B, the comparison's id in A and in B")
    return one, other


def planned(a: Path, rules: str, alpha: float) -> str:
    """How many prompts the rules need, as a table."""
    found = needs(read_sums(a), parse_rules(rules), alpha)
    told = (
        "needed: prompts with which a change of twice the tolerance fails, and no change passes, each with a chance of "
        "80 %, if B spreads as A does and is independent of it."
    )
    return f"{printed.need_table(found, terminal_width())}\n{told}"


def kept(history: Path, gate: Gate, code: int) -> str:
    """Add the outcome of an A/A run to the file of earlier ones. Returns how often any rule failed."""
    line = json.dumps({"a": gate.matches[0].a.content_key, "b": gate.matches[0].b.content_key, "failed": code == 1})
    lines = history.read_text(encoding="utf-8").splitlines() if history.exists() else []
    try:
        failed = [json.loads(text)["failed"] is True for text in (*lines, line)]
    except (ValueError, LookupError, TypeError):
        raise InputError(f"{history}: not a file of outcomes; name another with --history") from None
    write_file(history, "\n".join([*lines, line]) + "\n")
    return f"{sum(failed)} of {len(failed)} A/A runs had a failure; {100 * gate.alpha:g} % are expected at most"
