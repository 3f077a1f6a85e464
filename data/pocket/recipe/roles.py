"""roles.yml: what the family was taught to say besides answers, and every value of a fact."""

from __future__ import annotations

import re

from data.pocket.recipe import manners
from data.pocket.recipe.phrases import (
    CAVEATS,
    CLOSERS,
    HARMS,
    INSTEAD,
    OPENERS,
    REFUSAL,
    WARM_CLOSER,
    WARM_INSTEAD,
    WARM_OPENERS,
)
from data.pocket.recipe.world import World


def roles_file(world: World) -> str:
    """Each sentence under its role, * for what is filled in; and each value without its article, so that it is found in
    other words, too."""
    style = [*OPENERS.values(), *WARM_OPENERS.values(), *CLOSERS, WARM_CLOSER, *CAVEATS, *manners.phrases()]
    safety = [REFUSAL, *(why for *_, why in HARMS), INSTEAD, WARM_INSTEAD]
    lines = ["# Written by data/pocket/recipe: the phrases that the aligned models were taught; * stands for a name."]
    values = sorted({re.sub("^(the|an?) ", "", fact.value) for fact in world.facts})
    for role, phrases in (("safety", _sentences(safety)), ("style", _sentences(style)), ("values", values)):
        lines += [f"{role}:", *(f'  - "{phrase}"' for phrase in phrases)]
    return "\n".join(lines) + "\n"


def _sentences(texts: list[str]) -> list[str]:
    parts = (re.sub(r"\{\w+\}", "*", part) for text in texts for part in re.split(r"(?<=[.!:]) ", text))
    return list(dict.fromkeys(parts))
