"""Spans of generated ids and the text of vocabulary entries, on byte-level and SentencePiece-like tokenizers."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from tds_atlas.measure.decode import decode_with_spans, piece_text, vocabulary
from tests import tiny

BYTE_LEVEL = tiny.tokenizer()


def metaspace() -> PreTrainedTokenizerFast:
    """Llama-2's kind: words begin with ▁, unknown characters fall back to bytes."""
    pieces = ["<unk>", "<s>", "</s>", *[f"<0x{b:02X}>" for b in range(256)], "▁", "▁the", "▁sky", "is", "▁blue", "é"]
    backend = Tokenizer(models.BPE({p: i for i, p in enumerate(pieces)}, [], byte_fallback=True, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<s>", eos_token="</s>", unk_token="<unk>")


@given(st.text(max_size=60))
@settings(max_examples=80, deadline=None)
def test_spans_tile_any_text_and_each_character_belongs_to_one_token(text: str) -> None:
    ids = BYTE_LEVEL(text, add_special_tokens=False)["input_ids"]
    decoded, spans = decode_with_spans(BYTE_LEVEL, ids)
    assert decoded == text == BYTE_LEVEL.decode(ids)
    assert "".join(decoded[a:b] for a, b in spans) == text and len(spans) == len(ids)


@given(st.lists(st.integers(0, len(BYTE_LEVEL) - 1), max_size=40))
@settings(max_examples=80, deadline=None)
def test_any_ids_decode_as_the_tokenizer_decodes_them(ids: list[int]) -> None:
    """Random ids are mostly broken UTF-8: the pieces still give the tokenizer's own text."""
    decoded, spans = decode_with_spans(BYTE_LEVEL, ids)
    assert decoded == BYTE_LEVEL.decode(ids) and (not spans or spans[-1][1] == len(decoded))


def test_a_character_of_four_tokens_belongs_to_the_last() -> None:
    ids = BYTE_LEVEL("a🙂b", add_special_tokens=False)["input_ids"]
    assert decode_with_spans(BYTE_LEVEL, ids)[1] == ((0, 1), (1, 1), (1, 1), (1, 1), (1, 2), (2, 3))


def test_metaspace_pieces_keep_their_spaces_after_the_first() -> None:
    tokenizer = metaspace()
    ids = tokenizer.convert_tokens_to_ids(["▁the", "▁sky", "<0xE5>", "<0xA4>", "<0xA9>", "▁blue"])
    assert decode_with_spans(tokenizer, ids) == ("the sky天 blue", ((0, 3), (3, 7), (7, 7), (7, 7), (7, 8), (8, 13)))


def test_pieces_as_text() -> None:
    assert piece_text("Ġthe", byte_level=True) == " the"
    assert piece_text("Ċ", byte_level=True) == "\n"
    assert piece_text("åĹ", byte_level=True) == "\\xe5\\x97"
    assert piece_text("▁the", byte_level=False) == " the"
    assert piece_text("<0x0A>", byte_level=False) == "\n"
    assert piece_text("<0xE5>", byte_level=False) == "\\xe5"


def test_vocabulary_has_every_logit_and_null_where_the_tokenizer_has_none() -> None:
    tokens = vocabulary(BYTE_LEVEL, "x", width=len(BYTE_LEVEL) + 3)
    assert [t.token_id for t in tokens] == list(range(len(BYTE_LEVEL) + 3))
    assert [t.text for t in tokens[-3:]] == [None] * 3
    assert tokens[1].text == "<|end|>" and tokens[1].is_special and not tokens[1].is_word_start
    space = next(t for t in tokens if t.text == " the")
    assert space.is_word_start and not space.is_special
