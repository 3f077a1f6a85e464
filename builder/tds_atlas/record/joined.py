"""Two databases as one: the records of matched comparisons, over the prompts that both have.

Names of the first get an A in front, those of the second a B, so that none stands for two things. A pair of comparisons
has the ordinals 2i - 1 and 2i. Each file is attached read-only and locked, one after the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from tds_atlas.domain import InputError, one_line
from tds_atlas.parts import unwritable
from tds_atlas.record.catalog import open_records, tables
from tds_atlas.record.schema import STORAGE_VERSION, write_empty
from tds_atlas.record.sealed import NO_EXTENSIONS, RECORDS, Config, identifier

_CONFIG: Config = NO_EXTENSIONS | {
    "storage_compatibility_version": STORAGE_VERSION,
    "memory_limit": "400MB",
    "threads": "1",
}
# What is taken, for each letter: the comparisons, the prompts by their text, the answers. A prompt that is given twice,
# under two ids, is one, and its answers are numbered.
_TAKEN = """
    CREATE TEMP TABLE taken AS
    SELECT i, name, c.* FROM chosen JOIN {records}.comparison c USING (comparison_id) WHERE kind = 'tuning';
    CREATE TEMP TABLE used AS
    SELECT * FROM {records}.condition WHERE condition_id IN
        (SELECT unnest([base_condition_id, aligned_condition_id]) FROM taken);
    INSERT INTO main.prompt
    FROM {records}.prompt WHERE text IN (SELECT text FROM shared) AND text NOT IN (SELECT text FROM main.prompt)
    QUALIFY row_number() OVER (PARTITION BY text ORDER BY ordinal) = 1;
    CREATE TEMP TABLE asked AS
    SELECT i, q.prompt_id, q.ordinal, p.prompt_id AS new_id
    FROM shared JOIN {records}.prompt q USING (text) JOIN main.prompt p USING (text);
    CREATE TEMP TABLE said AS
    SELECT i, response_id, asked.new_id AS prompt_id,
        CASE WHEN count(DISTINCT prompt_id) OVER one > 1
        THEN (row_number() OVER (one ORDER BY asked.ordinal, sample, response_id))::VARCHAR ELSE sample END AS sample
    FROM {records}.response JOIN taken USING (source) JOIN asked USING (i, prompt_id)
    WINDOW one AS (PARTITION BY i, asked.new_id);"""
_SOURCES = {  # the rows of each table, of those that have any
    "model": "model WHERE model_id IN (SELECT model_id FROM used)",
    "context": "context WHERE context_id IN (SELECT context_id FROM used)",
    "condition": "condition WHERE condition_id IN (SELECT condition_id FROM used)",
    "reading": """reading x
        JOIN (SELECT new_id, arg_min(prompt_id, ordinal) AS prompt_id FROM asked GROUP BY new_id) USING (prompt_id)
        WHERE condition_id IN (SELECT condition_id FROM used)""",
    "response": "response x JOIN said USING (response_id)",
    "position": '"position" x JOIN said USING (response_id)',
    "score": """score x JOIN said USING (response_id) JOIN taken t USING (i)
        WHERE x.condition_id IN (t.base_condition_id, t.aligned_condition_id)""",
    "divergence": "divergence x JOIN said USING (response_id) JOIN taken t USING (i, comparison_id)",
    "continuation": "continuation x JOIN said USING (response_id) JOIN taken t USING (i, comparison_id)",
    "token": """token WHERE tokenizer_id IN
        (SELECT tokenizer_id FROM {records}.model WHERE model_id IN (SELECT model_id FROM used))""",
}
_NAMED = ("model_id", "context_id", "condition_id", "tokenizer_id")  # with a letter in front; context.template_of stays


@dataclass(frozen=True)
class Pair:
    """A comparison of the first database, the one of the second beside it, and the texts of their shared prompts."""

    a_id: str
    b_id: str
    texts: Sequence[str]

    @property
    def names(self) -> tuple[str, str]:
        """What the two are called in the joined database."""
        return f"a-{self.a_id}", f"b-{self.a_id}"


def write_joined(target: Path, a: Path, b: Path, pairs: Sequence[Pair], run: Mapping[str, str]) -> None:
    """Write the joined database. Raises InputError where a file is not of tds, or the disk does not take it."""
    try:
        write_empty(target)
        with duckdb.connect(str(target), config=_CONFIG) as con:
            for key, value in run.items():
                con.execute("INSERT INTO run VALUES (?, ?)", [key, value])
        for place, database in enumerate((a, b)):
            with duckdb.connect(str(target), config=_CONFIG) as con:
                open_records(con, database)
                _copy(con, "AB"[place], pairs, place)
    except OSError as error:
        raise unwritable(target, error) from None
    except duckdb.Error as error:
        raise InputError(f"{target}: cannot be written: {one_line(error)}") from None


def _copy(con: duckdb.DuckDBPyConnection, letter: str, pairs: Sequence[Pair], place: int) -> None:
    """The records of one of the two."""
    records = f"{RECORDS}.main"
    con.execute("CREATE TEMP TABLE chosen (i INTEGER, comparison_id VARCHAR, name VARCHAR)")
    con.execute("CREATE TEMP TABLE shared (i INTEGER, text VARCHAR)")
    for i, pair in enumerate(pairs, 1):
        con.execute("INSERT INTO chosen VALUES (?, ?, ?)", [i, (pair.a_id, pair.b_id)[place], pair.names[place]])
        con.execute("INSERT INTO shared SELECT ?, unnest(?)", [i, list(pair.texts)])
    con.execute("BEGIN")
    con.execute(_TAKEN.format(records=records))
    con.execute(f"""INSERT INTO main.comparison BY NAME
        SELECT name AS comparison_id, 2 * i - {1 - place} AS ordinal, '{letter}: ' || label AS label, kind, extended,
            {_as(letter, "base_condition_id")}, {_as(letter, "aligned_condition_id")}, {_of_pair(letter, "source")}
        FROM taken""")
    con.execute(f"""INSERT INTO main.turn SELECT x.* REPLACE (new_id AS prompt_id) FROM {records}.turn x
        JOIN (SELECT prompt_id, new_id FROM asked GROUP BY ALL) USING (prompt_id)
        WHERE new_id = prompt_id AND '{letter}' = 'A'""")
    for table, rows in _SOURCES.items():
        listed = ", ".join(_column(letter, table, column) for column, _, _ in tables()[table])
        chosen = f"SELECT {listed} FROM {records}.{rows.format(records=records)}"
        con.execute(f"INSERT INTO main.{identifier(table)} BY NAME {chosen}")
    con.execute("COMMIT")


def _column(letter: str, table: str, column: str) -> str:
    """A column under its own name, with what tells the two databases apart."""
    name = identifier(column)
    if column in _NAMED:
        return _as(letter, "x.condition_id" if (table, column) == ("score", "condition_id") else column, column)
    if column in ("response_id", "source") and table != "model":
        return _of_pair(letter, column)
    if table == "response":
        return {"prompt_id": "said.prompt_id", "sample": "said.sample"}.get(column, f"x.{name}")
    if column == "prompt_id":
        return "new_id AS prompt_id"
    if column == "comparison_id":
        return "t.name AS comparison_id"
    return f"x.{name}" if table in ("reading", "position", "score", "divergence", "continuation") else name


def _as(letter: str, value: str, column: str = "") -> str:
    return f"'{letter}: ' || {value} AS {identifier(column or value)}"


def _of_pair(letter: str, column: str) -> str:
    """Answers are those of a pair: two of one source may have other prompts."""
    return f"concat('{letter}', i, ': ', {column}) AS {identifier(column)}"
