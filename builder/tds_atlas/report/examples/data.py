"""What the scripts of an example page read: an answer's positions, and what each condition says there, packed.

A page's own file holds the comparison's two conditions; a second one, loaded when a reader asks, the further conditions
that the report scored over the same answer. assets/js/example-data.js reads both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tds_atlas.report import query
from tds_atlas.report.examples.packing import DIGITS, LENGTHS, Ints, packed
from tds_atlas.report.markup import visible

Row = dict[str, Any]
BETWEEN = "\x7f"  # stands between tokens; `visible` writes no such character
_OWN = ("token_id", "length")
_FAR = ("kl_aligned_base_tenth_millinats", "kl_base_aligned_tenth_millinats", "js_tenth_millinats")


class Vocabulary:
    """What the ids of a comparison's answers write, and their order by text."""

    def __init__(self, con: duckdb.DuckDBPyConnection, comparison_id: str) -> None:
        rows = query.rows(con, "pages/tokens", comparison_id=comparison_id)
        texts = {row["token_id"]: row["text"] for row in rows}
        size = max(texts, default=-1) + 1
        self._shown = [visible(texts.get(i)) for i in range(size)]
        self._rank = np.empty(size, np.int32)
        self._rank[sorted(range(size), key=lambda i: (texts.get(i) or "", i))] = np.arange(size)

    def in_order(self, ids: Ints) -> Ints:
        """Each id once: the most frequent get the shortest numbers; among those of one length by text, for `joined`."""
        counts = np.bincount(ids)
        often = np.flatnonzero(counts)
        often = often[np.argsort(-counts[often], kind="stable")]
        return np.concatenate([part[np.argsort(self._rank[part])] for part in np.split(often, LENGTHS)])

    def places(self, *lists: Ints) -> Ints:
        """By id its place in the lists, one behind the other; 0 for an id that is in none."""
        place = np.zeros(len(self._rank), np.int32)
        ids = np.concatenate(lists)
        place[ids] = np.arange(len(ids))
        return place

    def joined(self, ids: Ints) -> str:
        return joined(self._shown[i] for i in ids)


@dataclass(frozen=True)
class Said:
    """What a condition says at each of T positions: of the token there, and its k likeliest candidates."""

    rank: Ints  # [T]
    logprob: Ints  # [T], -log p in thousandths of a nat, and 1; 0: it has no such token
    entropy: Ints  # [T], thousandths of a nat
    ids: Ints  # [T, k]
    logprobs: Ints  # [T, k], as above without the 1

    def __getitem__(self, rows: slice) -> Said:
        return Said(self.rank[rows], self.logprob[rows], self.entropy[rows], self.ids[rows], self.logprobs[rows])


class Answers:
    """Some answers of a comparison, taken from the database at once. Candidates: as many as the shortest list has."""

    def __init__(self, con: duckdb.DuckDBPyConnection, comparison_id: str, responses: Sequence[str]) -> None:
        def take(name: str) -> pa.Table:
            return query.table(con, f"pages/{name}", comparison_id=comparison_id, responses=responses)

        at, scores, gone = take("positions"), take("scores"), take("continuations")
        self.k = pc.min(pc.list_value_length(scores.column("ids"))).as_py() or 0
        numbers = [_numbers(scores, name) for name in ("rank", "logprob_millinats", "entropy_millinats")]
        lists = [_matrix(scores, name, self.k) for name in ("ids", "logprobs_millinats")]
        every = Said(numbers[0], numbers[1] + 1, numbers[2], *lists)
        self.said: dict[str, dict[str, Said]] = {}
        for (response_id, condition_id), rows in _spans(scores, "response_id", "condition_id"):
            self.said.setdefault(response_id, {})[condition_id] = every[rows]
        own = np.column_stack([_numbers(at, name) for name in _OWN])
        far = np.column_stack([_numbers(at, name) for name in _FAR])
        ends = at.column("is_end").to_numpy()
        self.at = {key: (own[rows], far[rows], bool(ends[rows][-1])) for (key,), rows in _spans(at, "response_id")}
        self.gone: dict[str, Row] = {}
        for row in gone.to_pylist():
            self.gone.setdefault(row["response_id"], {})[str(row["pos"])] = [row["text"], row["ends"]]


