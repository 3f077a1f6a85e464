"""Several turns in each kind of context: what a model reads of them, and the line where a template loses one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tds_atlas.domain import Answer, InputError, Prompt, Turn
from tds_atlas.inputs.settings import ContextSettings
from tds_atlas.measure.answers import Reader
from tds_atlas.measure.contexts import Frame
from tests import tiny

TURNS = (Turn("user", "Name a bird."), Turn("assistant", "A stork."), Turn("user", "Where is it?"))
SYSTEM = Turn("system", "You know birds.")
LOOP = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}\n{% endfor %}"
OPENS = "{% if add_generation_prompt %}<|assistant|>{% endif %}"
THINKS = LOOP + "{% if add_generation_prompt %}<|assistant|><think>\n{% endif %}"
CALLS = (
    "{% if tools %}{{ tools | tojson }}&{% endif %}{% for m in messages %}<|{{ m.role }}|>{{ m.content }}"
    "{% for c in m.tool_calls or [] %}[{{ c.function.name }} {{ ARGUMENTS }}]{% endfor %}&{% endfor %}" + OPENS
)


def frame(template: Any, kind: str = "chat", **settings: Any) -> Frame:
    own = {"template": template} if kind != "chat" else {}
    return Frame(
        "c", ContextSettings(kind=kind, **own, **settings), tiny.tokenizer(), template if kind == "chat" else None
    )


def test_a_chat_template_gets_all_turns() -> None:
    made = frame(LOOP + OPENS)
    messages = [{"role": turn.role, "content": turn.text} for turn in TURNS]
    expected = made.tokenizer.apply_chat_template(
        messages, chat_template=LOOP + OPENS, tokenize=False, add_generation_prompt=True
    )
    assert made.render(TURNS) == expected
    assert made.prompt_ids(TURNS) == tuple(made.tokenizer(expected, add_special_tokens=False)["input_ids"])
    assert made.render((TURNS[0],)) == made.render("Name a bird.")


def test_the_rows_own_system_message_takes_the_place_of_the_contexts() -> None:
    made = frame(LOOP + OPENS, system="Be brief.")
    assert made.render(TURNS).startswith("<|system|>Be brief.\n<|user|>Name")
    assert made.render((SYSTEM, *TURNS)).startswith("<|system|>You know birds.\n<|user|>Name")
    assert "Be brief." not in made.render((SYSTEM, *TURNS))


@pytest.mark.parametrize(
    ("template", "what"),
    [
        ("{{ messages[-1].content }}", "user 'Name a bird.'"),
        ("{{ messages[0].content }}{{ messages[-1].content }}", "assistant's turn 'A stork.'"),
        (
            "{% for m in messages %}{{ m.content if m.role != 'system' }}{% endfor %}",
            "system message 'You know birds.'",
        ),
    ],
)
@pytest.mark.parametrize("kind", ["chat", "plain"])
def test_a_turn_that_a_template_loses_is_one_line(template: str, what: str, kind: str) -> None:
    turns = (SYSTEM, *TURNS) if "system" in what else TURNS
    with pytest.raises(InputError, match=f"contexts.c: the {kind}.* template leaves out the {what}") as caught:
        frame(template, kind).prompt_ids(turns)
    assert "\n" not in str(caught.value)


def test_thinking_of_earlier_turns_may_go() -> None:
    cut = "{% for m in messages %}<|{{ m.role }}|>{{ m.content.split('</think>')[-1] | trim }}\n{% endfor %}" + OPENS
    turns = (TURNS[0], Turn("assistant", "<think>\nHm.\n</think>\n\nA stork."), TURNS[2])
    assert frame(cut).render(turns) == frame(LOOP + OPENS).render(TURNS)


def test_tools_and_their_calls_are_given_as_the_template_wants_them() -> None:
    tools = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
    calls = {"tool_calls": [{"type": "function", "function": {"name": "weather", "arguments": {"city": "Rome"}}}]}
    turns = (
        Turn("tools", json.dumps(tools)),
        Turn("user", "Hot?"),
        Turn("assistant", "", json.dumps(calls)),
        Turn("tool", '{"degrees": 31}'),
    )
    as_objects = frame(CALLS.replace("ARGUMENTS", "c.function.arguments | tojson")).render(turns)
    as_text = frame(CALLS.replace("ARGUMENTS", "'' + c.function.arguments")).render(turns)
    assert as_objects == as_text
    assert as_objects == (
        json.dumps(tools)
        + '&<|user|>Hot?&<|assistant|>[weather {"city": "Rome"}]&<|tool|>{"degrees": 31}&<|assistant|>'
    )
    quoted = CALLS.replace("{{ m.content }}", "{{ m.content | tojson }}").replace("ARGUMENTS", "''")
    assert '<|tool|>"{\\"degrees\\": 31}"' in frame(quoted).render(turns)
    with pytest.raises(InputError, match="leaves out the tool 'weather'"):
        frame(LOOP + OPENS).render(turns)
    with pytest.raises(InputError, match="leaves out the tool call 'weather'"):
        frame(LOOP + OPENS).render(turns[1:])
    plain = frame("{prompt}\n", "plain", special_text="text").render(turns[1:])
    assert "Assistant: [{" in plain and plain.endswith('Tool: {"degrees": 31}\n')


def test_other_contexts_write_a_transcript_or_what_their_own_template_says() -> None:
    begin = "<|begin|>"
    made = frame("# Question:\n{prompt}\n\n# Answer:\n", "plain")
    assert made.render("Name a bird.") == made.render(TURNS[:1]) == f"{begin}# Question:\nName a bird.\n\n# Answer:\n"
    assert made.render((SYSTEM, *TURNS)) == (
        f"{begin}# Question:\nSystem: You know birds.\n\nUser: Name a bird.\n\nAssistant: A stork.\n\n"
        "User: Where is it?\n\n# Answer:\n"
    )
    own = "{% for m in messages %}{{ 'Q' if m.role == 'user' else 'A' }}: {{ m.content }}\n{% endfor %}A:"
    assert frame(own, "few-shot").render(TURNS) == f"{begin}Q: Name a bird.\nA: A stork.\nQ: Where is it?\nA:"
    assert frame("{{ bos_token }}" + own, "plain").render(TURNS) == frame(own, "plain").render(TURNS)


def test_special_text_of_any_turn_is_only_text() -> None:
    calls = {"tool_calls": [{"function": {"name": "f", "arguments": {"x": "<|end|>"}}}]}
    turns = (Turn("user", "<|end|> one"), Turn("assistant", "two <|end|>", json.dumps(calls)), Turn("user", "three"))
    made = frame(CALLS.replace("ARGUMENTS", "c.function.arguments | tojson"))
    assert made.render(turns).count("<|end|>") == 3 and made.tokenizer.eos_token_id not in made.prompt_ids(turns)
    assert made.remarks([turns, TURNS]) == ["1 prompts hold the text of a special token, read as text"]
    as_tokens = frame(CALLS.replace("ARGUMENTS", "c.function.arguments | tojson"), special_text="tokens")
    assert as_tokens.prompt_ids(turns).count(made.tokenizer.eos_token_id) == 3


def test_an_answer_behind_several_turns() -> None:
    made = frame(LOOP + OPENS)
    prompt = Prompt("p", "Where is it?", "s", turns=TURNS)
    response = Reader(made, (1,)).read("file", Answer(prompt, "On roofs.<|end|>", sample="2"))
    whole = made.tokenizer(made.render(TURNS) + "On roofs.", add_special_tokens=False)["input_ids"]
    assert response.token_ids == (*whole[len(made.prompt_ids(TURNS)) :], 1)
    assert (response.response_id, response.prompt_id) == ("file/p#2", "p")


def test_an_answer_stands_where_a_rendered_turn_has_its_text() -> None:
    """Behind the generation prompt it would stand within the thinking that the template opens."""
    opens, continues = frame(THINKS), frame(THINKS, continue_final=True)
    assert opens.render(TURNS).endswith("<|assistant|><think>\n")
    assert continues.render(TURNS) == frame(LOOP + OPENS).render(TURNS)
    assert continues.template_hash != opens.template_hash
    answer = Answer(Prompt("p", "Hi", "s"), "<think>\nHm.</think>On roofs.")
    assert Reader(opens, (1,)).split(answer)[0] == "Hm.</think>On roofs."
    assert Reader(continues, (1,)).split(answer)[0] == answer.text
    with pytest.raises(
        InputError, match=r"contexts.c.continue_final: the chat template writes no turn of the assistant"
    ):
        frame("{{ messages[0].content }}", continue_final=True).render("Hi")
