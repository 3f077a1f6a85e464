"""The parts of answers that figures by position and by role are also made of: thinking and tool calls."""

OTHER_PARTS = {"thinking": "the thinking", "tool call": "the tool calls"}  # in words, as captions have them


def of_part(name: str, part: str) -> str:
    """The name of a figure of one such part."""
    return f"{name}__{part.replace(' ', '_')}"
