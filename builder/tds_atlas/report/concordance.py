"""The index of words: a script with every word and its counts, and scripts with their lines of context, read on demand.

The browser adds a script element for the one it needs, which also works from disk, where it cannot fetch.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from tds_atlas.parts import write_file
from tds_atlas.report import query
from tds_atlas.report.markup import inline_json, visible

MOST = {"shifted": 200, "other": 20}  # lines of a word in a comparison; as in sql/pages/concordance.sql
_SHARD = 1_000  # lines
_CLASSES = ("unshifted", "marginal", "shifted")
Row = dict[str, Any]


def write_words(con: duckdb.DuckDBPyConnection, folder: Path, paged: frozenset[int]) -> None:
    """Write the index and its shards. assets/js/words.js documents the order of their numbers.

    paged: the ordinals of the prompts whose answers have pages, which lines of context can link to.
    """
    folder.mkdir()
    comparisons = [c["comparison_id"] for c in query.rows(con, "pages/comparisons")]
    labels = [c["label"] for c in query.rows(con, "pages/comparisons")]
    counts = _by_word(query.rows(con, "pages/word_index"))
    lines: dict[tuple[str, int], list[list[Any]]] = {}
    for i, comparison_id in enumerate(comparisons):
        for row in query.rows(con, "pages/concordance", comparison_id=comparison_id):
            lines.setdefault((row["word"], i), []).append(_line(row))
    words: list[list[Any]] = []
    for shard, names in enumerate(_shards(counts, lines)):
        parts = []
        for name in names:
            mine = [(comparisons.index(row["comparison_id"]), row) for row in counts[name]]
            parts.append([len(words), [[i, *_numbers(row), lines.get((name, i), [])] for i, row in mine]])
            words.append([name, shard, *(n for i, row in mine for n in (i, row["occurrences"], row["shifted"]))])
        write_file(folder / f"{shard}.js", f"window.tdsWordLines({shard},{inline_json(parts)});\n")
    index = {"comparisons": comparisons, "labels": labels, "most": MOST, "paged": sorted(paged), "words": words}
    write_file(folder / "index.js", f"window.tdsWords={inline_json(index)};\n")


def _by_word(rows: list[Row]) -> dict[str, list[Row]]:
    table: dict[str, list[Row]] = {}
    for row in rows:
        table.setdefault(row["word"], []).append(row)
    return table


def _shards(counts: dict[str, list[Row]], lines: dict[tuple[str, int], list[list[Any]]]) -> Iterator[list[str]]:
    """Words in order, in portions of about equally many lines."""
    portion: list[str] = []
    size = 0
    by_word: dict[str, int] = {}
    for (word, _), context_lines in lines.items():
        by_word[word] = by_word.get(word, 0) + len(context_lines)
    for word in counts:
        if portion and size + by_word.get(word, 0) > _SHARD:
            yield portion
            portion, size = [], 0
        portion.append(word)
        size += by_word.get(word, 0)
    if portion:
        yield portion


def _numbers(row: Row) -> list[Any]:
    """Prompts, bounds of the interval, and what the base would have said instead."""
    bounds = [None if row[key] is None else round(row[key], 4) for key in ("low_share", "high_share")]
    return [row["prompts"], *bounds, [[visible(token["token"]), token["n"]] for token in row["base_said"]]]


def _line(row: Row) -> list[Any]:
    return [
        int(page) if (page := row["page"]).isdigit() else page,
        row["shifted_pos"],
        _CLASSES.index(row["shift"]),
        row["base_rank"],
        visible(row["base_top"]),
        row["before"],
        row["after"],
    ]
