"""The text of special tokens where it is only text: a prompt that quotes `<|im_end|>` ends no turn.

Such text is hidden behind private characters, one for each character of it, while a template writes its own special
tokens around it. Then the two are told apart by a tokenizer that knows the special tokens under private names: all else
about it is the same, and so are all offsets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer

from tds_atlas.domain import InputError, one_line

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

_HIDDEN, _NAMES = 0xF0000, 0x100000  # the two planes of Unicode that are for private use
_PRIVATE = re.compile("[\U000f0000-\U0010ffff]")
_BYTE = re.compile("<0x[0-9A-F]{2}>$")
Encoding = tuple[list[int], list[tuple[int, int]]]


@dataclass(frozen=True)
class SpecialText:
    """The special tokens of one tokenizer."""

    tokenizer: PreTrainedTokenizerFast

    def occurrences(self, text: str) -> list[str]:
        """The special tokens whose text stands in a text, in order."""
        return self._pattern.findall(text) if self._texts else []

    def hide(self, text: str) -> str:
        """The text with that of special tokens hidden. Raises InputError if it has characters of the hiding place."""
        if not self.occurrences(text):
            return text
        private = _PRIVATE.search(text)
        if private:
            raise InputError(
                f"the text {text[:40]!r} holds both the text of a special token and the private character "
                f"U+{ord(private[0]):X}; take one of them out"
            )
        return self._pattern.sub(lambda match: chr(_HIDDEN + self._places[match[0]]) * len(match[0]), text)

    def reveal(self, text: str) -> str:
        """The text as it was before hiding, whatever was written around it."""
        return self._substitute(text, {self._stand_in(_HIDDEN, name): name for name in self._texts})

    def encode(self, text: str) -> Encoding:
        """Ids and offsets: special tokens as such, hidden ones as ordinary text."""
        if not _PRIVATE.search(text):
            encoded = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
            return encoded["input_ids"], encoded["offset_mapping"]
        found = self.apart.encode(self.reveal(self._substitute(text, self.stand_ins)), add_special_tokens=False)
        return found.ids, found.offsets

    @cached_property
    def ids(self) -> frozenset[int]:
        """The ids of the special tokens."""
        vocabulary = self.tokenizer.get_vocab()
        return frozenset(vocabulary[text] for text in self._texts)

    @cached_property
    def _texts(self) -> list[str]:
        """Longest first, so that a pattern finds a token before its beginning. Pieces for bytes keep their names."""
        tokens = [str(token.content) for token in self.tokenizer.added_tokens_decoder.values() if token.special]
        return sorted((token for token in tokens if not _BYTE.match(token)), key=len, reverse=True)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self._texts)}

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile("|".join(map(re.escape, self._texts)))

    @cached_property
    def stand_ins(self) -> dict[str, str]:
        """The special tokens, longest first, with their private names."""
        return {name: self._stand_in(_NAMES, name) for name in self._texts}

    def _stand_in(self, plane: int, name: str) -> str:
        return chr(plane + self._places[name]) * len(name)

    @staticmethod
    def _substitute(text: str, names: Mapping[str, str]) -> str:
        return re.sub("|".join(map(re.escape, names)), lambda match: names[match[0]], text) if names else text

    @cached_property
    def apart(self) -> Tokenizer:
        """The tokenizer with private names for its special tokens, which text cannot mean by chance."""
        names = self.stand_ins
        whole: dict[str, Any] = json.loads(self.tokenizer.backend_tokenizer.to_str())
        for token in whole["added_tokens"]:
            token["content"] = names.get(token["content"], token["content"])
        model = whole["model"]
        vocab = model["vocab"]
        model["vocab"] = (
            {names.get(piece, piece): i for piece, i in vocab.items()}
            if isinstance(vocab, dict)
            else [[names.get(piece, piece), score] for piece, score in vocab]
        )
        if model.get("unk_token"):
            model["unk_token"] = names.get(model["unk_token"], model["unk_token"])
        whole |= {"truncation": None, "padding": None, "post_processor": None}
        try:
            return Tokenizer.from_str(json.dumps(whole))
        except Exception as error:  # tokenizers raises nothing more special
            problem = f"a special token is a piece of other tokens ({one_line(error)}); it can be none"
            raise InputError(f"{self.tokenizer.name_or_path}: {problem}") from None
