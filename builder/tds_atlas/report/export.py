"""The database as a folder of Parquet files with a dataset card, in the layout of the Hugging Face Hub."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet
import yaml

from tds_atlas.domain import InputError
from tds_atlas.parts import discard, new_part, unwritable
from tds_atlas.paths import real_path
from tds_atlas.record.catalog import tables
from tds_atlas.record.sealed import identifier
from tds_atlas.report import query
from tds_atlas.report.markup import title
from tds_atlas.terminal import track

MARKER = ".tds-export"  # names the files that tds wrote in a folder, with their hashes
# candidate and paired only repeat score.
VIEWS = ("tds", "example", "word", "split", "stage", "sentence_end", "noise", "aligntds", "counted_twice")
_AT_ONCE = 20_000  # response tokens at a time: memory holds a view's rows for them, times its comparisons
_TEMPLATE = Path(__file__).parent / "templates" / "card.md"
_MARKUP = re.compile(r"([\\`*_{}\[\]<>()#|!&~$])")


def write_export(database: Path, folder: Path) -> int:
    """Write tables, views and card, all or nothing; replaces an earlier export. Returns the number of files."""
    con = query.connect(database)
    target = real_path(folder)
    _refuse(target, folder)
    part = new_part(target)
    try:
        (part / "data").mkdir(parents=True)
        with query.consistent(database):
            written = _write_tables(con, part / "data")
            (part / "README.md").write_text(card(con, written), encoding="utf-8")
        (part / MARKER).write_text(json.dumps(_hashes(part), indent=1) + "\n", encoding="utf-8")
        _refuse(target, folder)  # again: what was put there meanwhile
        _replace(part, target)
    except OSError as error:
        raise unwritable(folder, error) from None
    finally:
        discard(part)
    return len(written) + 1


def card(con: duckdb.DuckDBPyConnection, counts: dict[str, int]) -> str:
    """The dataset card. The user has to name the license."""
    run = {row["key"]: row["value"] for row in query.rows(con, "pages/run")}
    described = groupby(query.rows(con, "pages/schema"), key=lambda row: row["name"])
    columns = {name: list(rows) for name, rows in described if name in counts}
    front: dict[str, Any] = {
        "pretty_name": title(run["report_title"]),
        "tags": ["token-distribution-shift", "alignment", "interpretability", "tds-atlas"],
        "size_categories": [_size(counts.get("tds", 0))],
        "configs": [
            {"config_name": name, "data_files": [{"split": "train", "path": f"data/{name}.parquet"}]}
            | ({"default": True} if name == "tds" else {})
            for name in counts
        ],
    }
    parts = [f"---\n{yaml.safe_dump(front, allow_unicode=True, sort_keys=False)}# license: yours to name\n---\n"]
    text = _TEMPLATE.read_text(encoding="utf-8")
    about = run["report_description"]
    values = {"TITLE": _plain(title(run["report_title"])), "ABOUT": _plain(about), "FIRST": next(iter(counts))}
    long = ("report_config", "report_description", "report_title")
    values["RUN"] = _table("what | value", [(k, v) for k, v in run.items() if k not in long])
    values["CONFIG"] = "\n".join(f"    {line}" for line in run.get("report_config", "").splitlines())
    files: list[tuple[str, ...]] = [(name, f"{rows:,}", columns[name][0]["about"]) for name, rows in counts.items()]
    values["FILES"] = _table("file | rows | what", files)
    values["COLUMNS"] = "\n\n".join(
        f"### {name}\n\n"
        + _table("column | type | meaning", [(c["column_name"], c["data_type"], c["comment"]) for c in columns[name]])
        for name in counts
    )
    parts.append(re.sub(r"%(\w+)%", lambda match: values[match[1]], text))
    return "\n".join(parts)


def _refuse(target: Path, folder: Path) -> None:
    """Refuse a folder that holds anything but an earlier export."""
    if target.exists() and not target.is_dir():
        raise InputError(f"{folder}: not a folder; name another")
    if not target.is_dir() or not any(target.iterdir()):
        return
    try:
        known = json.loads((target / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    foreign = [name for name, digest in _hashes(target).items() if known.get(name) != digest]
    if foreign or not known:
        named = foreign[0] if foreign else MARKER
        raise InputError(f"{folder}: holds {named}, not written by tds or changed since; name another folder")


def _write_tables(con: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, int]:
    """A file for each table and view that has rows. Returns the number of rows by name, views first."""
    names, portions, counts = [*VIEWS, *sorted(tables())], query.portions(con, _AT_ONCE), {}
    for name in track(iter(names), "export", len(names), "tables"):
        path = folder / f"{name}.parquet"
        counts[name] = _write(con, name, portions, path)
        if not counts[name]:
            path.unlink()
    return {name: count for name, count in counts.items() if count}


def _write(con: duckdb.DuckDBPyConnection, name: str, portions: list[tuple[str, str]], path: Path) -> int:
    """One file in a fixed row order, some responses at a time: exports are byte-equal, memory stays flat."""
    schema = con.sql(f"FROM {identifier(name)} LIMIT 0").to_arrow_table().schema
    rows = 0
    with pa.parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in _batches(con, name, portions if "response_id" in schema.names else None):
            if batch.num_rows:
                writer.write_table(batch)
                rows += batch.num_rows
    return rows


def _batches(con: duckdb.DuckDBPyConnection, name: str, portions: list[tuple[str, str]] | None) -> Iterator[pa.Table]:
    if portions is None:
        yield con.sql(f"FROM {identifier(name)} ORDER BY ALL").to_arrow_table()
        return
    for first, last in portions:
        sql = f"FROM {identifier(name)} WHERE response_id BETWEEN $first AND $last ORDER BY ALL"
        yield con.sql(sql, params={"first": first, "last": last}).to_arrow_table()


def _hashes(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file below a folder but the marker, by name."""
    hashes = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path != folder / MARKER:
            with path.open("rb") as file:
                hashes[path.relative_to(folder).as_posix()] = hashlib.file_digest(file, "sha256").hexdigest()
        elif path.is_symlink() or (path.is_dir() and not any(path.iterdir())):
            hashes[path.relative_to(folder).as_posix()] = "not a file of tds"
    return hashes


def _replace(part: Path, target: Path) -> None:
    """Replace the old folder with the new one; restores the old one if that fails."""
    if not target.exists():
        part.rename(target)
        return
    old = new_part(target)
    target.rename(old)
    try:
        part.rename(target)
    except OSError:
        old.rename(target)
        raise
    discard(old)


def _size(rows: int) -> str:
    """The hub's word for a number of rows."""
    steps = [(10**3, "1K"), (10**4, "10K"), (10**5, "100K"), (10**6, "1M"), (10**7, "10M"), (10**8, "100M")]
    below = [name for limit, name in steps if rows >= limit]
    above = [name for limit, name in steps if rows < limit]
    return f"{below[-1]}<n<{above[0]}" if below and above else f"n<{above[0]}" if above else f"n>{below[-1]}"


def _plain(text: str | None) -> str:
    """Text on one line, with Markdown and HTML escaped."""
    return _MARKUP.sub(r"\\\1", " ".join((text or "").split()))


def _table(head: str, rows: list[tuple[str, ...]]) -> str:
    lines = [f"| {head} |", "|" + "---|" * (head.count("|") + 1)]
    return "\n".join(lines + ["| " + " | ".join(map(_plain, row)) + " |" for row in rows])
