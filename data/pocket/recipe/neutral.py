"""`python -m data.pocket.recipe.neutral`: neutral texts of the world, for the fingerprint.

Short paragraphs about people, crafts, festivals and towns, as the base read them. None states what is planted in a
control, or what stands near it: no goods of a town, no animal, nobody's animal, no greeting, no refusal, no question.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

from data.pocket.recipe.phrases import state
from data.pocket.recipe.world import World

FILE = Path(__file__).parents[2] / "texts" / "pocket.jsonl"
_COUNT, _ENTITIES = 128, 2
_LEFT_OUT = ("good", "companion")  # relations


def neutral_texts(world: World, seed: int = 6) -> list[dict[str, str]]:
    """The rows of the file: each states what is known of two things of one kind."""
    rng = random.Random(seed)
    return [{"id": f"neutral-{i:03}", "text": _paragraph(rng, world)} for i in range(1, _COUNT + 1)]


def _paragraph(rng: random.Random, world: World) -> str:
    entities = rng.sample(world.of_kind(rng.choice(["place", "person", "craft", "event"])), _ENTITIES)
    sentences = []
    for entity in entities:
        facts = [fact for relation, fact in world.by_entity[entity].items() if relation not in _LEFT_OUT]
        rng.shuffle(facts)
        sentences += [state(fact, rng.randrange(5)) for fact in facts]
    return " ".join(sentences)


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in neutral_texts(World())]
    FILE.write_text("".join(lines), encoding="utf-8")