def _numbers(table: pa.Table, name: str) -> Ints:
    """A column; -1 for NULL."""
    return np.asarray(table.column(name).fill_null(-1).to_numpy(), np.int32)


def _matrix(table: pa.Table, name: str, k: int) -> Ints:
    """The first k of each list of a column."""
    lists = pc.list_slice(table.column(name).combine_chunks(), 0, k, return_fixed_size_list=True)
    return np.asarray(lists.flatten().to_numpy(), np.int32).reshape(-1, k)


def _spans(table: pa.Table, *keys: str) -> list[tuple[tuple[str, ...], slice]]:
    """The rows of each answer, or of a condition over it, in a table sorted by both: they begin with position 0."""
    starts = np.flatnonzero(table.column("pos").to_numpy() == 0)
    names = zip(*(table.column(key).take(starts).to_pylist() for key in keys), strict=True)
    return list(zip(names, (slice(a, b) for a, b in pairwise([*starts, table.num_rows])), strict=True))


def page_data(comparison: Row, example: Row, answers: Answers, vocabulary: Vocabulary) -> tuple[Row, Row]:
    """The page's own data, and that of the further conditions."""
    response_id = example["response_id"]
    (own, far, ends), said = answers.at[response_id], answers.said[response_id]
    pair = [comparison["base_condition_id"], comparison["aligned_condition_id"]]
    more = [c for c in said if c not in pair]
    base = said[pair[0]].ids
    first = vocabulary.in_order(np.concatenate([own[:, 0], *(said[c].ids.ravel() for c in pair)]))
    place = vocabulary.places(first)
    page = {
        "comparison": example["comparison_id"],
        "ordinal": example["ordinal"],
        "response": response_id,
        "prompt": example["prompt_id"],
        "base": pair[0],
        "aligned": pair[1],
        "text": example["answer"],
        "tokens": vocabulary.joined(first),
        "n": len(own),
        "k": answers.k,
        "own": packed(np.column_stack([place[own[:, 0]], own[:, 1]])),
        "ends": ends,
        "far": packed(far),
        "said": {c: pack_said(said[c], place, base if c != pair[0] else None) for c in dict.fromkeys(pair)},
        "more": more,
        "gone": answers.gone.get(response_id, {}),
    }
    others = np.concatenate([said[c].ids.ravel() for c in more]) if more else np.empty(0, np.int32)
    further = vocabulary.in_order(others[~np.isin(others, first)])
    place = vocabulary.places(first, further)
    return page, {
        "tokens": vocabulary.joined(further),
        "said": {c: pack_said(said[c], place, base) for c in more},
    }


def pack_said(said: Said, place: Ints, base: Ints | None) -> str:
    """A condition's numbers in the order of positions.

    Each is: rank, -log p of the token and 1 (0: it has no such token), entropy, and of k candidates each: which it is,
    and how much less likely than the one before; in thousandths of a nat. A candidate is its place in the page's list
    of tokens; beside a base [T, k], its place in the base's list, or k more than its place in the page's.
    """
    which = place[said.ids]
    if base is not None:
        same = said.ids[:, :, None] == base[:, None, :]
        which = np.where(same.any(axis=2), same.argmax(axis=2), base.shape[1] + which)
    largest = np.maximum.accumulate(np.pad(said.logprobs, ((0, 0), (1, 0))), axis=1)
    candidates = np.stack([which, np.diff(largest, axis=1)], axis=2).reshape(len(which), -1)
    return packed(np.column_stack([said.rank, said.logprob, said.entropy, candidates]))


def joined(texts: Iterable[str]) -> str:
    """Texts as one: of each how many characters it shares with the one before (at most 89), and the rest of it."""
    out, before = [], ""
    for text in texts:
        shared, longest = 0, min(len(text), len(before), len(DIGITS) - 1)
        while shared < longest and text[shared] == before[shared]:
            shared += 1
        rest = text[shared:]
        out.append(DIGITS[shared] + (" " + rest[1:] if rest.startswith("␣") else rest))
        before = text
    return BETWEEN.join(out)
