"""Finished shards stored as one DuckDB file, under a temporary name until it is whole: no reader sees half of it.

Knows what the tables are, but not what they mean (see views.sql) or how they were measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from tds_atlas.domain import InputError, Prompt, one_line
from tds_atlas.inputs.roles import Roles
from tds_atlas.inputs.segments import OPENINGS, Segment, segments
from tds_atlas.parts import whole_file
from tds_atlas.paths import real_path
from tds_atlas.record.judgements import judged
from tds_atlas.record.schema import STORAGE_VERSION, write_empty
from tds_atlas.record.score_rows import insert_scores
from tds_atlas.record.sealed import NO_EXTENSIONS, Config, identifier, open_as_stored, quiet
from tds_atlas.record.shards import Shard

# DuckDB's memory: shards are stored one at a time, so more of them need no more.
_CONFIG: Config = NO_EXTENSIONS | {"storage_compatibility_version": STORAGE_VERSION, "memory_limit": "256MB"}
_DISK_ERRORS = (duckdb.IOException, duckdb.OutOfMemoryException, duckdb.TransactionException, duckdb.FatalException)
_FILE = "read_parquet($path)"
# Where some answers of a file close with an end token, one without it was cut off; if none does, nothing is known.
CUT_OFF = """
    UPDATE response SET finish = 'length'
    WHERE finish = 'unknown' AND source IN (SELECT source FROM response WHERE finish = 'stop')"""
_RESPONSE_TABLES = {  # a row of a shard is one response; its lists become the rows of `position`
    "response": f"""
        SELECT response_id, prompt_id, source, condition_id, text, len(token_ids) AS n_tokens, finish, boundary,
               nullif(substring(response_id, len(source || '/' || prompt_id || '#') + 1), '') AS sample
        FROM {_FILE}""",
    "position": f"""
        SELECT response_id, (i - 1)::INTEGER AS pos, token_ids[i] AS token_id,
               spans[i][1] AS char_start, spans[i][2] AS char_end, has_end AND i = len(token_ids) AS is_end,
               roles[i] AS role, segments[i] AS segment, starts[i] AS segment_start
        FROM (SELECT *, unnest(range(1, len(token_ids) + 1)) AS i FROM {_FILE} JOIN roles USING (response_id))""",
}


@dataclass(frozen=True)
class Records:
    """Everything that is stored in a database."""

    cards: Shard
    responses: Sequence[Shard]
    scores: Sequence[Shard]
    probes: Sequence[tuple[str, Shard]]  # each with the name of its table
    prompts: Sequence[Prompt]
    roles: Roles
    contexts: Sequence[Mapping[str, Any]]
    comparisons: Sequence[Mapping[str, Any]]
    run: Mapping[str, str]
    loaded: Mapping[str, str] = field(default_factory=dict)  # model_id -> what was found when it was loaded for scoring
    controls: Sequence[Mapping[str, Any]] = ()
    series: Sequence[Mapping[str, Any]] = ()
    sampling: Mapping[str, Any] | None = None  # how generated answers were drawn; None: they are greedy
    lists_are_stored: bool = True  # else they stay in the shards


def is_current(database: Path, content: str) -> bool:
    """Whether the database holds the content with this key. Raises InputError for a file that is not of `store`."""
    return stored_content(database) == content


def stored_content(database: Path) -> str | None:
    """The key of what a database holds; None where there is none. Raises InputError for another file."""
    if not database.exists():
        return None
    if not (database.is_file() or database.is_dir()):  # DuckDB would wait at a pipe for ever
        raise InputError(f"{database}: not a file; move it away, or name another in output.database")
    try:
        with open_as_stored(database) as con:
            ((value,),) = con.execute("SELECT value FROM run WHERE key = 'content_key'").fetchall()
    except (duckdb.Error, ValueError) as error:
        problem = f"not a database of tds, or in use ({one_line(error)}); it is left alone"
        raise InputError(f"{database}: {problem}: move it away, or name another in output.database") from None
    return str(value)


def store(database: Path, records: Records) -> None:
    """Write the database. An old one stays in place until the new one is complete; then its log goes, too."""
    is_current(database, "")  # refuses any other file, however long ago that was checked
    database.parent.mkdir(parents=True, exist_ok=True)
    try:
        with whole_file(database) as part:
            _write(part, records)
            target = real_path(database)
            target.with_name(f"{target.name}.wal").unlink(missing_ok=True)
    except _DISK_ERRORS as error:
        raise InputError(f"{database}: cannot be written: {one_line(error)}") from None


def _write(path: Path, records: Records) -> None:
    write_empty(path)
    with duckdb.connect(str(path), config=_CONFIG) as con:
        quiet(con)
        con.execute("BEGIN")
        _insert_all(con, records)
        con.execute("COMMIT")
        con.execute("CHECKPOINT")


def _insert_all(con: duckdb.DuckDBPyConnection, records: Records) -> None:
    _insert_rows(con, "prompt", [_prompt_row(i, prompt) for i, prompt in enumerate(records.prompts, 1)])
    _insert_rows(con, "turn", [row for prompt in records.prompts for row in _turn_rows(prompt)])
    _insert_rows(con, "context", records.contexts)
    own = {"comparison": records.comparisons, "control": records.controls, "series_step": records.series}
    for table in filter(own.get, own):  # before the scores, which ask for comparisons
        _insert_rows(con, table, own[table])
    for table in ("model", "condition", "token", "reading"):
        _insert_table(con, table, records.cards)
    for model, loaded in records.loaded.items():
        con.execute("UPDATE model SET loaded = $loaded WHERE model_id = $model", {"loaded": loaded, "model": model})
    prompts = {prompt.prompt_id: prompt for prompt in records.prompts}
    truths = {name: prompt.truths for name, prompt in prompts.items()}
    opened = _opened(con, records)
    for shard in records.responses:
        con.register("roles", _roles(shard, records.roles, prompts, opened))
        with shard.file("response") as path:
            for table, select in _RESPONSE_TABLES.items():
                _insert(con, table, select, path)
        con.unregister("roles")
    con.execute(CUT_OFF)
    if records.sampling:
        drawn = ", ".join(f"{identifier(name)} = ${name}" for name in records.sampling)
        con.execute(f"UPDATE response SET {drawn} WHERE condition_id IS NOT NULL", dict(records.sampling))
    for table in ("score", "divergence"):
        for shard in (shard for shard in records.scores if shard.holds(table)):
            insert_scores(con, table, shard, records.lists_are_stored)
    for table in ("retold", "stretch"):
        for shard in (shard for shard in records.scores if shard.holds(table)):
            _insert_table(con, table, shard)
    for table, shard in records.probes:
        if table in ("fingerprint", "harmful_answer"):  # of which nothing is judged
            _insert_table(con, table, shard)
        elif rows := shard.read(table).to_pylist():
            _insert_rows(con, table, list(judged(table, rows, records.roles, truths)))
    _insert_rows(con, "run", [{"key": key, "value": value} for key, value in records.run.items()])


def _roles(shard: Shard, roles: Roles, prompts: Mapping[str, Prompt], opened: set[str]) -> pa.Table:
    """The roles and segments of the tokens of a shard of responses: one list per response."""
    answers = shard.read("response")
    columns = [answers[name].to_pylist() for name in ("text", "spans", "prompt_id", "has_end")]
    sources = answers["source"].to_pylist()
    rows = [(text, spans, prompts[name], has_end) for text, spans, name, has_end in zip(*columns, strict=True)]
    asked = ("\n".join(turn.text for turn in prompt.whole) for _, _, prompt, _ in rows)
    lists = [
        roles.of(text, spans, prompt.truths, has_end, before)
        for (text, spans, prompt, has_end), before in zip(rows, asked, strict=True)
    ]
    parts = [segments(text, spans, source in opened) for (text, spans, *_), source in zip(rows, sources, strict=True)]
    names = ["response_id", "roles", "segments", "starts"]
    return pa.table([answers["response_id"], lists, _nth(parts, 0), _nth(parts, 1)], names=names)


def _nth(parts: Sequence[Sequence[Segment]], i: int) -> list[list[Any]]:
    return [[part[i] for part in answer] for answer in parts]


def _opened(con: duckdb.DuckDBPyConnection, records: Records) -> set[str]:
    """The sources whose answers stand behind an opening of the thinking that a template has written."""
    cards = con.execute("SELECT condition_id, prompt_card FROM condition").fetchall()
    opened = {name for name, before in cards if before.rstrip().endswith(OPENINGS)}
    readers = {c["source"]: c["aligned_condition_id"] for c in reversed(records.comparisons)}
    return {source for source, reader in readers.items() if reader in opened} | opened


def _prompt_row(ordinal: int, prompt: Prompt) -> dict[str, Any]:
    return {
        "prompt_id": prompt.prompt_id,
        "ordinal": ordinal,
        "set": prompt.set,
        "text": prompt.text,
        "tasks": list(prompt.tasks),
        "topics": list(prompt.topics),
        "harmful": prompt.harmful,
        "truths": list(prompt.truths),
        "conversation": None if prompt.cluster_key == prompt.text else prompt.cluster_key,
    }


def _turn_rows(prompt: Prompt) -> Iterator[dict[str, Any]]:
    for number, turn in enumerate(prompt.whole, 1):
        row = {"prompt_id": prompt.prompt_id, "number": number}
        yield row | {"speaker": turn.role, "text": turn.text, "more": turn.more or None}


def _insert_rows(con: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    batch = pa.Table.from_pylist([dict(row) for row in rows])
    con.register("batch", batch)
    con.execute(f"INSERT INTO {identifier(table)} BY NAME SELECT * FROM batch")
    con.unregister("batch")


def _insert_table(con: duckdb.DuckDBPyConnection, table: str, shard: Shard) -> None:
    with shard.file(table) as path:  # as it was measured
        _insert(con, table, f"SELECT * FROM {_FILE}", path)


def _insert(con: duckdb.DuckDBPyConnection, table: str, select: str, path: Path) -> None:
    """Rows keep the order of the file, so rows of one response are adjacent and two builds are equal."""
    con.execute(f"INSERT INTO {identifier(table)} BY NAME {select}", {"path": str(path)})
