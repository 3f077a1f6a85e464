"""A report in a page of Markdown: the shares of each comparison and every finding's answer, for an appendix or a pull
request."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

from tds_atlas import __version__
from tds_atlas.domain import InputError
from tds_atlas.hashes import hash_files
from tds_atlas.parts import whole_file
from tds_atlas.paths import holds
from tds_atlas.report import query
from tds_atlas.report.answers import answer_lines, plain
from tds_atlas.report.numbers import number, percent, within
from tds_atlas.report.own_folders import VIEWS
from tds_atlas.report.pages import read_pages

_END = "TDS Atlas"  # how the last line of a summary begins
_HEAD = ["comparison", "unshifted", "marginal", "shifted", "mean KL(aligned‖base), nats", "answers"]


def check_summary(path: Path, docs: Path) -> None:
    """Raises InputError for a place that is emptied, and for a file that is no earlier summary."""
    if holds(docs, path):
        raise InputError(f"--summary: {path} is in {docs}, which is emptied; name a file elsewhere")
    if not path.exists():
        return
    try:
        last = path.read_text(encoding="utf-8").splitlines()[-1:]
    except (OSError, UnicodeDecodeError):
        last = []
    if not last or not last[0].startswith(_END):
        raise InputError(f"--summary: {path} is not a summary that tds wrote; name a new file")


def write_summary(database: Path, source: Path, docs: Path, path: Path) -> None:
    """Write the summary of a report whose pages are in the folder. Raises InputError if the file cannot be written."""
    with closing(query.connect(database, docs.parent / VIEWS, query.FRUGAL)) as con:
        run = {row["key"]: row["value"] for row in query.rows(con, "pages/run")}
        headline = query.rows(con, "pages/headline")
    lines = [f"# {plain(run['report_title'])}", "", *_table(headline), ""]
    lines += ["In brackets: the 95 % interval, clustered by prompt.", ""]
    for page in read_pages(source):
        file = docs / page.file
        answers = answer_lines(file.read_text(encoding="utf-8")) if page.is_finding and file.is_file() else []
        if answers:
            lines += [f"## {plain(page.name)}", "", *(f"- {plain(line)}" for line in answers), ""]
    lines += [f"{_END} {__version__}; SHA-256 of the database: {hash_files([database])[:16]}."]
    with whole_file(path) as part:
        part.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _table(headline: list[dict[str, Any]]) -> list[str]:
    rows = [_HEAD, ["---", *["--:"] * (len(_HEAD) - 1)], *map(_row, headline)]
    return [f"| {' | '.join(row)} |" for row in rows]


def _row(c: dict[str, Any]) -> list[str]:
    shares = [percent(c[name]) + within(c[f"{name}_bounds"]) for name in ("unshifted", "marginal", "shifted")]
    bounds = c["kl_bounds"] or {}
    low, high = bounds.get("low"), bounds.get("high")
    interval = "" if low is None or high is None else f" ({number(max(low, 0), 3)}–{number(high, 3)})"
    at_least = f"at least {number(c['kl_lower'], 3)}" if c["kl_lower"] is not None else "–"
    kl = at_least if c["kl"] is None else number(c["kl"], 3) + interval
    return [plain(c["label"]), *shares, kl, number(c["answers"])]
