"""What the scripts of an example page read: an answer's positions, and what each condition says there, packed.

A page's own file holds the comparison's two conditions; a second one, loaded when a reader asks, the further conditions
that the report scored over the same answer. assets/js/example-data.js reads both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, pairwise
from typing import Any

import duckdb
import pyarrow as pa

from builder.report import query
from builder.report.packing import packed
from builder.report.tokens import visible

Row = dict[str, Any]
BETWEEN = "\x7f"  # stands between tokens; `visible` writes no such character
_FAR = ("kl_aligned_base_tenth_millinats", "kl_base_aligned_tenth_millinats", "js_tenth_millinats")


class Answers:
    """A comparison's answers as rows by response, taken from the database at once and turned into Python one by one."""

    def __init__(self, con: duckdb.DuckDBPyConnection, comparison_id: str) -> None:
        def take(name: str) -> _ByResponse:
            return _ByResponse(query.table(con, f"pages/{name}", comparison_id=comparison_id))

        self.positions, self.scores, self.continuations = take("positions"), take("scores"), take("continuations")
        rows = query.rows(con, "pages/tokens", comparison_id=comparison_id)
        self.texts: dict[int, str | None] = {row["token_id"]: row["text"] for row in rows}


class _ByResponse:
    """A table sorted by response_id, cut into the rows of each."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        ids = table.column("response_id").to_pylist()
        cuts = [i for i in range(len(ids)) if i == 0 or ids[i] != ids[i - 1]] + [len(ids)]
        self._spans = {ids[a]: (a, b - a) for a, b in pairwise(cuts)}

    def __getitem__(self, response_id: str) -> list[Row]:
        return list(self._table.slice(*self._spans.get(response_id, (0, 0))).to_pylist())


def page_data(comparison: Row, example: Row, answers: Answers) -> tuple[Row, Row]:
    """The page's own data, and that of the further conditions."""
    response_id = example["response_id"]
    positions = answers.positions[response_id]
    said = {c: list(rows) for c, rows in groupby(answers.scores[response_id], key=lambda row: row["condition_id"])}
    pair = [comparison["base_condition_id"], comparison["aligned_condition_id"]]
    more = [c for c in said if c not in pair]
    first = _by_frequency(_ids(positions, *(said[c] for c in pair)))
    place = {token_id: i for i, token_id in enumerate(first)}
    own = {
        "comparison": example["comparison_id"],
        "ordinal": example["ordinal"],
        "response": response_id,
        "prompt": example["prompt_id"],
        "base": pair[0],
        "aligned": pair[1],
        "text": example["answer"],
        "tokens": _joined(first, answers.texts),
        "n": len(positions),
        "own": packed(n for p in positions for n in (place[p["token_id"]], p["length"])),
        "ends": bool(positions) and positions[-1]["is_end"],
        "far": packed(p[key] for p in positions for key in _FAR),
        "said": {c: pack_scores(said[c], place) for c in pair},
        "more": more,
        "gone": {str(row["pos"]): [row["text"], row["ends"]] for row in answers.continuations[response_id]},
    }
    further = [i for i in _by_frequency(_ids([], *(said[c] for c in more))) if i not in place]
    place |= {token_id: len(first) + i for i, token_id in enumerate(further)}
    return own, {
        "tokens": _joined(further, answers.texts),
        "said": {c: pack_scores(said[c], place) for c in more},
    }


def pack_scores(rows: Iterable[Row], place: dict[int, int]) -> str:
    """A condition's rows in the order of positions.

    Each is: rank, -log p of the token and 1 (0: it has no such token), entropy, how many candidates, and of each its
    place in the page's list of tokens and how much less likely it is than the one before. In thousandths of a nat.
    """
    return packed(n for row in rows for n in _numbers(row, place))


def _numbers(row: Row, place: dict[int, int]) -> Iterator[int]:
    logprob = row["logprob_millinats"]
    yield from (row["rank"], 0 if logprob is None else logprob + 1, row["entropy_millinats"], len(row["ids"]))
    before = 0
    for token_id, value in zip(row["ids"], row["logprobs_millinats"], strict=True):
        yield place[token_id]
        yield max(value - before, 0)
        before = max(value, before)


def _ids(positions: Sequence[Row], *conditions: Sequence[Row]) -> Iterator[int]:
    yield from (p["token_id"] for p in positions)
    for rows in conditions:
        for row in rows:
            yield from row["ids"]


def _by_frequency(ids: Iterable[int]) -> list[int]:
    """The most frequent first: they get the shortest numbers."""
    counts = Counter(ids)
    return sorted(counts, key=lambda i: (-counts[i], i))


def _joined(ids: Sequence[int], texts: dict[int, str | None]) -> str:
    """Tokens as a reader sees them; a leading ␣, three bytes long and frequent, as the space that it stands for."""
    shown = (visible(texts.get(i)) for i in ids)
    return BETWEEN.join(" " + text[1:] if text.startswith("␣") else text for text in shown)
