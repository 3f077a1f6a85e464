"""The example pages of comparisons with two tokenizers: the answer coloured by stretches, and both sides' tokens.

Plain HTML without a script: what is coloured is chosen by two radio buttons that the style sheet reads.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import duckdb

from tds_atlas.parts import write_file
from tds_atlas.report import query
from tds_atlas.report.markup import inert, title
from tds_atlas.report.numbers import number
from tds_atlas.report.pages import environment

Row = dict[str, Any]
_AT_ONCE = 100  # answers whose stretches are in memory
_STEPS = (-0.5, -0.1, -0.02, 0.02, 0.1, 0.5)  # nats per byte, between the colours of the scale
_UNKNOWN = 3  # the colour in the middle, of what has no number


def write_stretch_pages(con: duckdb.DuckDBPyConnection, folder: Path, shown: Sequence[Row]) -> Iterator[str]:
    """Write the pages of these rows of pages/retold_examples. Yields the name of each."""
    stub = environment().get_template("stretches.md")
    for comparison_id, group in groupby(shown, key=_comparison):
        mine, target = list(group), folder / comparison_id
        target.mkdir(parents=True)
        for i, example in enumerate(mine):
            if i % _AT_ONCE == 0:
                found = _stretches(con, comparison_id, [e["response_id"] for e in mine[i : i + _AT_ONCE]])
            rows = found.get(example["response_id"], [])
            near = {"previous": mine[i - 1] if i else None, "next": mine[i + 1] if i + 1 < len(mine) else None}
            named = f"{title(example['prompt'])} · {title(example['label'])}"
            drawn, rest = list(_drawn(rows, example["answer"])), _rest(rows, example["answer"])
            values = {"stretches": drawn, "rest": rest, "steps": _scale(), "title": named, "inert": inert}
            write_file(target / f"{example['page']}.md", stub.render(example=example, **values, **near))
            yield example["page"]


def _comparison(example: Row) -> str:
    return str(example["comparison_id"])


def _stretches(con: duckdb.DuckDBPyConnection, comparison_id: str, responses: Sequence[str]) -> dict[str, list[Row]]:
    rows = query.table(con, "pages/stretches", comparison_id=comparison_id, responses=responses).to_pylist()
    return {name: list(group) for name, group in groupby(rows, key=lambda row: str(row["response_id"]))}


def _drawn(rows: Sequence[Row], answer: str) -> Iterator[Row]:
    for row in rows:
        per_byte = row["delta_logprob_per_byte"]
        step = _UNKNOWN if per_byte is None else bisect(_STEPS, per_byte)
        text = answer[row["char_start"] : row["char_end"]]
        yield row | {"text": text, "look": _look(row, text), "step": step, "told": _told(row)}


def _rest(rows: Sequence[Row], answer: str) -> str:
    """What no stretch holds: behind the last of them."""
    return answer[rows[-1]["char_end"] :] if rows else answer


def _look(row: Mapping[str, Any], text: str) -> str:
    """Its classes: that of the rank where it has one, else whether the base's greedy path writes it."""
    part = "" if text else " tds-part"
    if row["shift"]:
        return f"tds-c-{row['shift']}{part}"
    return f"tds-w-{'greedy' if row['is_base_greedy'] else 'other'}{part}"


def _told(row: Mapping[str, Any]) -> str:
    """What is said where a pointer rests."""
    path = "" if row["is_base_greedy"] is None else f", {'' if row['is_base_greedy'] else 'not '}the base's greedy path"
    of_base = f"base's rank {number(row['base_rank'])}" if row["base_rank"] else f"{_counted(row)}{path}"
    said = " and ".join(number(row[name], 2) for name in ("aligned_logprob", "base_logprob"))
    return f"{of_base}; ln p {said}; Δ per byte {number(row['delta_logprob_per_byte'], 3)}"


def _counted(row: Mapping[str, Any]) -> str:
    return f"{len(row['own'])} to {len(row['base'])} tokens"


def _scale() -> list[str]:
    """The steps of the scale in words."""
    ends = [number(step) for step in _STEPS]
    between = [f"{low} to {high}" for low, high in pairwise(ends)]
    return [f"below {ends[0]}", *between, f"above {ends[-1]}"]
