"""The database as it is published beside the site: whole where it is small, else cut, and it says itself what was cut.

A browser reads the published file in one piece, and hosts refuse large files. The log-probabilities of the candidates
are the bulk, so they go first; answers go last, evenly over the prompts.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from tds_atlas.domain import InputError, first_line
from tds_atlas.record.store import QUIET, SQL, STORAGE_VERSION, attach_database, create_views, remove

LIMIT = 25_000_000  # bytes
_MEMORY = "256MB"
_STAYS = 3  # candidates a side that always stay
_CANDIDATES = {"score": ("top_ids", "top_logprobs")}
_OF_PROMPTS = "prompt_id IN (SELECT prompt_id FROM kept)"
_OF_RESPONSES = f"response_id IN (SELECT response_id FROM source.response WHERE {_OF_PROMPTS})"
_KEPT = {  # which rows of a table a cut to some prompts keeps; the other tables stay whole
    **dict.fromkeys(("prompt", "response", "prefill", "swap"), _OF_PROMPTS),
    **dict.fromkeys(("position", "score", "divergence", "continuation"), _OF_RESPONSES),
}


@dataclass(frozen=True)
class Cut:
    """What a published file holds: candidates a side, digits of their log-probabilities, prompts. None: all."""

    candidates: int
    digits: int | None = None
    prompts: int | None = None

    def words(self, longest: int, prompts: int) -> str:
        """One sentence for a reader."""
        said = []
        if self.candidates < longest:
            said.append(f"the first {self.candidates} of {longest} candidates at each position")
        if self.digits is not None:
            said.append(f"their log-probabilities to {self.digits} digits after the point")
        if self.prompts is not None:
            said.append(f"{self.prompts:,} of {prompts:,} prompts with their answers, taken evenly")
        return "Cut to be read in a browser: it holds " + ", and ".join(said) + ". Everything else is whole."


def write_browser_copy(database: Path, target: Path, limit: int = LIMIT) -> str:
    """Write the published file. Returns what was left out as a sentence; empty if nothing was."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if database.stat().st_size <= limit:
        try:
            shutil.copyfile(database, target)
        except OSError as error:
            raise InputError(f"{target}: cannot be written: {error.strerror}") from None
        return ""
    longest, prompts = _extent(database)
    for cut in _cuts(database, longest, prompts, target, limit):
        said = cut.words(longest, prompts)
        _write(database, target, cut, said)
        if target.stat().st_size <= limit:
            break
    return said


def _cuts(source: Path, longest: int, prompts: int, target: Path, limit: int) -> Iterator[Cut]:
    """Ever smaller; each is tried before the next is asked for."""
    size, of = source.stat().st_size, longest
    for k in (10, 5, _STAYS):
        # What a cut cannot do is not tried; two thirds for how loosely the source may be packed.
        if k < longest and size * k / of * 2 / 3 <= limit:
            yield Cut(k)
            size, of = target.stat().st_size, k
    smallest = Cut(min(longest, _STAYS), digits=2)
    yield smallest
    kept = prompts
    while kept > 1:
        kept = max(1, min(kept - 1, int(kept * 0.95 * limit / target.stat().st_size)))
        yield Cut(smallest.candidates, smallest.digits, kept)


def _extent(database: Path) -> tuple[int, int]:
    """The length of the longest list of candidates, and the number of prompts."""
    with duckdb.connect() as con:
        attach_database(con, database, "source")
        return con.execute(
            "SELECT (SELECT coalesce(max(len(top_ids)), 0) FROM source.score), (SELECT count(*) FROM source.prompt)"
        ).fetchall()[0]


def _write(database: Path, target: Path, cut: Cut, said: str) -> None:
    """A new file with the schema, views and comments of the full one. One thread: two runs write rows in one order."""
    remove(target)
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
            con.execute(f"CREATE TEMP TABLE kept AS {_kept(cut)}")
            con.execute("BEGIN")
            for table, columns in _tables(con):
                where = f" WHERE {_KEPT[table]}" if cut.prompts is not None and table in _KEPT else ""
                chosen = ", ".join(_column(table, column, cut) for column in columns)
                con.execute(f'INSERT INTO main."{table}" BY NAME SELECT {chosen} FROM source."{table}"{where}')
            con.execute("INSERT INTO run VALUES ('published', $said)", {"said": said})
            con.execute("COMMIT")
            create_views(con)
            con.execute("CHECKPOINT")
    except duckdb.Error as error:
        raise InputError(f"{target}: cannot be written: {first_line(error)}") from None


def _kept(cut: Cut) -> str:
    """Prompts spread evenly over their order."""
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
    """The column as it is, or the head of a list of candidates under the same name."""
    if column not in _CANDIDATES.get(table, ()):
        return f'"{column}"'
    head = f'"{column}"[1:{cut.candidates}]'
    if column == "top_logprobs" and cut.digits is not None:
        head = f"list_transform({head}, lambda p: round(p, {cut.digits})::FLOAT)"
    return f'{head} AS "{column}"'
