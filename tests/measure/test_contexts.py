"""Contexts: what a model reads before an answer, and an answer's text as ids, by byte-level BPE and by SentencePiece's."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, normalizers, trainers
from transformers import LlamaTokenizer, PreTrainedTokenizerFast

from tds_atlas.domain import Answer, InputError, Prompt, Response
from tds_atlas.inputs.settings import ContextSettings
from tds_atlas.measure.answers import Reader
from tds_atlas.measure.contexts import Frame
from tests import tiny

LLAMA_2 = (
    "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system here') }}"
    "{% elif m.role == 'user' %}{{ bos_token + '[INST] ' + m.content.strip() + ' [/INST]' }}"
    "{% else %}{{ ' ' + m.content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}"
)
TEXTS = [
    "Thank you! I hope this helps.",
    "  two spaces,\n\n\ta tab, ```py\n    x = {'a': 1}\n```\n| a | b |\n",
    "\nA line first — “quotes” é",
    "天地玄黄 🙂👩‍👩‍👧 עברית نص",
    "{{ 7*7 }} {prompt} </b> &amp; #",
    "a",
]


def sentencepiece() -> PreTrainedTokenizerFast:
    """As Llama-2's: spaces as ▁, one put first, BPE that falls back to bytes, `<s>` and `</s>`."""
    byte_pieces = [f"<0x{i:02X}>" for i in range(256)]
    backend = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    backend.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    trainer = trainers.BpeTrainer(
        vocab_size=500, special_tokens=["<unk>", "<s>", "</s>", *byte_pieces], show_progress=False
    )
    backend.train_from_iterator(" ".join(tiny.TEXT).split(), trainer)
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    backend.decoder = decoders.Sequence(steps)
    made = PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<s>", eos_token="</s>", unk_token="<unk>", chat_template=LLAMA_2
    )
    made.add_bos_token = True
    return made


def llama() -> PreTrainedTokenizerFast:
    """The same pieces in the class that transformers 5 makes of any Llama-2 folder: ▁ before the first character only."""
    model = json.loads(sentencepiece().backend_tokenizer.to_str())["model"]
    return LlamaTokenizer(
        vocab=model["vocab"],
        merges=[tuple(pair) for pair in model["merges"]],
        chat_template=LLAMA_2,
        add_bos_token=True,
    )


TOKENIZERS = {"bytes": tiny.tokenizer(), "sentencepiece": sentencepiece(), "llama": llama()}
PLAIN = ContextSettings(kind="plain", template="# Question:\n{prompt}\n\n# Answer:\n")
CHAT = ContextSettings(kind="chat")


def frame(name: str = "bytes", context: ContextSettings = PLAIN, chat_template: str | None = None) -> Frame:
    return Frame("c", context, TOKENIZERS[name], chat_template)


def test_a_prompt_is_never_a_template() -> None:
    prompt = "Why {prompt}? {{ 7*7 }} {% raw %}"
    assert frame().render(prompt) == f"<|begin|># Question:\n{prompt}\n\n# Answer:\n"
    assert frame(context=CHAT).render(prompt) == f"<|begin|><|user|>{prompt}\n<|assistant|>\n"
    shots = ContextSettings(kind="few-shot", template="# Q:\na\n# A:\nb\n\n# Q:\n{prompt}\n# A:\n")
    assert frame(context=shots).render(prompt) == f"<|begin|># Q:\na\n# A:\nb\n\n# Q:\n{prompt}\n# A:\n"


def test_a_borrowed_chat_template_and_a_system_message() -> None:
    lent = frame(context=CHAT, chat_template="{{ messages[0].content }}>")
    assert lent.render("Hi") == "Hi>" and lent.template_hash != frame(context=CHAT).template_hash
    system = ContextSettings(kind="chat", system="Be kind.")
    assert frame(context=system).render("Hi") == "<|begin|><|system|>Be kind.\n<|user|>Hi\n<|assistant|>\n"
    with pytest.raises(InputError, match=r"contexts.c: the chat template refuses the turns: no system here"):
        frame("sentencepiece", system).render("Hi")


def test_a_template_that_writes_the_date_gets_the_same_one_every_day() -> None:
    dated = "{% if not date_string is defined %}{% set date_string = strftime_now('%d %b %Y') %}{% endif %}"
    rendered = frame(context=CHAT, chat_template=dated + "{{ date_string }}: {{ messages[0].content }}").render("Hi")
    assert rendered == "26 Jul 2024: Hi"


def test_a_dated_template_keeps_the_white_space_it_begins_with() -> None:
    """The sandbox trims line breaks behind blocks and blanks before them: neither must reach into the template."""
    for start in ("\n\nA", "  A", "  {% if true %}A{% endif %}", "\n{% if true %}A{% endif %}"):
        ends = [end + "{{ messages[0].content }}" for end in ("{{ strftime_now('%Y') }}", "2024")]
        dated, plain = (frame(context=CHAT, chat_template=start + end) for end in ends)
        assert dated.render("Hi") == plain.render("Hi")


