"""Log-probabilities that somebody measured already: a row of a file for each answer, checked number by number.

A row names its prompt (`prompt_id` or `id`) and holds, position by position, `token_ids`, `logprobs`, the lists
`top_ids` and `top_logprobs`, likeliest first, and `ranks` (from 1; 0 or null where the token is in its list). Without
lists there may be no ranks either: these are then not known. A row of a token export is named by its ids.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn

import numpy as np

from tds_atlas.domain import InputError, Response, Sampling
from tds_atlas.inputs.engine_settings import RecordedSettings
from tds_atlas.inputs.recordings import EXPORTED, LISTS, OWN, Names, exported, has_lists, is_export
from tds_atlas.inputs.rows import read_rows
from tds_atlas.measure.bounds import Known, entropy_bounds
from tds_atlas.measure.engines.lists import ROUNDING, Unfit, listed_columns
from tds_atlas.measure.engines.without_weights import WithoutWeights, joined
from tds_atlas.measure.side import Ids
from tds_atlas.measure.statistics import Columns

_IDS = "token_ids"
_LEAST = -3.4e38  # what float32 holds
Recording = tuple[str, Mapping[str, Any]]  # where it stands, and what it holds of the answer


@dataclass
class RecordedModel(WithoutWeights):
    """The words of engine.ListedModel, from a file."""

    settings: RecordedSettings
    engine: str = "recorded"
    attention: str = ""
    dtype: str = ""
    context_length: int | None = None

    @cached_property
    def rows(self) -> dict[str, Recording]:
        """By the prompt's id. Raises InputError: file, row, key."""
        path, found, names = self.settings.path, dict[str, Recording](), Names()
        for place, row in read_rows(path, "stop", []):
            where = f"{path}: {place}"
            if not isinstance(row, dict):
                raise InputError(f"{where}: not an object with {', '.join((_IDS, self._own or OWN, *LISTS))}")
            name, row = self._named(where, row, names)
            if name in found:
                raise InputError(f"{where}: prompt_id: {name!r} stands in {found[name][0]}, too; one row an answer")
            if not self._has_lists and any(row.get(key) is not None for key in LISTS):
                raise InputError(
                    f"{where}: {LISTS[0]}: lists, which the first row has not; give all rows lists or none"
                )
            found[name] = (place, row)
        return found

    def _named(self, where: str, row: Mapping[str, Any], names: Names) -> tuple[str, Mapping[str, Any]]:
        """A row by its name, with what it holds of the answer under one set of names."""
        if is_export(row):
            column, answer = self._own or EXPORTED, exported(where, row)
            values = row.get(column)
            own = values[answer.places] if isinstance(values, list) and len(values) == len(row[_IDS]) else None
            return names.of(answer), {_IDS: list(answer.ids), column: own}
        name = row.get("prompt_id", row.get("id"))
        if type(name) not in (str, int):
            raise InputError(f"{where}: prompt_id: missing; give the id of the prompt that is answered")
        return str(name), row

    @property
    def _own(self) -> str | None:
        return self.settings.logprobs

    @cached_property
    def _has_lists(self) -> bool:
        return has_lists(self.settings)

    @property
    def loaded(self) -> str:
        alone = "" if self._has_lists else ", without lists"
        return f"log-probabilities recorded in {self.settings.path.name}: {len(self.rows):,} answers{alone}"

    def greedy(self, prompts: Sequence[Ids], max_new_tokens: int) -> NoReturn:
        raise InputError(f"models.{self.checkpoint.model_id}.engine: recorded: it writes no answers; give responses")

    def sampled(
        self, prompts: Sequence[Ids], max_new_tokens: int, sampling: Sampling, seeds: Sequence[int]
    ) -> NoReturn:
        self.greedy(prompts, max_new_tokens)

    def lists(self, responses: Sequence[Response], prompts: Sequence[Ids], k: int) -> Columns:
        return joined(self._columns(response, k) for response in responses)

    def _columns(self, response: Response, k: int) -> Columns:
        path = self.settings.path
        if response.prompt_id not in self.rows:
            raise InputError(f"{path}: no row with the prompt_id {response.prompt_id!r}, whose answer is to be scored")
        place, row = self.rows[response.prompt_id]
        own = self._own or (OWN if OWN in row or EXPORTED not in row else EXPORTED)
        self._check(place, row, response, (_IDS, own, *(LISTS if self._has_lists else ())))
        row = {**row, OWN: row[own]}
        ranks = row.get("ranks") or [None] * len(response.token_ids)
        try:
            if not self._has_lists:
                return _alone(row, ranks, self.vocab_size)
            entries = [_entry(row, ranks, t) for t in range(len(response.token_ids))]
            return listed_columns(entries, response.token_ids, k, self.vocab_size)
        except (TypeError, ValueError, LookupError) as error:
            raise InputError(f"{path}: {place}: {error or 'not numbers'}; see README") from None
        except Unfit as error:
            raise InputError(f"{path}: {place}: {error.found}; {_REMEDIES.get(error.check, error.remedy)}") from None

    def _check(self, place: str, row: Mapping[str, Any], response: Response, keys: Sequence[str]) -> None:
        """Raises InputError unless the row has each of these for each token of the answer, and the answer's tokens."""
        where, count = f"{self.settings.path}: {place}", len(response.token_ids)
        for key in keys:
            if not isinstance(row.get(key), list) or len(row[key]) != count:
                has = f"{len(row[key])} positions" if isinstance(row.get(key), list) else "no list"
                raise InputError(f"{where}: {key}: {has}; the answer has {count} tokens, its end among them")
        if row[_IDS] != list(response.token_ids):
            t = next(t for t, i in enumerate(response.token_ids) if i != row[_IDS][t])
            theirs, ours = row[_IDS][t], response.token_ids[t]
            found = f"position {t} has {str(theirs)[:20]}, the answer as it is read here {ours}"
            raise InputError(f"{where}: {_IDS}: {found}; give the tokenizer that was recorded with")


