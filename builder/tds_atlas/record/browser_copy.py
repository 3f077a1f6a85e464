"""The database copy for browsers, beside the site: whole if it is small, else cut, with a note on what was cut.

A browser reads the file in one piece, and hosts refuse large files. Most of it is the candidates' log-probabilities, so
they are cut first; answers are cut last, evenly over the prompts.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from tds_atlas.domain import InputError, one_line
from tds_atlas.parts import discard, unwritable
from tds_atlas.record.catalog import holds_nothing_else, open_records, tables
from tds_atlas.record.schema import STORAGE_VERSION, write_empty
from tds_atlas.record.sealed import NO_EXTENSIONS, RECORDS, Config, identifier

LIMIT = 25_000_000  # bytes
_CONFIG: Config = NO_EXTENSIONS | {
    "storage_compatibility_version": STORAGE_VERSION,
    "memory_limit": "256MB",
    "threads": "1",
}
_MIN_CANDIDATES = 3  # per side; these are never cut
_CANDIDATES = {"score": ("top_ids", "top_logprobs")}
_OF_PROMPTS = "prompt_id IN (SELECT prompt_id FROM chosen_prompt)"
_OF_RESPONSES = f"response_id IN (SELECT response_id FROM {RECORDS}.main.response WHERE {_OF_PROMPTS})"
_FILTERS = {  # the rows of a table that remain in a cut to some prompts; the other tables stay whole
    **dict.fromkeys(("prompt", "turn", "reading", "response", "prefill", "swap", "swap_grade"), _OF_PROMPTS),
    **dict.fromkeys(("position", "score", "divergence", "retold", "stretch", "continuation"), _OF_RESPONSES),
}


@dataclass(frozen=True)
class Cut:
    """What a copy holds: candidates per side, digits of their log-probabilities, prompts. None: all."""

    candidates: int
    digits: int | None = None
    prompts: int | None = None

    def description(self, longest: int, prompts: int) -> str:
        """One sentence for a reader."""
        parts = []
        if self.candidates < longest:
            parts.append(f"the first {self.candidates} of {longest} candidates at each position")
        if self.digits is not None:
            parts.append(f"their log-probabilities to {self.digits} digits after the point")
        if self.prompts is not None:
            parts.append(f"{self.prompts:,} of {prompts:,} prompts with their answers, taken evenly")
        return "Cut to be read in a browser: it holds " + ", and ".join(parts) + ". Everything else is whole."


def write_browser_copy(database: Path, target: Path, limit: int = LIMIT) -> str:
    """Write the copy. Returns what was cut as a sentence; empty if nothing was.

    A file with views, macros or tables that tds did not write is written anew without them.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    longest, prompts = _extent(database)
    if database.stat().st_size <= limit and _is_own(database):
        try:
            shutil.copyfile(database, target)
        except OSError as error:
            raise unwritable(target, error) from None
        return ""
    if database.stat().st_size <= limit:
        _write(database, target, Cut(longest), "")
        return ""
    for cut in _cuts(database, longest, prompts, target, limit):
        description = cut.description(longest, prompts)
        _write(database, target, cut, description)
        if target.stat().st_size <= limit:
            break
    return description


def _cuts(source: Path, longest: int, prompts: int, target: Path, limit: int) -> Iterator[Cut]:
    """Ever smaller cuts; each is written to `target` before the next is taken."""
    size, candidates = source.stat().st_size, longest
    for k in (10, 5, _MIN_CANDIDATES):
        # Skip a cut that cannot suffice; two thirds, because the source may be loosely packed.
        if k < longest and size * k / candidates * 2 / 3 <= limit:
            yield Cut(k)
            size, candidates = target.stat().st_size, k
    smallest = Cut(min(longest, _MIN_CANDIDATES), digits=2)
    yield smallest
    count = prompts
    while count > 1:
        count = max(1, min(count - 1, int(count * 0.95 * limit / target.stat().st_size)))
        yield Cut(smallest.candidates, smallest.digits, count)


def _extent(database: Path) -> tuple[int, int]:
    """The length of the longest list of candidates, and the number of prompts."""
    with duckdb.connect(config=NO_EXTENSIONS) as con:
        open_records(con, database)
        longest = f"SELECT coalesce(max(len(top_ids)), 0) FROM {RECORDS}.main.score"
        return con.execute(f"SELECT ({longest}), (SELECT count(*) FROM {RECORDS}.main.prompt)").fetchall()[0]


def _is_own(database: Path) -> bool:
    """Whether tds alone wrote in the file."""
    with duckdb.connect(config=NO_EXTENSIONS) as con:
        open_records(con, database)
        return holds_nothing_else(con)


def _write(database: Path, target: Path, cut: Cut, description: str) -> None:
    """A new file with the schema, views and comments of the full one. One thread, so that all runs write one order."""
    discard(target)
    try:
        write_empty(target)
        with duckdb.connect(str(target), config=_CONFIG) as con:
            open_records(con, database)
            con.execute(f"CREATE TEMP TABLE chosen_prompt AS {_prompt_query(cut)}")
            con.execute("BEGIN")
            for table, columns in tables().items():
                where = f" WHERE {_FILTERS[table]}" if cut.prompts is not None and table in _FILTERS else ""
                listed = ", ".join(_column(table, column, cut) for column, _, _ in columns)
                name = identifier(table)
                con.execute(f"INSERT INTO main.{name} BY NAME SELECT {listed} FROM {RECORDS}.main.{name}{where}")
            if description:
                con.execute("INSERT INTO run VALUES ('published', $description)", {"description": description})
            con.execute("COMMIT")
            con.execute("CHECKPOINT")
    except OSError as error:
        raise unwritable(target, error) from None
    except duckdb.Error as error:
        raise InputError(f"{target}: cannot be written: {one_line(error)}") from None


def _prompt_query(cut: Cut) -> str:
    """The prompts of the copy, evenly spaced in their order."""
    return f"""
        SELECT prompt_id FROM (
            SELECT prompt_id, row_number() OVER (ORDER BY ordinal) AS i, count(*) OVER () AS n
            FROM {RECORDS}.main.prompt)
        WHERE {cut.prompts or "n"} * i // n > {cut.prompts or "n"} * (i - 1) // n"""


def _column(table: str, column: str, cut: Cut) -> str:
    """The column unchanged, or a list of candidates cut to the first few, under the same name."""
    if column not in _CANDIDATES.get(table, ()):
        return identifier(column)
    first = f"{identifier(column)}[1:{cut.candidates}]"
    if column == "top_logprobs" and cut.digits is not None:
        first = f"list_transform({first}, lambda p: round(p, {cut.digits})::FLOAT)"
    return f"{first} AS {identifier(column)}"
