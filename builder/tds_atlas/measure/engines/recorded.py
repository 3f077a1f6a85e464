"""Log-probabilities that somebody measured already: a row of a file for each answer, checked number by number.

A row names its prompt (`prompt_id` or `id`) and holds, position by position, `token_ids`, `logprobs`, the lists
`top_ids` and `top_logprobs`, likeliest first, and `ranks` (from 1; 0 or null where the token is in its list).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn

from tds_atlas.domain import InputError, Response, Sampling
from tds_atlas.inputs.engine_settings import RecordedSettings
from tds_atlas.inputs.rows import read_rows
from tds_atlas.measure.engines.lists import Unfit, listed_columns
from tds_atlas.measure.engines.without_weights import WithoutWeights, joined
from tds_atlas.measure.side import Ids
from tds_atlas.measure.statistics import Columns

_LISTS = ("token_ids", "logprobs", "top_ids", "top_logprobs")
Recording = tuple[str, Mapping[str, Any]]  # where it stands, and what it holds


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
        path, found = self.settings.path, dict[str, Recording]()
        for place, row in read_rows(path, "stop", []):
            where = f"{path}: {place}"
            if not isinstance(row, dict):
                raise InputError(f"{where}: not an object with {', '.join(_LISTS)}")
            name = row.get("prompt_id", row.get("id"))
            if type(name) not in (str, int):
                raise InputError(f"{where}: prompt_id: missing; give the id of the prompt that is answered")
            if str(name) in found:
                raise InputError(
                    f"{where}: prompt_id: {name!r} stands in {found[str(name)][0]}, too; one row an answer"
                )
            found[str(name)] = (place, row)
        return found

    @property
    def loaded(self) -> str:
        return f"log-probabilities recorded in {self.settings.path.name}: {len(self.rows):,} answers"

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
        count = len(response.token_ids)
        for key in _LISTS:
            if not isinstance(row.get(key), list) or len(row[key]) != count:
                has = f"{len(row[key])} positions" if isinstance(row.get(key), list) else "no list"
                raise InputError(f"{path}: {place}: {key}: {has}; the answer has {count} tokens, its end among them")
        if row["token_ids"] != list(response.token_ids):
            t = next(t for t, i in enumerate(response.token_ids) if i != row["token_ids"][t])
            theirs, ours = row["token_ids"][t], response.token_ids[t]
            found = f"position {t} has {str(theirs)[:20]}, the answer as it is read here {ours}"
            raise InputError(f"{path}: {place}: token_ids: {found}; give the tokenizer that was recorded with")
        ranks = row.get("ranks") or [None] * count
        try:
            entries = [_entry(row, ranks, t) for t in range(count)]
            return listed_columns(entries, response.token_ids, k, self.vocab_size)
        except (TypeError, ValueError, LookupError) as error:
            raise InputError(f"{path}: {place}: {error or 'not numbers'}; see README") from None
        except Unfit as error:
            raise InputError(f"{path}: {place}: {error.found}; {_REMEDIES.get(error.check, error.remedy)}") from None


_REMEDIES = {
    "k": "record lists of score.top_k tokens, or lower score.top_k",
    "ranks": "give ranks for tokens outside their list, counted from 1",
    "sum": "record natural log-probabilities over all ids",
}


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