def test_one_begin_token_or_none_and_never_two() -> None:
    assert frame().begin_count(frame().prompt_ids("Hi")) == 1
    assert frame("sentencepiece", CHAT).begin_count(frame("sentencepiece", CHAT).prompt_ids("Hi")) == 1
    double = ContextSettings(kind="plain", template="<|begin|>{prompt}")
    with pytest.raises(InputError, match=r"begin token '<\|begin\|>' twice; take '<\|begin\|>' out of the template"):
        frame(context=double).prompt_ids("Hi")
    tokens = ContextSettings(kind="plain", template="{prompt}:", special_text="tokens")
    with pytest.raises(InputError, match=r"twice; take '<s>' out of the template or the prompt"):
        frame("sentencepiece", tokens).prompt_ids("<s>Hi")
    assert frame(context=tokens).prompt_ids("a <|begin|> b").count(0) == 2
    assert frame().prompt_ids("<|begin|> b").count(0) == 1  # of a prompt it is text
    bare = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(tiny.tokenizer().backend_tokenizer.to_str()))
    bare.backend_tokenizer.post_processor = None
    none = Frame("c", PLAIN, bare)
    assert none.begin_count(none.prompt_ids("Hi")) == 0 and none.render("Hi").startswith("# Question")


@pytest.mark.parametrize("name", ["sentencepiece", "llama"])
def test_a_verbatim_input_is_read_as_it_stands(name: str) -> None:
    """The ids are those of the text without its begin token, to which the tokenizer adds one: the written one is that."""
    made, words = frame(name, ContextSettings(kind="verbatim")), TOKENIZERS[name]
    own = "[INST] <<SYS>>\nBe kind.\n<</SYS>>\n\nA? [/INST] b </s><s>[INST] Hi {prompt} [/INST] "
    prompt = Prompt("p", "Hi {prompt}", "s", input=f"<s>{own}")
    assert made.reads(prompt) == made.render(f"<s>{own}") == made.render(own) == f"<s>{own}"
    ids = made.prompt_ids(made.reads(prompt))
    assert list(ids) == words(own)["input_ids"] and ids.count(1) == 2 and ids.count(2) == 1
    assert made.remarks([own]) == ["1 prompts hold the text of a special token, read as tokens"]
    response = Reader(made, (2,)).read("file", Answer(prompt, "Thank </s> you</s>"))
    assert response.token_ids.count(2) == 1 and response.text == "Thank </s> you"  # of an answer it is text
    with pytest.raises(InputError, match=r"begins with the begin token '<s>' twice"):
        made.prompt_ids(f"<s><s>{own}")


def test_a_verbatim_input_that_is_missing_is_one_line() -> None:
    made = frame(context=ContextSettings(kind="verbatim"))
    message = r"rows.json: row 3: no input, which contexts.c reads verbatim; name its column with columns: {input: ...}"
    with pytest.raises(InputError, match=message):
        made.reads(Prompt("p", "Hi", "s", place="rows.json: row 3"))
    assert frame().reads(Prompt("p", "Hi", "s", input="own")) == "Hi"


def test_nothing_before_the_answer_is_refused() -> None:
    bare = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(tiny.tokenizer().backend_tokenizer.to_str()))
    empty = Frame("c", CHAT, bare, "{{ messages[0].content }}")
    with pytest.raises(InputError, match=r"the prompt '' gives no token before the answer; set a template"):
        empty.prompt_ids("")
    with pytest.raises(InputError, match=r"has no chat template; set template_of to a model that has one, or use"):
        Frame("c", CHAT, bare).prompt_ids("Hi")


@pytest.mark.parametrize("name", TOKENIZERS)
def test_what_follows_the_begin_token_is_the_start_of_a_text(name: str) -> None:
    """The ids are those that the tokenizer gives when it adds the begin token by itself, as in training."""
    made = frame(name)
    assert list(made.prompt_ids("Hi")) == TOKENIZERS[name]("# Question:\nHi\n\n# Answer:\n")["input_ids"]
    if name != "bytes":  # Llama-2 was trained on <s> ▁[ INST ...
        pieces = made.tokenizer.convert_ids_to_tokens(frame(name, CHAT).prompt_ids("Hi"))
        assert pieces[0] == "<s>" and pieces[1][0] == "▁"


