"""How much of a batch fits into memory: estimated beforehand, and if it does not fit after all, halved.

A CPU never says that memory is short: the system ends the process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import torch

from tds_atlas.domain import InputError
from tds_atlas.terminal import say

if TYPE_CHECKING:
    from tds_atlas.measure.engines.transformers import LoadedModel

_ROOM = 256_000_000  # bytes that a batch may take, whatever the models' size
_LOGIT = 12  # bytes of a logit while its token is chosen: in half precision, in float32, and once more
Item = TypeVar("Item")
Result = TypeVar("Result")
_warnings: list[str] = []


def rows_at_once(models: Sequence[LoadedModel], tokens: int, most: int) -> int:
    """How many texts of so many tokens these models read together, caches and next tokens' logits included.

    They take at most half of what the weights take, or 256 MB; one text is always read. Weights that a model and its
    adapters share count once.
    """
    row = sum(model.cache_bytes * tokens + _LOGIT * model.vocab_size for model in models)
    weights = {id(model.weights): model.weight_bytes for model in models}
    room = max(_ROOM, sum(weights.values()) // 2)
    return max(1, min(most, room // row))


def without_overflow(
    work: Callable[[Sequence[Item]], list[Result]], items: Sequence[Item], too_large: Callable[[int], InputError]
) -> list[Result]:
    """work(items), in halves if memory runs out; warns once. Raises too_large(i) if item i does not fit even alone."""
    try:
        return work(items)
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        if not _is_overflow(error):
            raise
        if len(items) == 1:
            raise too_large(0) from None
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if not _warnings:
        _warnings.append("halving")
        say(f"out of memory with {len(items)} answers in a batch: continuing with half of them at a time")
    half = len(items) // 2
    first = without_overflow(work, items[:half], too_large)
    return first + without_overflow(work, items[half:], lambda i: too_large(half + i))


def in_batches(
    work: Callable[[Sequence[Item]], list[Result]],
    items: Sequence[Item],
    size: int,
    too_large: Callable[[int], InputError],
) -> list[Result]:
    """work(items) with at most `size` items at a time, fewer if memory runs out."""
    results: list[Result] = []
    for start in range(0, len(items), size):
        batch = items[start : start + size]
        results += without_overflow(work, batch, lambda i, start=start: too_large(start + i))  # type: ignore[misc]
    return results


def _is_overflow(error: BaseException) -> bool:
    """Torch's CPU allocator raises a bare RuntimeError."""
    text = str(error).lower()
    return (
        isinstance(error, torch.OutOfMemoryError | MemoryError)
        or "allocate memory" in text
        or "not enough memory" in text
    )
