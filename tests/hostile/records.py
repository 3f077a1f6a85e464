"""Databases and shards that are damaged, foreign or mean harm; queries that ask for more than rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from tests.hostile.case import STORE, Case, Damage, both, put, remove
from tests.hostile.seeds import QUERIES
from tests.hostile.settings import PLACES, at

DATABASE = "data/tds.duckdb"
VERBS = {  # what reads a database
    "query": QUERIES[0],
    "a saved query": QUERIES[1],
    "export": ("export", "exported"),
    "report": ("report",),
    "site": ("site", "--db", DATABASE),
}
FOREIGN: dict[str, bytes] = {
    "empty": b"",
    "text": b"words\n" * 100,
    "zeros": bytes(20_000),
    "SQLite": b"SQLite format 3\0" + bytes(4000),
    "a zip": b"PK\x03\x04" + bytes(4000),
    "a head alone": bytes(8) + b"DUCK" + bytes(20),
    "a head and noise": bytes(8) + b"DUCK" + bytes(range(256)) * 60,
}
_FIRST = "WHERE ordinal = (SELECT min(ordinal) FROM comparison)"
STATEMENTS: dict[str, str] = {  # of a database that opens, but is not what tds stores
    "no table of runs": "DROP TABLE run CASCADE",
    "no scores": "DROP TABLE score CASCADE",
    "other columns": "ALTER TABLE context ADD COLUMN other INT",
    "a path as comparison": f"UPDATE comparison SET comparison_id = '../../thesis' {_FIRST}",
    "an empty comparison": f"UPDATE comparison SET comparison_id = '' {_FIRST}",
    "a code for the terminal": f"UPDATE comparison SET comparison_id = chr(27) || '[2J' {_FIRST}",
    "a device as comparison": f"UPDATE comparison SET comparison_id = '/dev/null' {_FIRST}",
}
EMPTIED: dict[str, str] = {  # of the right form, with rows that contradict one another: one line, or pages without them
    "an empty table of runs": "DELETE FROM run",
    "no title": "DELETE FROM run WHERE key = 'report_title'",
    "words for a number": "UPDATE run SET value = 'many' WHERE key = 'example_pages'",
    "no comparisons": "DELETE FROM comparison",
    "no prompts": "DELETE FROM prompt",
    "no tokens": "DELETE FROM token",
    "no scores of one condition": "DELETE FROM score WHERE condition_id = 'base·plain'",
    "no positions": "DELETE FROM position",
    "negative places": "UPDATE position SET char_start = -5",
    "ranks of zero": "UPDATE score SET rank = 0",
    "NaN": "UPDATE divergence SET js = 'nan'",
    "empty lists": "UPDATE score SET top_ids = [], top_logprobs = []",
    "lists of two lengths": "UPDATE score SET top_ids = top_ids[1:2]",
    "ids beyond the vocabulary": "UPDATE position SET token_id = 2147483647",
    "an unknown end": "UPDATE response SET finish = 'magic'",
    "an unknown role": "UPDATE position SET role = 'magic'",
}
QUERY: dict[str, str] = {
    "nothing": "",
    "spaces": "   ",
    "a semicolon": ";",
    "a comment": "/* nothing */",
    "words": "what is shifted?",
    "a quote left open": "SELECT 'a",
    "a comment left open": "SELECT /* a",
    "half a character": "SELECT '\udc80'",
    "two statements": "SELECT 1; SELECT 2",
    "an unknown table": "FROM gone",
    "an unknown column": "SELECT gone FROM tds",
    "an unknown function": "SELECT gone(1)",
    "a code in a name": 'FROM "\x1b[2J"',
    "a division by zero of decimals": "SELECT 1::DECIMAL / 'a'::INT",
    "a cast": "SELECT 'words'::INT",
    "a number too large": "SELECT 9223372036854775807::BIGINT + 1",
    "COPY": "COPY (SELECT 1) TO 'thesis.tex'",
    "COPY over the database": f"COPY (SELECT 1) TO '{DATABASE}'",
    "a hidden COPY": "EXPLAIN ANALYZE COPY (SELECT 1) TO 'thesis.tex' (USE_TMP_FILE false)",
    "ATTACH": "ATTACH 'thesis.duckdb' AS x",
    "ATTACH in memory": "ATTACH ':memory:' AS x",
    "EXPORT": "EXPORT DATABASE 'thesis'",
    "a file": "FROM read_text('thesis.tex')",
    "a file by name": "FROM 'prompts.jsonl'",
    "all files": "FROM glob('*')",
    "the network": "FROM 'https://example.org/a.csv'",
    "a setting": "SET enable_external_access = true",
    "a lock": "RESET lock_configuration",
    "an extension": "INSTALL httpfs",
    "a load": "LOAD 'thesis.tex'",
    "DROP": "DROP TABLE run",
    "DELETE": "DELETE FROM run",
    "INSERT": "INSERT INTO run VALUES ('a', 'b')",
    "CREATE": "CREATE TABLE x AS SELECT 1",
    "a secret": "CREATE SECRET s (TYPE s3)",
    "the environment": "SELECT getenv('HOME')",
    "PRAGMA": "PRAGMA enable_profiling = 'json'",
    "a log": "CALL enable_logging(storage = 'file', storage_path = 'thesis')",
    "a query within": "FROM query('COPY (SELECT 1) TO ''thesis.tex''')",
    "brackets": "SELECT " + "(" * 5000 + "1" + ")" * 5000,
    "a parameter": "SELECT $x",
    "a kind that Python does not know": "UPDATE EXTENSIONS",
    "a file for SQL": "thesis.tex",
}
SHARDS: dict[str, Callable[[Path], object]] = {
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-40]),
    "empty": lambda path: path.write_bytes(b""),
    "other bytes": lambda path: path.write_bytes(_flipped(path.read_bytes(), len(path.read_bytes()) // 2)),
    "one bit": lambda path: path.write_bytes(_flipped(path.read_bytes(), 50)),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "missing": lambda path: path.unlink(),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "a pipe": PLACES["a pipe"],
}
TABLES = ("response", "score", "divergence", "token", "swap", "prefill", "continuation", "fingerprint", "recovery", "harmful_answer", "amplified")


def cases() -> Iterator[Case]:
    named = r"data/tds\.duckdb: "
    for name, raw in FOREIGN.items():
        for verb, command in VERBS.items():
            yield Case("databases", f"{name}: {verb}", put(DATABASE, raw), command, line=named, seed="measured")
        yield Case("databases", f"{name}: store", put(DATABASE, raw), STORE, line=named, seed="measured")
    for verb, command in {**VERBS, "store": STORE}.items():
        yield Case("databases", f"a pipe: {verb}", at(DATABASE, PLACES["a pipe"]), command, line=named, seed="measured")
    for name, sql in STATEMENTS.items():
        for verb, command in VERBS.items():
            either = verb == "query"  # a user's SQL runs over whatever is there
            yield Case(
                "databases",
                f"{name}: {verb}",
                _sql(sql),
                command,
                line=named + "|Catalog",
                seed="measured",
                either=either,
            )
    for name, sql in EMPTIED.items():
        for verb in ("a saved query", "export", "report"):
            yield Case(
                "databases",
                f"{name}: {verb}",
                _sql(sql),
                VERBS[verb],
                line=named,
                seed="measured",
                either=True,
                seconds=180,
            )
    for part in range(20):
        for query in QUERIES:
            what = f"zeros at {part}/20: {query[1]}"
            yield Case(
                "damaged blocks", what, _zeroed(part / 20), query, line=".", seed="measured", either=True, equal=True
            )
    for share in (0.02, 0.1, 0.3, 0.5, 0.9, 0.99):
        for query in QUERIES:
            yield Case(
                "damaged blocks",
                f"cut at {share}: {query[1]}",
                _cut(share),
                query,
                line=r"data/tds\.duckdb",
                seed="measured",
            )
    for name, sql in QUERY.items():
        yield Case("queries", name, lambda project: None, ("query", sql), line=r"tds: ", seed="measured")
    for table in TABLES:
        for name, spoil in SHARDS.items():
            damage = both(remove(DATABASE), _shard(f"{table}.parquet", spoil))
            yield Case("shards", f"{table}: {name}", damage, STORE, seed="measured", equal=True)
    for name, spoil in SHARDS.items():
        damage = both(remove(DATABASE), _shard("index.json", spoil))
        yield Case("shards", f"index: {name}", damage, STORE, seed="measured", equal=True)
    for name, text in {"a list": "[]", "brackets": "[" * 99_999, "no tables": "{}", "a number": "7"}.items():
        damage = both(remove(DATABASE), _shard("index.json", lambda path, text=text: path.write_text(text)))
        yield Case("shards", f"index: {name}", damage, STORE, seed="measured", equal=True)


def _sql(statement: str) -> Damage:
    def damage(project: Path) -> None:
        import duckdb

        with duckdb.connect(str(project / DATABASE)) as con:
            con.execute(statement)

    return damage


def _zeroed(share: float) -> Damage:
    """Two thousand zeros somewhere in the file."""

    def damage(project: Path) -> None:
        raw = (project / DATABASE).read_bytes()
        at = int(share * len(raw))
        (project / DATABASE).write_bytes(raw[:at] + bytes(2000) + raw[at + 2000 :])

    return damage


def _cut(share: float) -> Damage:
    def damage(project: Path) -> None:
        raw = (project / DATABASE).read_bytes()
        (project / DATABASE).write_bytes(raw[: int(share * len(raw))])

    return damage


def _shard(name: str, spoil: Callable[[Path], object]) -> Damage:
    return lambda project: spoil(min((project / "data/shards").rglob(name)))


def _flipped(raw: bytes, at: int) -> bytes:
    return raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
