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

from tds_atlas.domain import InputError, first_line
from tds_atlas.parts import discard, unwritable
from tds_atlas.record.store import QUIET, SQL, STORAGE_VERSION, attach_database, create_views

LIMIT = 25_000_000  # bytes
_MEMORY = "256MB"
_MIN_CANDIDATES = 3  # per side; these are never cut
_CANDIDATES = {"score": ("top_ids", "top_logprobs")}
_OF_PROMPTS = "prompt_id IN (SELECT prompt_id FROM chosen_prompt)"
_OF_RESPONSES = f"response_id IN (SELECT response_id FROM source.response WHERE {_OF_PROMPTS})"
_FILTERS = {  # the rows of a table that remain in a cut to some prompts; the other tables stay whole
    **dict.fromkeys(("prompt", "response", "prefill", "swap"), _OF_PROMPTS),
    **dict.fromkeys(("position", "score", "divergence", "continuation"), _OF_RESPONSES),
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
    """Write the copy. Returns what was cut as a sentence; empty if nothing was."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if database.stat().st_size <= limit:
        try:
            shutil.copyfile(database, target)
        except OSError as error:
            raise unwritable(target, error) from None
        return ""
    longest, prompts = _extent(database)
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
    with duckdb.connect() as con:
        attach_database(con, database, "source")
        return con.execute(
            "SELECT (SELECT coalesce(max(len(top_ids)), 0) FROM source.score), (SELECT count(*) FROM source.prompt)"
        ).fetchall()[0]


def _write(database: Path, target: Path, cut: Cut, description: str) -> None:
    """A new file with the schema, views and comments of the full one. One thread, so that all runs write one order."""
    discard(target)
    config: dict[str, str | bool | int | float | list[str]] = {
        "storage_compatibility_version": STORAGE_VERSION,
        "memory_limit": _MEMORY,
        "threads": "1",
    }
    try:
        with duckdb.connect(str(target), config=config) as con:
            con.execute(QUIET)
            attach_database(con, database, "source")
            con.execute(SQL["schema"])
            con.execute(f"CREATE TEMP TABLE chosen_prompt AS {_prompt_query(cut)}")
            con.execute("BEGIN")
            for table, columns in _tables(con):
                where = f" WHERE {_FILTERS[table]}" if cut.prompts is not None and table in _FILTERS else ""
                expressions = ", ".join(_column(table, column, cut) for column in columns)
                con.execute(f'INSERT INTO main."{table}" BY NAME SELECT {expressions} FROM source."{table}"{where}')
            con.execute("INSERT INTO run VALUES ('published', $description)", {"description": description})
            con.execute("COMMIT")
            create_views(con)
            con.execute("CHECKPOINT")
    except duckdb.Error as error:
        raise InputError(f"{target}: cannot be written: {first_line(error)}") from None


def _prompt_query(cut: Cut) -> str:
    """The prompts of the copy, evenly spaced in their order."""
    return f"""
        SELECT prompt_id FROM (
            SELECT prompt_id, row_number() OVER (ORDER BY ordinal) AS i, count(*) OVER () AS n FROM source.prompt)
        WHERE {cut.prompts or "n"} * i // n > {cut.prompts or "n"} * (i - 1) // n"""


def _tables(con: duckdb.DuckDBPyConnection) -> list[tuple[str, list[str]]]:
    return con.execute("""
        SELECT table_name, list(column_name ORDER BY column_index) FROM duckdb_columns()
        WHERE database_name = 'source'
          AND table_name IN (SELECT table_name FROM duckdb_tables() WHERE database_name = 'source')
        GROUP BY table_name ORDER BY table_name""").fetchall()


def _column(table: str, column: str, cut: Cut) -> str:
    """The column unchanged, or a list of candidates cut to the first few, under the same name."""
    if column not in _CANDIDATES.get(table, ()):
        return f'"{column}"'
    first = f'"{column}"[1:{cut.candidates}]'
    if column == "top_logprobs" and cut.digits is not None:
        first = f"list_transform({first}, lambda p: round(p, {cut.digits})::FLOAT)"
    return f'{first} AS "{column}"'