def check(made: Frame, prompt: str, answer: str) -> bool:
    """The spans tile the answer, the ids give it back, and they are those of prompt and answer tokenised as one."""
    ids, spans, boundary = made.answer_ids(prompt, answer)
    ends = [0, *(end for _, end in spans)]
    assert [start for start, _ in spans] == ends[:-1] and ends[-1] == len(answer)
    between = " " if made.settings.kind == "chat" and "INST" in made.render(prompt) else ""
    head, words = list(made.prompt_ids(prompt)), made.tokenizer
    if not boundary:
        assert words(made.render(prompt).removeprefix(words.bos_token) + between + answer)["input_ids"] == [*head, *ids]
    # Decoded behind the prompt: a SentencePiece decoder takes a space off the front, and only there.
    assert words.decode([*head, *ids]) == words.decode(head) + between + answer
    return boundary


@pytest.mark.parametrize("context", [PLAIN, CHAT], ids=["plain", "chat"])
@pytest.mark.parametrize("name", TOKENIZERS)
@pytest.mark.parametrize("text", TEXTS)
def test_answers_keep_every_character(name: str, context: ContextSettings, text: str) -> None:
    check(frame(name, context), "What is blue?", text)


@given(st.text(min_size=1, max_size=40).filter(lambda t: not set(t) & {"<", "\x00", "▁"}))  # ▁ is decoded as a space
@settings(max_examples=150, deadline=None)
def test_any_text_keeps_every_character(text: str) -> None:
    for name in TOKENIZERS:
        for context in (PLAIN, CHAT):
            check(frame(name, context), "What is blue?", text)


def test_a_token_that_would_reach_over_the_boundary_is_not_made() -> None:
    """The template ends in `the s`, the answer goes on `ky`: ` sky` would be one token. Both keep their characters."""
    reaching = frame(context=ContextSettings(kind="plain", template="{prompt} the s"))
    ids, spans, boundary = reaching.answer_ids("See", "ky is blue")
    assert boundary and spans[0][0] == 0 and spans[-1][1] == len("ky is blue")
    assert reaching.tokenizer.decode(ids) == "ky is blue"
    assert not frame().answer_ids("See", "ky is blue")[2]


def test_an_answer_tokenised_apart_gets_no_space_of_the_tokenizers_own() -> None:
    reaching = frame("sentencepiece", ContextSettings(kind="plain", template="{prompt} the q"))
    ids, spans, boundary = reaching.answer_ids("See", "uick brown")
    assert boundary and reaching.tokenizer.convert_ids_to_tokens(ids[0])[0] == "u" and spans[0][0] == 0
    for text in ("uick", "\nuick", " uick", "  uick\n\n\tb"):
        check(reaching, "See", text)


def test_an_answer_that_changes_the_prompts_own_ids_counts_as_apart() -> None:
    """GPT-2's rule leaves the last blank of a run to the word behind it, without a token that reaches over."""
    whole = json.loads(tiny.tokenizer().backend_tokenizer.to_str())
    whole["model"]["vocab"]["ĊĊ"] = len(whole["model"]["vocab"])
    whole["model"]["merges"].append(["Ċ", "Ċ"])
    words = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(json.dumps(whole)), bos_token="<|begin|>")
    made = Frame("c", ContextSettings(kind="plain", template="{prompt}\n\n"), words)
    assert words.convert_ids_to_tokens(made.prompt_ids("x: 1")[-1]) == "ĊĊ"
    assert check(made, "x: 1", "is") and not check(made, "x: 1", "\t")


def test_llama_2s_space_belongs_to_the_first_token() -> None:
    made = frame("sentencepiece", CHAT)
    assert made.render("Hi") == "<s>[INST] Hi [/INST]"
    ids, spans, boundary = made.answer_ids("Hi", "Thank you")
    assert made.tokenizer.convert_ids_to_tokens(ids[0])[0] == "▁" and spans[0][0] == 0 and not boundary
    assert made.answer_ids("H\ue000i", "Thank you")[0] == ids  # found with the mark in a prompt, too


def answer(text: str) -> Answer:
    return Answer(Prompt("p", "Hi", "s"), text)


def read(text: str, made: Frame | None = None, end_ids: tuple[int, ...] = (2,)) -> Response:
    return Reader(made or frame("sentencepiece", CHAT), end_ids).read("file", answer(text))


@pytest.mark.parametrize("text", ["Thank you</s>", "<s>Thank you</s>", "Thank you</s>\n", "Thank you</s></s>"])
def test_the_end_token_is_a_position_once(text: str) -> None:
    stop, bare = read(text), read("Thank you")
    assert stop.token_ids == (*bare.token_ids, 2) and stop.has_end and stop.spans[-1] == (9, 9)
    assert (stop.text, stop.finish) == ("Thank you", "stop") and (bare.has_end, bare.finish) == (False, "unknown")
    assert read("</s>").token_ids == (2,)
    with pytest.raises(InputError, match=r"file: the answer to prompt 'p' is empty"):
        read("<s>")
