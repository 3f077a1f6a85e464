"""Vocabularies compared by content: equal, one extending the other, special tokens renamed, or different."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

Tokenizers = Mapping[str, "PreTrainedTokenizerFast"]  # by the model's name


def vocabulary_id(tokenizer: PreTrainedTokenizerFast) -> str:
    """Content hash of a vocabulary: equal for equal id -> piece tables, whatever files they come from."""
    digest = hashlib.sha256()
    for piece, i in sorted(tokenizer.get_vocab().items(), key=lambda item: item[1]):
        digest.update(f"{i}\0{piece}\n".encode())
    return digest.hexdigest()[:16]


def difference(first: str, second: str, tokenizers: Tokenizers) -> str | None:
    """The first ids whose pieces differ in two models; None if they have one vocabulary, or one extends the other's."""
    a, b = (_pieces(tokenizers[name]) for name in (first, second))
    conflicts = [i for i in _renamed(a, b) if i not in _both_special(first, second, tokenizers)]
    only_a, only_b = sorted(a.keys() - b.keys()), sorted(b.keys() - a.keys())
    if not conflicts and not (only_a and only_b):
        return None
    first_ids = conflicts[:3] or [only_a[0], only_b[0]]
    return "; ".join(f"id {i} is {a.get(i)!r} in {first} and {b.get(i)!r} in {second}" for i in first_ids)


def extension(first: str, second: str, tokenizers: Tokenizers) -> str | None:
    """A sentence if, of vocabularies that do not differ, one extends the other or names special tokens anew."""
    a, b = (_pieces(tokenizers[name]) for name in (first, second))
    only_a, only_b = sorted(a.keys() - b.keys()), sorted(b.keys() - a.keys())
    sentences = []
    if only_a or only_b:
        more, fewer, extra = (first, second, only_a) if only_a else (second, first, only_b)
        sentences.append(
            f"{more} has {len(extra)} tokens that {fewer} has not, from id {extra[0]}: they have no probability there"
        )
    renamed = _renamed(a, b)
    if renamed:
        names = f"id {renamed[0]} is {a[renamed[0]]!r} in {first} and {b[renamed[0]]!r} in {second}"
        sentences.append(f"{len(renamed)} special tokens have one id and two names: {names}")
    return "; ".join(sentences) or None


def _pieces(tokenizer: PreTrainedTokenizerFast) -> dict[int, str]:
    return {i: piece for piece, i in tokenizer.get_vocab().items()}


def _renamed(a: Mapping[int, str], b: Mapping[int, str]) -> list[int]:
    return [i for i in sorted(a.keys() & b.keys()) if a[i] != b[i]]


def _both_special(first: str, second: str, tokenizers: Tokenizers) -> set[int]:
    """Reserved tokens among them: tuning gives them names, and keeps their ids and rows."""
    found = [
        {i for i, token in tokenizers[name].added_tokens_decoder.items() if token.special} for name in (first, second)
    ]
    return found[0] & found[1]
