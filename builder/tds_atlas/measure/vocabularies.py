"""Vocabularies compared by content: equal, one extending the other, special tokens renamed, or different."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tds_atlas.domain import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


def vocabulary_id(tokenizer: PreTrainedTokenizerFast) -> str:
    """Content hash of a vocabulary: equal for equal id -> piece tables, whatever files they come from."""
    digest = hashlib.sha256()
    for piece, i in sorted(tokenizer.get_vocab().items(), key=lambda item: item[1]):
        digest.update(f"{i}\0{piece}\n".encode())
    return digest.hexdigest()[:16]


def check_vocabularies(first: str, second: str, tokenizers: Mapping[str, PreTrainedTokenizerFast]) -> str | None:
    """None if two models have the same vocabulary; a sentence if one extends the other's or names special tokens anew.

    Raises InputError naming the first ids whose pieces differ.
    """
    a, b = ({i: piece for piece, i in tokenizers[name].get_vocab().items()} for name in (first, second))
    differ = [i for i in sorted(a.keys() & b.keys()) if a[i] != b[i]]
    special = _special_ids(tokenizers[first]) & _special_ids(tokenizers[second])
    conflicts = [i for i in differ if i not in special]
    only_a, only_b = sorted(a.keys() - b.keys()), sorted(b.keys() - a.keys())
    if conflicts or (only_a and only_b):
        first_ids = conflicts[:3] or [only_a[0], only_b[0]]
        examples = "; ".join(f"id {i} is {a.get(i)!r} and {b.get(i)!r}" for i in first_ids)
        raise InputError(
            f"models {first} and {second} have different vocabularies: {examples}; a comparison needs one vocabulary, "
            "or one that extends the other"
        )
    sentences = []
    if only_a or only_b:
        more, fewer, extra = (first, second, only_a) if only_a else (second, first, only_b)
        sentences.append(
            f"{more} has {len(extra)} tokens that {fewer} has not, from id {extra[0]}: they have no probability there"
        )
    if differ:
        names = f"id {differ[0]} is {a[differ[0]]!r} in {first} and {b[differ[0]]!r} in {second}"
        sentences.append(f"{len(differ)} special tokens have one id and two names: {names}")
    return "; ".join(sentences) or None


def _special_ids(tokenizer: PreTrainedTokenizerFast) -> set[int]:
    """Reserved tokens among them: tuning gives them names, and keeps their ids and rows."""
    return {i for i, token in tokenizer.added_tokens_decoder.items() if token.special}


def extensions(
    pairs: Mapping[str, tuple[str, str]], tokenizers: Mapping[str, PreTrainedTokenizerFast]
) -> dict[str, str]:
    """For each comparison_id with its two models: the sentence that one vocabulary extends the other, or nothing."""
    return {name: check_vocabularies(*models, tokenizers) or "" for name, models in pairs.items()}
