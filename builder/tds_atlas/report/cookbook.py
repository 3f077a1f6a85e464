"""Saved queries: the cookbook's questions with live answers, and every name that `tds query --saved` accepts."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from textwrap import TextWrapper
from typing import Any

import duckdb
import pyarrow as pa

from tds_atlas.domain import InputError, printable
from tds_atlas.record.sealed import identifier
from tds_atlas.report import query
from tds_atlas.report.table_formats import format_table, save, terminal_width
from tds_atlas.report.times import times_as_text
from tds_atlas.report.user_sql import fetch, interruptible, read_sql, relation, rows_of

PARTS = (
    "How much",
    "Words and tokens",
    "Where in the answer",
    "What both would have said",
    "What did it",
    "Probes",
    "What the numbers rest on",
)
_KEY = re.compile(r"-- (part|needs): (.+)")
_SHOWN = 10  # rows of an answer on the page
_FURTHER = "Select columns by name, or use --format csv or json."
_READABLE = 20  # characters beside a name, at least, however narrow the terminal


@dataclass(frozen=True)
class Question:
    """A file of sql/cookbook: its first line is the question, the next ones its part and the table it needs."""

    name: str
    question: str
    part: str
    needs: str  # a table or view; empty where the question always makes sense
    sql: str

    @property
    def body(self) -> str:
        """The SQL without the lines that the page shows elsewhere."""
        return self.sql.split("\n", 3 if self.needs else 2)[-1].rstrip()


def cookbook() -> list[Question]:
    """The questions, by part and then by name."""
    questions = []
    for path in (query.SQL / "cookbook").glob("*.sql"):
        text = path.read_text(encoding="utf-8")
        keys = {m.group(1): m.group(2) for m in map(_KEY.fullmatch, text.splitlines()[1:3]) if m}
        questions.append(Question(path.stem, query.caption(text), keys["part"], keys.get("needs", ""), text))
    return sorted(questions, key=lambda q: (PARTS.index(q.part), q.name))


def answers_on_pages(database: Path, views: Path) -> dict[str, Any]:
    """The cookbook's answers, and a row of each table: what pages show of the database without querying it."""
    with closing(query.connect(database, views, query.FRUGAL)) as con:
        return {"cookbook": answered_questions(con), "sample": sample_rows(con)}


def answered_questions(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """The questions that this database answers, with the first rows of each answer."""
    answers = []
    for q in cookbook():
        if q.needs and not rows_of(con, f"SELECT 1 FROM {identifier(q.needs)} LIMIT 1").num_rows:
            continue
        result = rows_of(con, q.sql)
        if result.num_rows:
            rows = [tuple(row.values()) for row in result.slice(0, _SHOWN).to_pylist()]
            shown = {"columns": result.column_names, "rows": rows, "more": result.num_rows > _SHOWN}
            question = {"name": q.name, "question": q.question, "part": q.part, "sql": q.sql, "body": q.body}
            answers.append(question | shown)
    return answers


def sample_rows(con: duckdb.DuckDBPyConnection) -> dict[str, dict[str, Any]]:
    """The first row of each table and view that has any. Cheap, since it reads only one answer's rows."""
    samples = {}
    sources = con.sql("SELECT min(response_id) FROM response GROUP BY source ORDER BY ALL").fetchall()
    for name, columns in groupby(query.rows(con, "pages/schema"), key=lambda row: row["name"]):
        by_response = any(column["column_name"] == "response_id" for column in columns)
        for (response,) in sources if by_response and name != "continuation" else [(None,)]:
            where = "WHERE response_id = $response" if response else ""
            sql = f"FROM {identifier(name)} {where} ORDER BY ALL LIMIT 1"
            row = con.sql(sql, params={"response": response} if response else None).to_arrow_table().to_pylist()
            if row:
                samples[name] = row[0]
                break
    return samples


def questions_by_name() -> dict[str, str]:
    """Every saved query's question by name: the cookbook, then the report's queries without parameters."""
    questions = {q.name: q.question for q in cookbook()}
    for folder in ("figures", "pages"):
        for path in sorted((query.SQL / folder).glob("*.sql")):
            text = path.read_text(encoding="utf-8")
            if not re.search(r"\$\w", text):
                questions[f"{folder}/{path.stem}"] = query.caption(text)
    return questions


def sql_of(name: str) -> str:
    """The SQL of a saved query."""
    if name not in questions_by_name():
        raise InputError(f"there is no saved query {printable(name)}; `tds query --list` lists them")
    return query.sql_of(name if "/" in name else f"cookbook/{name}")


def listing() -> pa.Table:
    names = questions_by_name()
    return pa.table({"name": list(names), "question": list(names.values())})


def listed(questions: dict[str, str], width: int | None) -> str:
    """Names and questions, a line each; questions too long for a terminal of that width go on below their beginning."""
    column = max(map(len, questions)) + 2
    if width is None:
        return "\n".join(f"{name:<{column}}{question}" for name, question in questions.items())
    below = TextWrapper(
        max(width, column + _READABLE),
        subsequent_indent=" " * column,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(below.fill(f"{name:<{column}}{question}") for name, question in questions.items())


def answer(
    database: Path, sql: str | None, saved: str | None, names: bool, style: str, output: Path | None
) -> str | None:
    """What `tds query` prints; None where the rows were written to a file."""
    if [sql is not None, saved is not None, names].count(True) != 1:
        raise InputError("give one of: SQL (or - for standard input), --saved NAME, --list")
    if style == "parquet" and output is None:
        raise InputError("Parquet cannot be printed; name a file with --output")
    if names and style == "table" and output is None:
        return listed(questions_by_name(), terminal_width())
    if names:
        result = listing()
    else:
        text = sql_of(saved) if saved is not None else read_sql(sql or "")
        con = query.source(query.connect(database), saved) if saved else query.connect_as_stored(database)
        result = interruptible(con, lambda: relation(con, text))
        result = result if style == "parquet" else times_as_text(result)
        if output is None:
            return format_table(interruptible(con, lambda: fetch(result)), style, terminal_width(), _FURTHER)
        interruptible(con, lambda: save(result, style, output))
        return None
    if output is None:
        return format_table(result, style, terminal_width(), _FURTHER)
    save(result, style, output)
    return None
