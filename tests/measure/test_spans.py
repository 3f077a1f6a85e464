"""A character that several tokens write: the last of them takes it, by both roads on which spans are made.

The slow version knows bytes alone: what each token writes in bytes, and how many characters are whole after each.
"""

from __future__ import annotations

import pytest
from transformers import PreTrainedTokenizerFast

from tds_atlas.inputs.settings import ContextSettings
from tds_atlas.measure.contexts import Frame, _tiling
from tds_atlas.measure.decode import decode_with_spans
from tests import tiny
from tests.measure.test_contexts import sentencepiece

PLAIN = ContextSettings(kind="plain", template="# Question:\n{prompt}\n\n# Answer:\n")
TOKENIZERS = {"bytes": tiny.tokenizer(), "sentencepiece": sentencepiece()}
TEXTS = ["🙂", "a🙂b", "天地", "🙂🙂", "é 🙂!", "so 👩‍👩‍👧, נ", "end 天", "天 end"]


def stand_ins() -> dict[str, int]:
    """GPT-2's characters for bytes: printable ones for themselves, the others in order from 256 on."""
    kept = [b for b in range(256) if chr(b).isprintable() and chr(b) != " " and b != 0xAD]
    rest = [b for b in range(256) if b not in kept]
    return {chr(b): b for b in kept} | {chr(256 + i): b for i, b in enumerate(rest)}


def written(name: str, piece: str) -> bytes:
    if name == "bytes":
        return bytes(stand_ins()[c] for c in piece)
    return bytes([int(piece[3:5], 16)]) if piece.startswith("<0x") else piece.replace("▁", " ").encode()


def whole(data: bytes) -> int:
    """How many characters are complete in these bytes; what is begun counts nothing."""
    for cut in range(4):
        try:
            return len(data[: len(data) - cut].decode())
        except UnicodeDecodeError:
            continue
    raise AssertionError(data)


def slowly(name: str, words: PreTrainedTokenizerFast, ids: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    pieces = [written(name, piece) for piece in words.convert_ids_to_tokens(list(ids))]
    ends = [whole(b"".join(pieces[: i + 1])) for i in range(len(pieces))]
    return tuple(zip([0, *ends[:-1]], ends, strict=True))


@pytest.mark.parametrize("name", TOKENIZERS)
@pytest.mark.parametrize("text", TEXTS)
def test_an_answer_from_a_file(name: str, text: str) -> None:
    frame = Frame("c", PLAIN, TOKENIZERS[name])
    ids, spans, boundary = frame.answer_ids("What is blue?", text)
    assert not boundary and spans == slowly(name, frame.tokenizer, ids)
    assert any(a == b for a, b in spans) == (len(ids) > sum(b > a for a, b in spans))


@pytest.mark.parametrize("text", TEXTS)
def test_a_generated_answer(text: str) -> None:
    ids = tuple(TOKENIZERS["bytes"](text, add_special_tokens=False)["input_ids"])
    assert decode_with_spans(TOKENIZERS["bytes"], ids) == (text, slowly("bytes", TOKENIZERS["bytes"], ids))


def test_by_hand() -> None:
    """No piece of the tiny vocabulary holds more than one byte of these: four tokens an emoji, three an ideograph."""
    frame = Frame("c", PLAIN, TOKENIZERS["bytes"])
    assert frame.answer_ids("Hi", "a🙂b")[1] == ((0, 1), (1, 1), (1, 1), (1, 1), (1, 2), (2, 3))
    assert frame.answer_ids("Hi", "天🙂")[1] == ((0, 0), (0, 0), (0, 1), (1, 1), (1, 1), (1, 1), (1, 2))
    assert _tiling([1, 3, 3, 3, 4], 4) == ((0, 1), (1, 1), (1, 1), (1, 3), (3, 4))
    assert _tiling([2, 2], 2) == ((0, 0), (0, 2)) and _tiling([0, 2], 3) == ((0, 0), (0, 3))
