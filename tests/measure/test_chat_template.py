"""Chat templates: all of a prompt reaches the model, or one line says that it does not."""

from __future__ import annotations

from typing import Any

import pytest

from tds_atlas.domain import Answer, InputError, Prompt
from tds_atlas.inputs.settings import ContextSettings
from tds_atlas.measure import time_limit
from tds_atlas.measure.answers import Reader
from tds_atlas.measure.contexts import Frame
from tests import tiny

TURN = "<|{{ m.role }}|>{{ m.content }}<|end|>\n"
LOOP = "{% for m in messages %}" + TURN + "{% endfor %}"
OPENS = "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
PARTS = LOOP.replace("{{ m.content }}", "{% for p in m.content %}{{ p.text }}{% endfor %}") + OPENS
THINKS = LOOP + "{% if add_generation_prompt %}<|assistant|>\n<think>\n{% endif %}"
SWITCH = LOOP + OPENS[: -len("{% endif %}")] + "{% if think is false %}<think></think>{% endif %}{% endif %}"


def frame(own: Any = None, **settings: Any) -> Frame:
    return Frame("c", ContextSettings(kind="chat", **settings), tiny.tokenizer(), own)


def test_content_is_given_as_parts_where_the_template_reads_parts() -> None:
    expected = frame(LOOP + OPENS, system="Be brief.").render("Hi")
    assert (
        frame(PARTS, system="Be brief.").render("Hi")
        == expected
        == ("<|system|>Be brief.<|end|>\n<|user|>Hi<|end|>\n<|assistant|>\n")
    )


@pytest.mark.parametrize(
    ("template", "settings", "message"),
    [
        ("<|assistant|>\n", {}, r"contexts.c: the chat template leaves out the prompt 'Hi'"),
        ("{{ messages[0].content | upper }}", {}, r"leaves out the prompt 'Hi'"),
        ("{{ messages[-1].content }}", {"system": "Be brief."}, r"leaves out the system message 'Be brief.'"),
        ("{{ raise_exception('no system here') }}", {}, r"the chat template refuses the turns: no system here"),
        ("{% for m in %}", {}, r"the chat template refuses the turns"),
        ({"tool_use": LOOP}, {}, r"several chat templates, none of them called default; it has: tool_use"),
        ({"default": LOOP, "rag": LOOP}, {"template": "tools"}, r"c.template: .*'tools'; it has: default, rag"),
        (LOOP, {"template": "tools"}, r"no chat template 'tools'; it has: default"),
    ],
)
def test_a_template_that_loses_something_is_one_line(template: Any, settings: Any, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        frame(template, **settings).prompt_ids("Hi")
    assert "\n" not in str(caught.value)


def test_a_template_is_chosen_by_name_or_written_out() -> None:
    named = {"default": LOOP + OPENS, "rag": "RAG " + LOOP}
    assert frame(named).render("Hi") == frame(LOOP + OPENS).render("Hi")
    assert frame(named, template="rag").render("Hi").startswith("RAG ")
    assert frame(named, template="OWN " + LOOP).render("Hi").startswith("OWN ")
    assert len({frame(named, **s).template_hash for s in ({}, {"template": "rag"}, {"template": "OWN " + LOOP})}) == 3


def test_the_arguments_of_a_template_are_set_by_the_report() -> None:
    assert "<think></think>" in frame(SWITCH, template_kwargs={"think": False}).render("Hi")
    assert "<think>" not in frame(SWITCH).render("Hi")
    assert frame(SWITCH, template_kwargs={"think": False}).template_hash != frame(SWITCH).template_hash


def test_an_answer_follows_the_header_that_a_rendered_turn_shows() -> None:
    """Of a template without a generation prompt; others and Llama-2's, which has no header, are left as they are."""
    made = frame(LOOP.replace("|>{{", "|>\n{{"))
    assert made.render("Hi") == "<|user|>\nHi<|end|>\n<|assistant|>\n"
    assert made.remarks(["Hi"]) == [
        "the template has no generation prompt: '<|assistant|>\\n' comes from a rendered answer"
    ]
    for template in (LOOP + OPENS, tiny.CHAT, THINKS):
        assert frame(template).remarks(["Hi"]) == []


def test_a_template_that_never_ends_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_limit, "SECONDS", 0.2)
    loop = "{% for i in range(90000) %}" * 3 + "{% endfor %}" * 3
    with pytest.raises(InputError, match=r"contexts.c: the chat template has not ended after 0.2 seconds"):
        frame(LOOP + loop).render("Hi")


@pytest.mark.parametrize(
    ("writes", "fault"),
    [
        ("{{ '%2000000d' % 1 }}", r"is 2,000,0\d\d characters longer than the turns; give another$"),
        ("{{ '\\ud800' }}", "holds half a character"),
        ("{{ '\\0' }}", "holds a NUL character"),
    ],
)
def test_what_no_tokenizer_can_read_is_the_templates_fault(writes: str, fault: str) -> None:
    with pytest.raises(InputError, match=f"^contexts.c: what the chat template writes {fault}"):
        frame(writes + LOOP).render("Hi")
    assert frame(LOOP).render("Hi" * 1_000_000)  # a long prompt is not the template's doing


def test_what_the_template_wrote_is_not_said_twice() -> None:
    reader = Reader(frame(THINKS), (1,))
    answers = [Answer(Prompt("p", "Hi", "s"), text) for text in ("<think>\nSo.", "So.", "\n<think>So.", "think")]
    assert [reader.split(answer)[0] for answer in answers] == ["So.", "So.", "So.", "think"]
    assert list(reader.remarks(answers)) == [
        "2 of 4 answers begin with '<think>', which the chat template has written already: it is taken off"
    ]


def test_ends_come_from_the_model_and_its_template() -> None:
    """Id 1 is <|end|>, id 2 <|user|>: the end token of a list that a file's answers close with is the one scored."""

    def split(text: str, end_ids: tuple[int, ...] = (0, 1), template: str = LOOP + OPENS) -> tuple[str, int | None]:
        return Reader(frame(template), end_ids).split(Answer(Prompt("p", "Hi", "s"), text))

    assert split("Yes.<|end|>") == ("Yes.", 1) and split("Yes.<|begin|>") == ("Yes.", 0)
    assert split("Yes.<|end|>\n<|begin|>") == ("Yes.", 1)  # the first of two ended it
    assert split("Yes.<|end|>", (0,)) == ("Yes.", 1)  # the template closes turns with it
    assert split("Yes.<|end|>", (0,), "{{ messages[0].content }}") == ("Yes.<|end|>", None)
    assert split("Wrap it: <s>9.99</s>") == ("Wrap it: <s>9.99</s>", None)
    reader = Reader(frame(LOOP + OPENS), (1,))
    said = list(reader.remarks([Answer(Prompt("p", "Hi", "s"), text) for text in ("a</s>", "b<|end|>", "c<|user|>d")]))
    assert said == [
        "1 of 3 answers close with '</s>', which ends no answer of this model: it stays text",
        "1 of 3 answers close with the end token '<|end|>'; the others count as cut off",
        "1 of 3 answers hold the text of a special token, read as text (contexts: special_text)",
    ]
