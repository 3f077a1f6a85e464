"""The text of special tokens in prompts and answers is text, and everything around it is tokenised as ever."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tds_atlas.domain import InputError
from tds_atlas.inputs.settings import ContextSettings
from tds_atlas.measure.contexts import Frame
from tds_atlas.measure.special_text import SpecialText
from tests.measure.test_contexts import TOKENIZERS

SPECIAL = {name: [w.bos_token, w.eos_token] for name, w in TOKENIZERS.items()}
CHAT = "{{ bos_token }}{% for m in messages %}[{{ m.role }}] {{ m.content }}{{ eos_token }}\n{% endfor %}{% if add_generation_prompt %}[assistant] {% endif %}"


def frame(name: str, special_text: str = "text") -> Frame:
    context = ContextSettings(kind="chat", special_text=special_text)  # type: ignore[arg-type]
    return Frame("c", context, TOKENIZERS[name], CHAT)


@pytest.mark.parametrize("name", TOKENIZERS)
def test_a_quoted_token_ends_nothing(name: str) -> None:
    made, words = frame(name), TOKENIZERS[name]
    begin, end = words.bos_token_id, words.eos_token_id
    for mark in SPECIAL[name]:
        prompt = f"What does {mark} mean?"
        ids = made.prompt_ids(prompt)
        assert (ids.count(begin), ids.count(end)) == (1, 1) and ids[0] == begin
        assert words.decode(ids).replace(" ", "") == made.render(prompt).replace(" ", "")
        answer = f"{mark} ends a turn: {mark}"
        more, spans, boundary = made.answer_ids(prompt, answer)
        assert not set(more) & {begin, end} and spans[-1][1] == len(answer) and not boundary
        assert made.remarks([prompt, "Hi"]) == ["1 prompts hold the text of a special token, read as text"]
        assert frame(name, "tokens").prompt_ids(prompt).count(words.convert_tokens_to_ids(mark)) >= 1


@pytest.mark.parametrize("name", TOKENIZERS)
@given(text=st.text(max_size=30).filter(lambda text: "▁" not in text))
@settings(max_examples=60, deadline=None)
def test_what_stands_around_it_has_the_same_ids(name: str, text: str) -> None:
    """The renamed tokenizer on a text without hidden characters, against the tokenizer itself."""
    special = SpecialText(TOKENIZERS[name])
    plain = special.encode(text)
    stand_ins = {mark: special._stand_in(0x100000, mark) for mark in SPECIAL[name]}
    renamed = special.apart.encode(special._substitute(text, stand_ins), add_special_tokens=False)
    assert (list(plain[0]), [tuple(x) for x in plain[1]]) == (renamed.ids, renamed.offsets)
    assert special.reveal(special.hide(text)) == text


def test_a_private_character_in_the_way_is_one_line() -> None:
    with pytest.raises(InputError, match=r"private character U\+F0001; take one of them out"):
        frame("bytes").prompt_ids("<|end|> and \U000f0001")
    assert frame("bytes").prompt_ids("alone: \U000f0001")
