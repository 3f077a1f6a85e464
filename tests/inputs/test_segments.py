"""Segments of answers: thinking, tool calls, and the answer, by the marks of several families of templates."""

from __future__ import annotations

import pytest

from tds_atlas.inputs.segments import segments


def told(text: str, is_open: bool = False) -> list[tuple[str, str]]:
    """The segments with their texts, from a token for each character."""
    found = segments(text, [(i, i + 1) for i in range(len(text))], is_open)
    starts = sorted({begin: name for name, begin in found}.items())
    ends = [start for start, _ in starts[1:]] + [len(text)]
    return [(name, text[start:end]) for (start, name), end in zip(starts, ends, strict=True)]


FINAL = "<|end|><|start|>assistant<|channel|>final<|message|>"
CALL = "<|start|>assistant<|channel|>commentary to=functions.f <|constrain|>json<|message|>{}<|call|>"


@pytest.mark.parametrize(
    ("parts", "is_open"),
    [
        ([("answer", "On roofs.")], False),
        ([("thinking", "<think>\nHm.\n</think>\n\n"), ("answer", "On roofs.")], False),
        ([("thinking", "\nHm.\n</think>\n\n"), ("answer", "On roofs.")], True),
        ([("thinking", "Hm.</think>"), ("answer", "On <think>roofs.")], False),  # the opening was taken off
        ([("thinking", "<think>Hm, cut off")], False),
        ([("thinking", "Hm, cut off")], True),
        ([("answer", "The mark <think> opens.")], False),
        ([("thinking", "[THINK]Hm.[/THINK]"), ("answer", "On roofs."), ("tool call", "[TOOL_CALLS][{}]")], False),
        ([("thinking", f"<|channel|>analysis<|message|>Hm.{FINAL}"), ("answer", "On roofs.")], False),
        ([("thinking", "<|channel|>analysis<|message|>Hm.<|end|>"), ("tool call", CALL)], False),
        (
            [
                ("thinking", "<think>a</think>\n"),
                ("tool call", "<tool_call>{}</tool_call>\n"),
                ("thinking", "<think>b</think>"),
                ("answer", "c "),
                ("tool call", "<tool_call>{}"),
            ],
            False,
        ),
    ],
)
def test_marks_of_templates(parts: list[tuple[str, str]], is_open: bool) -> None:
    assert told("".join(text for _, text in parts), is_open) == parts


def test_tokens_without_text_and_the_end() -> None:
    text = "<think>a</think>b"
    spans = [(0, 7), (7, 7), (7, 8), (8, 16), (16, 17), (17, 17)]
    assert segments(text, spans) == [("thinking", 0)] * 4 + [("answer", 4)] * 2
    assert segments("<think>a", [(0, 7), (7, 8), (8, 8)]) == [("thinking", 0)] * 3
    assert segments("", [(0, 0)]) == [("answer", 0)] and segments("", [(0, 0)], True) == [("answer", 0)]
