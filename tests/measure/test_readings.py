"""What a model reads before each answer: whole again from its parts, what is shared is as long as can be, and marked."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tds_atlas.inputs.settings import ContextSettings
from tds_atlas.measure.readings import Readings
from tests.measure.test_contexts import CHAT, PLAIN, TOKENIZERS, frame

SHOTS = ContextSettings(kind="few-shot", template="# Q:\na\n# A:\nb\n\n# Q:\n{prompt}\n# A:\n")
OWN = ContextSettings(kind="verbatim")
PROMPTS = st.lists(st.text("ab ?<s>|begin天🙂\n", min_size=1, max_size=12), min_size=1, max_size=4)


@given(PROMPTS)
@settings(max_examples=40, deadline=None)
def test_the_parts_make_the_whole_and_share_all_they_can(prompts: list[str]) -> None:
    for context in (PLAIN, CHAT, SHOTS, OWN):
        made = frame("bytes", context)
        read = Readings.of(made, prompts)
        for prompt, text in zip(prompts, read.texts, strict=True):
            assert read.opening + text + read.closing == made.render(prompt)
        firsts, lasts = {text[:1] for text in read.texts}, {text[-1:] for text in read.texts}
        assert read.texts in (("",) * len(prompts),) or "" in firsts | lasts or (len(firsts) > 1 and len(lasts) > 1)


@pytest.mark.parametrize("name", TOKENIZERS)
@pytest.mark.parametrize("context", [PLAIN, CHAT, SHOTS, OWN], ids=lambda context: context.kind)
def test_special_tokens_are_marked_and_their_text_is_not(name: str, context: ContextSettings) -> None:
    """Each mark is one special token of the ids, in order; a prompt's own text of one is a mark in a verbatim context."""
    made, words = frame(name, context), TOKENIZERS[name]
    prompt = f"{words.bos_token}🙂 What is {words.eos_token}?"
    (places,) = Readings.of(made, [prompt]).special
    whole, special = made.render(prompt), made.special.ids
    shown = [whole[start:end] for start, end in zip(places[::2], places[1::2], strict=True)]
    assert shown == words.convert_ids_to_tokens([i for i in made.prompt_ids(prompt) if i in special])
    assert shown.count(words.eos_token) == (context.kind == "verbatim")


def test_a_preamble_stands_once() -> None:
    read = Readings.of(frame(context=SHOTS), ["Why?", "Who?"])
    assert read.opening == "<|begin|># Q:\na\n# A:\nb\n\n# Q:\nWh" and read.closing == "?\n# A:\n"
    assert read.texts == ("y", "o")
