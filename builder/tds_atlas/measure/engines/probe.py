"""Whether a server can be trusted with a measurement: what it says of one text, twice, before anything is measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tds_atlas.domain import InputError
from tds_atlas.measure.engines.lists import Unfit
from tds_atlas.measure.side import Ids
from tds_atlas.measure.statistics import Columns

if TYPE_CHECKING:
    from tds_atlas.measure.engines.served import ServedModel

_LENGTH = 300  # ids: beyond the blocks in which servers keep what they have read
_AGAIN = 0.1  # nats by which a token's log-probability may differ the second time: half precision in other batches
PASSED = "the server passed its probe: ids, begin, first, own, k, sum, ranks, twice"


def probe(model: ServedModel) -> str:
    """What was found, for a reader. Raises InputError: one line that names the server, the check and the remedy.

    The text is scored, continued, and scored again: a cache that is read where log-probabilities were asked for gives
    what lay in memory.
    """
    ids = _text(model)
    try:
        once = model.score(ids, 1, model.top_k)
        model.write(ids, 2)
        again = model.score(ids, 1, model.top_k)
        _compare(once, again)
    except Unfit as error:
        raise InputError(f"{model.server.name}: {model.server.url}: {error}") from None
    return PASSED


def _text(model: ServedModel) -> Ids:
    """Ids from all over the vocabulary, none of which ends a text."""
    width = model.vocab_size
    length = min(_LENGTH, model.context_length or _LENGTH)
    ids = (7919 * (n + 1) % width for n in range(10 * _LENGTH))
    return tuple(i for i in ids if i not in model.end_ids)[: max(length, 2)]


def _compare(once: Columns, again: Columns) -> None:
    own = np.abs(once["logprob"] - again["logprob"])
    if not bool((own <= _AGAIN).all()):
        t = int(np.argmax(np.where(own <= _AGAIN, 0, 1)))
        raise Unfit(
            "twice",
            f"position {t + 1} has another log-probability the second time, after the same text was continued",
            "turn its prefix cache off for log-probabilities (vLLM: --no-enable-prefix-caching, or a newer version)",
        )
