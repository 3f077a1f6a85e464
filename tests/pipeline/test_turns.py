"""Conversations from a file to the database: what is stored, under which names, in which clusters."""

from __future__ import annotations

from tds_atlas.domain import Answer, Prompt, Turn
from tds_atlas.inputs.settings import ContextSettings
from tds_atlas.pipeline.plan import _answered, _identified, _written


def test_the_names_of_shards_of_plain_prompts_stay() -> None:
    """What decides a shard's name is what it was before there were turns."""
    plain = Prompt("a", "Hi", "s", later=("more",), conversation="x")
    assert _identified(plain) == ("a", "Hi") and _answered(Answer(plain, "Yes.")) == ("a", "Hi", "Yes.")
    assert _answered(Answer(plain, "Yes.", sample="2")) == ("a", "Hi", "Yes.", "2")
    turns = (Turn("system", "Be kind."), Turn("user", "Hi"))
    assert _identified(Prompt("a", "Hi", "s", turns=turns)) == (
        "a",
        "Hi",
        [("system", "Be kind.", ""), ("user", "Hi", "")],
    )
    settings = ContextSettings(kind="chat").model_dump()
    assert _written(ContextSettings(kind="chat")) == settings and "continue_final" not in settings
    assert _written(ContextSettings(kind="chat", continue_final=True)) == settings | {"continue_final": True}