_REMEDIES = {
    "k": "record lists of score.top_k tokens, or lower score.top_k",
    "ranks": "give ranks for tokens outside their list, counted from 1",
    "sum": "record natural log-probabilities over all ids",
}


def _alone(row: Mapping[str, Any], ranks: Sequence[Any], width: int) -> Columns:
    """Columns without lists: of each position its token's log-probability and, if it was recorded, its rank."""
    for t, x in enumerate(row[OWN]):
        if type(x) not in (int, float) or not _LEAST <= x <= ROUNDING:
            raise ValueError(f"logprobs: position {t} has {str(x)[:20]}, no natural log-probability")
    if not isinstance(ranks, list):
        raise ValueError(f"ranks: {str(ranks)[:20]}; give a list of a rank for each position, or none")
    if len(ranks) != len(row[OWN]):
        raise ValueError(f"ranks: {len(ranks)} positions, logprobs has {len(row[OWN])}")
    for t, rank in enumerate(ranks):
        if rank is not None and (type(rank) is not int or not 0 <= rank <= width):
            raise ValueError(f"ranks: position {t} has {str(rank)[:20]}; ranks count from 1 to {width:,}")
    own = np.minimum(np.array(row[OWN], np.float32), 0)
    columns = {
        "rank": np.array([rank or 0 for rank in ranks], np.int32),
        "logprob": own,
        "entropy": np.full(len(own), np.nan, np.float32),
        "top_ids": np.empty((len(own), 0), np.int32),
        "top_logprobs": np.empty((len(own), 0), np.float32),
    }
    return columns | entropy_bounds(Known.of(columns, np.array(row[_IDS]), width))


def _entry(row: Mapping[str, Any], ranks: Sequence[Any], t: int) -> dict[str, Any]:
    """One position as servers write it: by id its log-probability and rank."""
    ids, logprobs, own = row["top_ids"][t], row["top_logprobs"][t], row["token_ids"][t]
    if not isinstance(ids, list) or not isinstance(logprobs, list) or len(ids) != len(logprobs):
        raise ValueError(f"top_logprobs: position {t} has not as many as top_ids")
    if len(set(ids)) < len(ids):
        raise ValueError(f"top_ids: position {t} has an id twice")
    place = {i: n for n, i in enumerate(ids, 1)}
    entry = {str(i): {"logprob": x, "rank": n} for n, (i, x) in enumerate(zip(ids, logprobs, strict=True), 1)}
    if own in place and abs(logprobs[place[own] - 1] - row["logprobs"][t]) > 1e-3:
        raise ValueError(f"logprobs: position {t} has another log-probability than its list")
    rank = ranks[t] or place.get(own)
    if rank is None:
        raise ValueError(f"ranks: position {t} has none, and its token is not in its list")
    return entry | {str(own): {"logprob": row["logprobs"][t], "rank": rank}}
