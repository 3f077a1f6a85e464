"""Token ids as text: the span of each token in a response, and the text of each token in a vocabulary."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from tds_atlas.domain import Spans, Token

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

BYTE_PIECE = re.compile(r"<0x([0-9A-F]{2})>")
_UNFINISHED = "\ufffd"


def decode_with_spans(tokenizer: PreTrainedTokenizerFast, ids: Sequence[int]) -> tuple[str, Spans]:
    """The text of the ids and the span of each token in it, in code points; the spans tile the text.

    A token that ends in the middle of a character has an empty span; the token that completes the character takes it.
    Each step decodes a short window, so the time is linear in the number of ids.
    """
    pieces: list[str] = []
    anchor, n_written = 0, 0  # the window starts at anchor; the text of the first n_written ids is in `pieces`
    for end in range(1, len(ids) + 1):
        before = _decode(tokenizer, ids[anchor:n_written])
        now = _decode(tokenizer, ids[anchor:end])
        complete = not now.endswith(_UNFINISHED) or end == len(ids)
        if complete and now.startswith(before):
            pieces.append(now[len(before) :])
            anchor, n_written = n_written, end
        else:
            pieces.append("")
    return "".join(pieces), tuple(_spans(pieces))


def text_after(
    tokenizer: PreTrainedTokenizerFast, before: Sequence[int], ids: Sequence[int], ends: Collection[int]
) -> str:
    """The text of ids behind others, which decide whether it starts with a space; without end tokens."""
    text, spans = decode_with_spans(tokenizer, [*before, *(i for i in ids if i not in ends)])
    return text[spans[len(before) - 1][1] if before else 0 :]


def _spans(pieces: list[str]) -> Iterator[tuple[int, int]]:
    start = 0
    for piece in pieces:
        yield start, start + len(piece)
        start += len(piece)


def _decode(tokenizer: PreTrainedTokenizerFast, ids: Sequence[int]) -> str:
    return str(tokenizer.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False))


def vocabulary(tokenizer: PreTrainedTokenizerFast, tokenizer_id: str, width: int) -> list[Token]:
    """Every id below the width of the logits, and those of the tokenizer beyond it, with its text."""
    pieces = {i: piece for piece, i in tokenizer.get_vocab().items()}
    special = set(tokenizer.all_special_ids)
    special |= {i for i, token in tokenizer.added_tokens_decoder.items() if token.special}
    byte_level = is_byte_level(tokenizer)
    tokens = []
    for i in sorted({*range(width), *pieces}):
        text = None if i not in pieces else pieces[i] if i in special else piece_text(pieces[i], byte_level)
        starts = i not in special and text is not None and text[:1].isspace()
        decoded = _decode(tokenizer, [i]) if i in pieces else None
        tokens.append(Token(tokenizer_id, i, text, decoded, starts, i in special))
    return tokens


def is_byte_level(tokenizer: PreTrainedTokenizerFast) -> bool:
    """Whether the characters of its pieces stand for bytes."""
    return '"ByteLevel"' in tokenizer.backend_tokenizer.to_str().split('"model":')[0]


def piece_text(piece: str, byte_level: bool) -> str:
    r"""The text of a vocabulary entry: leading space kept, bytes that form no whole character as \xNN."""
    if byte_level:
        values = [BYTE_OF.get(char) for char in piece]
        raw = bytes(b for b in values if b is not None)
        return raw.decode("utf-8", errors="backslashreplace") if None not in values else piece
    byte = BYTE_PIECE.fullmatch(piece)
    if byte:
        value = int(byte.group(1), 16)
        return chr(value) if value < 0x80 else f"\\x{value:02x}"
    return piece.replace("▁", " ")


def _bytes_of_characters() -> dict[str, int]:
    """The byte behind each of the 256 printable characters that byte-level BPE (GPT-2's) uses in place of bytes."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    rest = [b for b in range(256) if b not in plain]
    return {chr(b): b for b in plain} | {chr(256 + i): b for i, b in enumerate(rest)}


BYTE_OF = _bytes_of_characters()
