"""Stretches of a text in two tokenizers: against a slow version that asks of every byte whether both end a token there."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from tds_atlas.measure.token_bytes import TokenBytes, written_in
from tds_atlas.stretches import Stretch, stretches
from tests import tiny
from tests.measure.test_contexts import TOKENIZERS

SIZES = st.lists(st.integers(0, 3), max_size=14)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\U000f0000"), max_size=24)


def slowly(ends: Sequence[int], base_ends: Sequence[int]) -> list[Stretch]:
    """Each stretch: from one common end to the next. A token of no bytes goes with what follows, if anything does."""
    common = [byte for byte in range(1, 1 + max([0, *ends])) if byte in ends and byte in base_ends]
    owners = [[_owner(of, i, common) for i in range(len(of))] for of in (ends, base_ends)]
    return [
        Stretch(
            ([0, *common])[n],
            byte,
            *(x for owner in owners for x in (owner.index(n), owner.count(n))),
        )
        for n, byte in enumerate(common)
    ]


def _owner(ends: Sequence[int], i: int, common: Sequence[int]) -> int | None:
    """The stretch that a token writes part of: by its last byte, or where it has none by the next token's."""
    if (i > 0 and ends[i] == ends[i - 1]) or ends[i] == 0:
        later = [k for k in range(i + 1, len(ends)) if ends[k] > ends[i]]
        found = _owner(ends, later[0], common) if later else None
        return len(common) - 1 if found is None and common and ends[i] == common[-1] else found
    return next((n for n, byte in enumerate(common) if ends[i] <= byte), None)


@given(SIZES, SIZES)
def test_stretches_lie_between_common_ends(sizes: list[int], base_sizes: list[int]) -> None:
    ends, base_ends = list(accumulate(sizes)), list(accumulate(base_sizes))
    assert stretches(ends, base_ends) == slowly(ends, base_ends)


@given(SIZES)
def test_one_sequence_beside_itself_is_one_to_one(sizes: list[int]) -> None:
    ends = list(accumulate(size + 1 for size in sizes))
    assert [(s.tokens, s.base_tokens) for s in stretches(ends, ends)] == [(1, 1)] * len(ends)


def test_by_hand() -> None:
    """`the cat sat` as the| c|at s|at and as the| cat| sat: " cat sat" has no common end within."""
    assert stretches([3, 5, 9, 11], [3, 7, 11]) == [Stretch(0, 3, 0, 1, 0, 1), Stretch(3, 11, 1, 3, 1, 2)]
    assert stretches([0, 3, 3], [3]) == [Stretch(0, 3, 0, 3, 0, 1)]
    assert stretches([], [2]) == stretches([2], [3]) == []


@pytest.mark.parametrize("name", TOKENIZERS)
@given(text=TEXTS)
def test_tokens_write_the_bytes_of_their_text(name: str, text: str) -> None:
    """Whole, and cut off behind each token: then up to the last whole character."""
    words = TOKENIZERS[name]
    ids = words(text, add_special_tokens=False)["input_ids"]
    pieces = TokenBytes(words).of(ids)
    found = written_in(pieces, text)
    assert found is not None and len(found.ends) == len(ids) and found.size == max([0, *found.ends])
    assert found.size == len(text.encode())
    for n in range(len(ids)):
        cut = b"".join(pieces[:n]).removeprefix(b" " if b"".join(pieces) != text.encode() else b"")
        kept = written_in(pieces[:n], cut.decode(errors="replace"))
        assert kept is not None and kept.ends == found.ends[: len(kept.ends)] and len(kept.ends) >= n - 3
        assert kept.size == len(cut.decode(errors="ignore").encode())


def test_text_that_the_tokens_do_not_write() -> None:
    assert written_in([b"The", b" sky"], "the sky") is None
    assert written_in([b"The", b" sky"], "The sky.") is None
    assert written_in([b"\n ", b"The", b" sky"], "The sky") == ((0, 3, 7), 7)
    assert written_in([b"\n ", b"The"], " The") == ((1, 4), 4)
    assert written_in([b"a", b"\xf0\x9f"], "a\ufffd") == ((1,), 1)
    assert written_in([b"\xc3", b"\xa9\xf0"], "é\ufffd") == ((1,), 2)


def test_special_tokens_write_their_names() -> None:
    words = tiny.tokenizer()
    assert TokenBytes(words).of([2, 999]) == [b"<|user|>", b""]


def test_a_tokenizer_that_changes_text_is_known() -> None:
    assert all(TokenBytes(words).changes_text is None for words in TOKENIZERS.values())
    lower = Tokenizer(models.WordLevel({"a": 0, "b": 1, ",": 2, "c": 3, "d": 4, "?": 5}, unk_token="?"))
    lower.normalizer, lower.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.Whitespace()
    changed = TokenBytes(PreTrainedTokenizerFast(tokenizer_object=lower)).changes_text
    assert changed == r"'A b,  C\nd' becomes 'ab,cd'"
