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
from builder.report.packing import DIGITS, LENGTHS, packed
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
    k = min((len(row["ids"]) for rows in said.values() for row in rows), default=0)
    first = _in_order(_ids(positions, *(said[c] for c in pair)), answers.texts)
    place = {token_id: i for i, token_id in enumerate(first)}
    base = said[pair[0]]
    own = {
        "comparison": example["comparison_id"],
        "ordinal": example["ordinal"],
        "response": response_id,
        "prompt": example["prompt_id"],
        "base": pair[0],
        "aligned": pair[1],
        "text": example["answer"],
        "tokens": joined(visible(answers.texts.get(i)) for i in first),
        "n": len(positions),
        "k": k,
        "own": packed(n for p in positions for n in (place[p["token_id"]], p["length"])),
        "ends": bool(positions) and positions[-1]["is_end"],
        "far": packed(p[key] for p in positions for key in _FAR),
        "said": {c: pack_scores(said[c], place, k, base if c != pair[0] else ()) for c in pair},
        "more": more,
        "gone": {str(row["pos"]): [row["text"], row["ends"]] for row in answers.continuations[response_id]},
    }
    further = [i for i in _in_order(_ids([], *(said[c] for c in more)), answers.texts) if i not in place]
    place |= {token_id: len(first) + i for i, token_id in enumerate(further)}
    return own, {
        "tokens": joined(visible(answers.texts.get(i)) for i in further),
        "said": {c: pack_scores(said[c], place, k, base) for c in more},
    }


def pack_scores(rows: Sequence[Row], place: dict[int, int], k: int, base: Sequence[Row]) -> str:
    """A condition's rows in the order of positions.

    Each is: rank, -log p of the token and 1 (0: it has no such token), entropy, and of k candidates each: which it is,
    and how much less likely than the one before; in thousandths of a nat. A candidate is its place in the page's list
    of tokens; beside a base, its place in the base's list, or k more than its place in the page's.
    """
    lists = [row["ids"][:k] for row in base] or [[]] * len(rows)
    return packed(n for row, first in zip(rows, lists, strict=True) for n in _numbers(row, place, k, first))


def _numbers(row: Row, place: dict[int, int], k: int, first: Sequence[int]) -> Iterator[int]:
    logprob = row["logprob_millinats"]
    yield from (row["rank"], 0 if logprob is None else logprob + 1, row["entropy_millinats"])
    before, skip = 0, k if first else 0
    for token_id, value in zip(row["ids"][:k], row["logprobs_millinats"], strict=False):
        yield first.index(token_id) if token_id in first else skip + place[token_id]
        yield max(value - before, 0)
        before = max(value, before)


def _ids(positions: Sequence[Row], *conditions: Sequence[Row]) -> Iterator[int]:
    yield from (p["token_id"] for p in positions)
    for rows in conditions:
        for row in rows:
            yield from row["ids"]


def _in_order(ids: Iterable[int], texts: dict[int, str | None]) -> list[int]:
    """The most frequent first, for they get the shortest numbers; among numbers of one length by text, for `joined`."""
    counts = Counter(ids)
    often = sorted(counts, key=lambda i: (-counts[i], i))
    return [
        i
        for a, b in pairwise((0, *LENGTHS, len(often)))
        for i in sorted(often[a:b], key=lambda i: (texts.get(i) or "", i))
    ]


def joined(texts: Iterable[str]) -> str:
    """Texts as one: of each how many characters it shares with the one before (at most 89), and the rest of it."""
    out, before = [], ""
    for text in texts:
        shared = next(
            (i for i, (a, b) in enumerate(zip(text, before, strict=False)) if a != b), min(len(text), len(before))
        )
        shared = min(shared, len(DIGITS) - 1)
        rest = text[shared:]
        out.append(DIGITS[shared] + (" " + rest[1:] if rest.startswith("␣") else rest))
        before = text
    return BETWEEN.join(out)
