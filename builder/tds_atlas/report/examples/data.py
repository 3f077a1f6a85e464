"""The data of an example page's scripts: an answer's positions with each condition's scores, packed.

A page's own file holds the comparison's two conditions; a second file, loaded on demand, holds the other conditions
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
_BOUNDS = ("kl_aligned_base_at_least", "kl_base_aligned_at_least", "js_at_least", "js_at_most")
_UNKNOWN = 1_000_000_001  # beyond any number of a page, and the sign for an infinite one


class Vocabulary:
    """The text of the ids in a comparison's answers, and their order by text."""

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
        """The place of each id in the concatenated lists; 0 for an id that is in none."""
        place = np.zeros(len(self._rank), np.int32)
        ids = np.concatenate(lists)
        place[ids] = np.arange(len(ids))
        return place

    def joined(self, ids: Ints) -> str:
        return joined(self._shown[i] for i in ids)


@dataclass(frozen=True)
class Scores:
    """A condition's scores at each of T positions: of the token there, and of its k likeliest candidates."""

    rank: Ints  # [T]
    logprob: Ints  # [T], -log p in thousandths of a nat, and 1; 0: it has no such token
    entropy: Ints  # [T], thousandths of a nat; _UNKNOWN where lists bound it only
    ids: Ints  # [T, k]
    logprobs: Ints  # [T, k], as above without the 1

    def __getitem__(self, rows: slice) -> Scores:
        return Scores(self.rank[rows], self.logprob[rows], self.entropy[rows], self.ids[rows], self.logprobs[rows])


class Answers:
    """Some answers of a comparison, taken from the database at once. Candidates: as many as the shortest list has."""

    def __init__(self, con: duckdb.DuckDBPyConnection, comparison_id: str, responses: Sequence[str]) -> None:
        def take(name: str) -> pa.Table:
            return query.table(con, f"pages/{name}", comparison_id=comparison_id, responses=responses)

        at, table, continuations = take("positions"), take("scores"), take("continuations")
        self.k = pc.min(pc.list_value_length(table.column("ids"))).as_py() or 0
        numbers = [_numbers(table, name) for name in ("rank", "logprob_millinats")]
        numbers.append(_numbers(table, "entropy_millinats", _UNKNOWN))
        lists = [_matrix(table, name, self.k) for name in ("ids", "logprobs_millinats")]
        every = Scores(numbers[0], numbers[1] + 1, numbers[2], *lists)
        self.scores: dict[str, dict[str, Scores]] = {}
        for (response_id, condition_id), rows in _spans(table, "response_id", "condition_id"):
            self.scores.setdefault(response_id, {})[condition_id] = every[rows]
        own = np.column_stack([_numbers(at, name) for name in _OWN])
        far = np.column_stack([_numbers(at, name, _UNKNOWN) for name in _FAR])
        bounds = np.column_stack([_numbers(at, name, _UNKNOWN) for name in _BOUNDS])
        ends = at.column("is_end").to_numpy()
        names, starts = at.column("segment").to_pylist(), at.column("segment_start").to_pylist()
        self.segments = {
            key: [[name, start] for name, start in dict.fromkeys(zip(names[rows], starts[rows], strict=True))]
            for (key,), rows in _spans(at, "response_id")
        }
        self.at = {key: (own[rows], far[rows], bool(ends[rows][-1])) for (key,), rows in _spans(at, "response_id")}
        self.bounds = {
            key: bounds[rows] for (key,), rows in _spans(at, "response_id") if (far[rows, -1] == _UNKNOWN).any()
        }
        self.readings: dict[str, Row] = {}
        for row in take("readings").to_pylist():
            self.readings.setdefault(row["response_id"], {})[row["condition_id"]] = [row["text"], row["special"]]
        self.continuations: dict[str, Row] = {}
        for row in continuations.to_pylist():
            self.continuations.setdefault(row["response_id"], {})[str(row["pos"])] = [row["text"], row["ends"]]


