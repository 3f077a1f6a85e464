"""What a server says of a text given as ids: checked entry by entry, and turned into columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tds_atlas.measure.bounds import Known, entropy_bounds
from tds_atlas.measure.side import Ids
from tds_atlas.measure.statistics import Columns

_TIES = 8  # ids at most that share the last place of a list with a token, where a server counts equals into its rank
ROUNDING = 1e-4  # by which float32 probabilities of a list may sum to more than 1
Entry = tuple[int, float, int]  # id, log-probability, rank as the server counts


class Unfit(Exception):
    """An answer cannot be used: which check it fails, and what would be right."""

    def __init__(self, check: str, found: str, remedy: str) -> None:
        super().__init__(f"check `{check}`: {found}; {remedy}")
        self.check, self.found, self.remedy = check, found, remedy


def columns_of(choice: Any, ids: Ids, first: int, k: int, width: int) -> Columns:
    """The columns of the positions from `first` on, of an answer with `prompt_logprobs` for these ids.

    Raises Unfit unless it has what was asked for.
    """
    return listed_columns(_positions(choice, ids)[first:], ids[first:], k, width, first)


def listed_columns(entries: Sequence[Any], ids: Ids, k: int, width: int, first: int = 0) -> Columns:
    """The columns of positions by what is said of each: by id its `logprob` and `rank`. Raises Unfit.

    first: the number of the first position, for messages.
    """
    own, rank, lists = [], [], []
    for t, (entry, token) in enumerate(zip(entries, ids, strict=True), first):
        listed, mine = _checked(entry, t, token, min(k, width), width)
        own.append(mine[1])
        rank.append(mine[2])
        lists.append(listed)
    columns = {
        "rank": np.array(rank, np.int32),
        "logprob": np.array(own, np.float32),
        "entropy": np.full(len(own), np.nan, np.float32),
        "top_ids": np.array([[i for i, _, _ in listed] for listed in lists], np.int32),
        "top_logprobs": np.array([[x for _, x, _ in listed] for listed in lists], np.float32),
    }
    return columns | entropy_bounds(Known.of(columns, np.array(ids), width))


def _positions(choice: Any, ids: Ids) -> list[Any]:
    """One entry for each id that was sent."""
    choice = choice if isinstance(choice, dict) else {}
    read, entries = choice.get("prompt_token_ids"), choice.get("prompt_logprobs")
    if isinstance(read, list) and len(read) > 1 and read[1:] == list(ids):
        raise Unfit("begin", "it reads a begin token before the ids that were sent", "it must read ids as they are")
    if not isinstance(read, list) or read != list(ids):
        found = "it does not say which ids it read" if read is None else "it read other ids than were sent"
        raise Unfit("ids", found, "it needs prompts as ids and return_token_ids, as vLLM has them")
    if not isinstance(entries, list):
        raise Unfit("ids", "no prompt_logprobs in its answer", "it needs prompt_logprobs, as vLLM has them")
    if len(entries) != len(ids):
        raise Unfit("ids", f"{len(entries)} positions for {len(ids)} ids", "each id needs its own")
    if entries[0] is not None:
        raise Unfit("first", "a log-probability for the first id, before which there is nothing", "it must be null")
    return entries


def _checked(entry: Any, t: int, own: int, k: int, width: int) -> tuple[list[Entry], Entry]:
    """The k likeliest of a position, likeliest first, and the token's own entry with its rank as we count."""
    try:
        found = [(int(i), float(e["logprob"]), int(e["rank"])) for i, e in entry.items()]
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        raise Unfit("ids", f"position {t} has no logprob and rank by id", "keys must be ids, not texts") from None
    if any(not 0 <= i < width for i, _, _ in found) or len({i for i, _, _ in found}) < len(found):
        raise Unfit("ids", f"position {t} names ids beyond the {width:,} of config.json", "is it the same model?")
    mine = next((e for e in found if e[0] == own), None)
    if mine is None:
        raise Unfit("own", f"position {t} lacks the token that was sent", "its own log-probability must be given")
    if any(math.isnan(x) or x > ROUNDING for _, x, _ in found):
        raise Unfit("sum", f"position {t} has log-probabilities above 0 or none at all", _LOGPROBS)
    listed = sorted(found, key=lambda e: (-e[1], e[2], e[0]))
    if len(listed) == k + 1:
        listed = [e for e in listed if e[0] != own]
    lone = len(found) == k < width and mine[2] > k + _TIES  # the token, and one place too few beside it
    if lone or len(listed) != k or (len(found) == k + 1 and mine[1] > listed[-1][1]):
        remedy = "start it with --max-logprobs, or lower score.top_k"
        raise Unfit("k", f"position {t} has {len(found)} entries where {k} were asked for", remedy)
    if math.fsum(math.exp(x) for _, x, _ in found) > 1 + ROUNDING:
        raise Unfit("sum", f"probabilities of position {t} sum to more than 1", _LOGPROBS)
    return listed, (own, mine[1], _rank(mine, listed, t, width))


_LOGPROBS = "it must give natural log-probabilities over all ids (vLLM: --logprobs-mode raw_logprobs)"


def _rank(mine: Entry, listed: Sequence[Entry], t: int, width: int) -> int:
    """1 + the number of ids with more. A server that counts equals, too, as vLLM does, gives a tie's last place."""
    above = sum(x > mine[1] for _, x, _ in listed)
    equal = sum(x == mine[1] for i, x, _ in listed if i != mine[0])
    complete = mine[1] >= listed[-1][1]  # whatever is above it is in the list
    last = width if mine[1] == listed[-1][1] else above + 1 + equal
    if not (above < mine[2] <= last if complete else len(listed) < mine[2] <= width):
        raise Unfit("ranks", f"position {t} has rank {mine[2]}, against its own list", "ranks count from 1")
    return above + 1 if complete and equal else mine[2]
