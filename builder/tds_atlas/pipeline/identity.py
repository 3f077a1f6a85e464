"""What of a report's rows and contexts decides numbers: what names the shards that hold them."""

from __future__ import annotations

from typing import Any

from tds_atlas.domain import Answer, Prompt
from tds_atlas.inputs.settings import ContextSettings


def of_context(context: ContextSettings) -> dict[str, Any]:
    """Its settings."""
    return context.model_dump() | ({"continue_final": True} if context.continue_final else {})


def of_prompt(prompt: Prompt) -> tuple[Any, ...]:
    """Its id, its text, all its turns, and its own input where one is read."""
    turns = [(turn.role, turn.text, turn.more) for turn in prompt.turns]
    return (prompt.prompt_id, prompt.text, *filter(None, [turns, prompt.input]))


def of_answer(answer: Answer) -> tuple[Any, ...]:
    """Of an answer of a file: its prompt, its text, its name among several, its thinking, its ids."""
    more = [answer.sample, answer.thinking, answer.ids_before, answer.token_ids]
    return (*of_prompt(answer.prompt), answer.text, *filter(None, more))