def _numbers(table: pa.Table, name: str, absent: int = -1) -> Ints:
    """A column; `absent` for NULL."""
    return np.asarray(table.column(name).fill_null(absent).to_numpy(), np.int32)


def _matrix(table: pa.Table, name: str, k: int) -> Ints:
    """The first k of each list of a column."""
    lists = pc.list_slice(table.column(name).combine_chunks(), 0, k, return_fixed_size_list=True)
    return np.asarray(lists.flatten().to_numpy(), np.int32).reshape(-1, k)


def _spans(table: pa.Table, *keys: str) -> list[tuple[tuple[str, ...], slice]]:
    """The rows of each answer, or of a condition over it, in a table sorted by both: each run starts at position 0."""
    starts = np.flatnonzero(table.column("pos").to_numpy() == 0)
    names = zip(*(table.column(key).take(starts).to_pylist() for key in keys), strict=True)
    return list(zip(names, (slice(a, b) for a, b in pairwise([*starts, table.num_rows])), strict=True))


def page_data(comparison: Row, example: Row, answers: Answers, vocabulary: Vocabulary) -> tuple[Row, Row]:
    """The page's own data, and the data of the other conditions."""
    response_id = example["response_id"]
    (own, far, ends), scores = answers.at[response_id], answers.scores[response_id]
    pair = [comparison["base_condition_id"], comparison["aligned_condition_id"]]
    more = [c for c in scores if c not in pair]
    base = scores[pair[0]].ids
    first = vocabulary.in_order(np.concatenate([own[:, 0], *(scores[c].ids.ravel() for c in pair)]))
    place = vocabulary.places(first)
    page = {
        "comparison": example["comparison_id"],
        "page": example["page"],
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
        **({"segments": answers.segments[response_id]} if answers.segments[response_id] != [["answer", 0]] else {}),
        "far": packed(far),
        "bounds": packed(answers.bounds[response_id]) if response_id in answers.bounds else "",
        "said": {c: pack_scores(scores[c], place, base if c != pair[0] else None) for c in dict.fromkeys(pair)},
        "more": more,
        "before": answers.readings.get(response_id, {}),
        "gone": answers.continuations.get(response_id, {}),
    }
    others = np.concatenate([scores[c].ids.ravel() for c in more]) if more else np.empty(0, np.int32)
    further = vocabulary.in_order(others[~np.isin(others, first)])
    place = vocabulary.places(first, further)
    return page, {
        "tokens": vocabulary.joined(further),
        "said": {c: pack_scores(scores[c], place, base) for c in more},
    }


def pack_scores(scores: Scores, place: Ints, base: Ints | None) -> str:
    """A condition's numbers in the order of positions.

    For each position: rank, -log p of the token + 1 (0: not in the vocabulary), entropy, and for each of k candidates
    which token it is and how much less likely than the one before; in thousandths of a nat. A candidate is its place in
    the page's list of tokens; given a base [T, k], its place in the base's list, or k plus its place in the page's.
    """
    which = place[scores.ids]
    if base is not None:
        same = scores.ids[:, :, None] == base[:, None, :]
        which = np.where(same.any(axis=2), same.argmax(axis=2), base.shape[1] + which)
    largest = np.maximum.accumulate(np.pad(scores.logprobs, ((0, 0), (1, 0))), axis=1)
    candidates = np.stack([which, np.diff(largest, axis=1)], axis=2).reshape(len(which), -1)
    return packed(np.column_stack([scores.rank, scores.logprob, scores.entropy, candidates]))


def joined(texts: Iterable[str]) -> str:
    """Texts as one string: for each, how many characters it shares with the one before (at most 89), and the rest."""
    out, before = [], ""
    for text in texts:
        shared, longest = 0, min(len(text), len(before), len(DIGITS) - 1)
        while shared < longest and text[shared] == before[shared]:
            shared += 1
        rest = text[shared:]
        out.append(DIGITS[shared] + (" " + rest[1:] if rest.startswith("␣") else rest))
        before = text
    return BETWEEN.join(out)
