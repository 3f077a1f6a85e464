"""Token ids as the bytes that they write, and which of these bytes are an answer's text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from tds_atlas.measure.decode import BYTE_OF, BYTE_PIECE, is_byte_level

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

_BLANK = re.compile(rb"\s*")
_PLAIN = "A b,  C\nd"  # what every tokenizer gives back that changes nothing
SPACE = "\u2581"  # stands for a space in the pieces of SentencePiece


@dataclass(frozen=True)
class TokenBytes:
    """The bytes of one tokenizer's tokens."""

    tokenizer: PreTrainedTokenizerFast

    def of(self, ids: Sequence[int]) -> list[bytes]:
        """What each id writes; nothing for an id that only the model has."""
        return [self._all.get(i, b"") for i in ids]

    def within(self, ids: Sequence[int], text: str) -> Written | None:
        """How the ids write this text; None if they do not."""
        return written_in(self.of(ids), text)

    @cached_property
    def _all(self) -> dict[int, bytes]:
        byte_level = is_byte_level(self.tokenizer)
        added = {i: token.content for i, token in self.tokenizer.added_tokens_decoder.items()}
        written = {i: _bytes_of(piece, byte_level) for piece, i in self.tokenizer.get_vocab().items()}
        return written | {i: text.encode() for i, text in added.items() if byte_level or not BYTE_PIECE.fullmatch(text)}

    @property
    def changes_text(self) -> str | None:
        """What becomes of plain ASCII text, where it does not come back as it was."""
        ids = self.tokenizer(_PLAIN, add_special_tokens=False)["input_ids"]
        written = b"".join(self.of(ids))
        kept = self.within(ids, _PLAIN) is not None
        return None if kept else f"{_PLAIN!r} becomes {written.decode(errors='replace')!r}"


def _bytes_of(piece: str, byte_level: bool) -> bytes:
    if byte_level and all(char in BYTE_OF for char in piece):
        return bytes(BYTE_OF[char] for char in piece)
    byte = None if byte_level else BYTE_PIECE.fullmatch(piece)
    return bytes([int(byte.group(1), 16)]) if byte else piece.replace(SPACE, " ").encode()


class Written(NamedTuple):
    """What tokens write of a text."""

    ends: tuple[int, ...]  # the byte of the text at which each token ends
    size: int  # bytes of the text


def written_in(pieces: Sequence[bytes], text: str) -> Written | None:
    """How the tokens write this text; None if they do not.

    White space before it, which a template or a tokenizer adds, is not part of it. Where the tokens write no character
    any more, as in an answer cut off within one, only what is before it counts.
    """
    whole, wanted = b"".join(pieces), text.encode()
    sound = _sound(whole)
    is_whole = len(sound) == len(whole)
    blank = _BLANK.match(sound)
    for lead in range(blank.end() + 1 if blank else 1):
        body = sound[lead:]
        if body == wanted if is_whole else wanted.startswith(body):
            ends = (end - lead for end in accumulate(map(len, pieces)) if end <= len(sound))
            return Written(tuple(max(0, end) for end in ends), len(body))
    return None


def _sound(whole: bytes) -> bytes:
    """The bytes up to the first that is no part of a character."""
    try:
        whole.decode()
    except UnicodeDecodeError as error:
        return whole[: error.start]
    return whole
