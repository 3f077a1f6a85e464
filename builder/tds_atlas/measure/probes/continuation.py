"""What the base would have written from a shifted position on: a few tokens, greedily, after the same text.

A batch of answers is read once; the continuation of a position reuses the part of that cache before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from tds_atlas.domain import Prompt, Response
from tds_atlas.measure.decode import decode_with_spans
from tds_atlas.measure.engines.transformers import LoadedModel
from tds_atlas.measure.memory import rows_at_once, without_overflow
from tds_atlas.measure.probes.reader import Reader
from tds_atlas.measure.side import Side

_BEFORE = 8  # tokens decoded together with what follows: they decide whether it starts with a space


@dataclass(frozen=True)
class Branches:
    """The positions of one response that the base continues, and its first choice at each."""

    prompt: Prompt
    response: Response
    positions: tuple[int, ...]
    firsts: tuple[int, ...]


def continuations(side: Side, batch: Sequence[Branches], new_tokens: int) -> list[list[tuple[str, bool]]]:
    """For each position of each response the text, and whether it reached the end; none if the context is too short."""
    return without_overflow(
        lambda part: _continue(side, part, new_tokens), batch, lambda i: side.out_of_memory(batch[i].prompt)
    )


def _continue(side: Side, batch: Sequence[Branches], new_tokens: int) -> list[list[tuple[str, bool]]]:
    prompt_ids = [side.prompt_ids(b.prompt) for b in batch]
    limit = side.model.context_length
    fits = [
        limit is None or len(ids) + max(b.positions) + new_tokens <= limit
        for ids, b in zip(prompt_ids, batch, strict=True)
    ]
    fitting = [(i, b) for i, b in enumerate(batch) if fits[i]]
    rows = [(i, t, first) for i, b in fitting for t, first in zip(b.positions, b.firsts, strict=True)]
    if not rows:
        return [[] for _ in batch]
    texts = [ids + side.model.readable(b.response.token_ids[:-1]) for ids, b in zip(prompt_ids, batch, strict=True)]
    cuts = [(i, len(prompt_ids[i]) + t, first) for i, t, first in rows]
    tails = _branch(side.resident, texts, cuts, new_tokens)
    by_response: list[list[tuple[str, bool]]] = [[] for _ in batch]
    for (i, t, _), tail in zip(rows, tails, strict=True):
        by_response[i].append(_text(side, batch[i].response, t, tail))
    return by_response


def _branch(
    model: LoadedModel, texts: Sequence[tuple[int, ...]], cuts: Sequence[tuple[int, int, int]], new_tokens: int
) -> list[list[int]]:
    """For each cut (text, number of its ids, first new id): that id and the model's next ones, [cuts][new_tokens]."""
    size = rows_at_once([model], max(map(len, texts)) + new_tokens, len(cuts))
    with torch.inference_mode():
        whole = Reader(model, texts)
        whole.read()
        parts = [cuts[start : start + size] for start in range(0, len(cuts), size)]
        return [tail for part in parts for tail in _tails(whole, part, new_tokens)]


def _tails(whole: Reader, cuts: Sequence[tuple[int, int, int]], new_tokens: int) -> list[list[int]]:
    """The same for some of the cuts, which are read together."""
    tails = [[first] for _, _, first in cuts]
    reader = whole.branch([i for i, _, _ in cuts], [n for _, n, _ in cuts])
    for _ in range(new_tokens - 1):
        choices = reader.read([tail[-1] for tail in tails]).argmax(-1).tolist()
        for tail, choice in zip(tails, choices, strict=True):
            tail.append(choice)
    return tails


def _text(side: Side, response: Response, position: int, tail: list[int]) -> tuple[str, bool]:
    end = next((n for n, token in enumerate(tail) if token in side.model.end_ids), None)
    before = response.token_ids[max(0, position - _BEFORE) : position]
    text, spans = decode_with_spans(side.frame.tokenizer, [*before, *tail[:end]])
    return text[spans[len(before) - 1][1] if before else 0 :], end is not None
