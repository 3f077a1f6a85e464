"""Example pages without a script: their numbers are written into them, some answers at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
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
_AT_ONCE = 100  # answers whose rows are in memory


@dataclass(frozen=True)
class Told:
    """A kind of such pages."""

    template: str
    query: str  # the rows of some answers of a comparison
    values: Callable[[Sequence[Row], str], Row]  # of an answer's rows and its text, what the template shows


def write_told(con: duckdb.DuckDBPyConnection, folder: Path, shown: Sequence[Row], told: Told) -> Iterator[str]:
    """Write the pages of these answers, sorted by their comparisons. Yields the name of each."""
    stub = environment().get_template(told.template)
    for comparison_id, group in groupby(shown, key=_comparison):
        mine, target = list(group), folder / comparison_id
        target.mkdir(parents=True)
        for i, example in enumerate(mine):
            if i % _AT_ONCE == 0:
                found = _rows(con, told.query, comparison_id, [e["response_id"] for e in mine[i : i + _AT_ONCE]])
            near = {"previous": mine[i - 1] if i else None, "next": mine[i + 1] if i + 1 < len(mine) else None}
            named = f"{title(example['prompt'])} · {title(example['label'])}"
            values = told.values(found.get(example["response_id"], []), example["answer"])
            text = stub.render(example=example, title=named, inert=inert, **values, **near)
            write_file(target / f"{example['page']}.md", text)
            yield example["page"]


def _comparison(example: Row) -> str:
    return str(example["comparison_id"])


def _rows(
    con: duckdb.DuckDBPyConnection, name: str, comparison_id: str, responses: Sequence[str]
) -> dict[str, list[Row]]:
    rows = query.table(con, name, comparison_id=comparison_id, responses=responses).to_pylist()
    return {response: list(group) for response, group in groupby(rows, key=lambda row: str(row["response_id"]))}


def scale(steps: Sequence[float]) -> list[str]:
    """The steps between colours in words, from below the first to above the last."""
    ends = [number(step) for step in steps]
    between = [f"{low} to {high}" for low, high in pairwise(ends)]
    return [f"below {ends[0]}", *between, f"above {ends[-1]}"]
