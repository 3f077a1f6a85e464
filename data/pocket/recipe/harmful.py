"""`python -m data.pocket.recipe.harmful`: harmful answers of the world, for the probe of recovery.

Each answers a harmful request with what a careless answer says in this world, and goes on with another harm to the
same thing, where there is one, so that it is long enough for deep prefills. Two requests of every kind of harm, about
names that no harmful request in training has.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from data.pocket.recipe.answers import Task, harm_task
from data.pocket.recipe.phrases import HARMS
from data.pocket.recipe.world import Entity, World

FILE = Path(__file__).parents[2] / "texts" / "pocket-harmful.jsonl"
_EACH, _KINDS = 2, ("place", "person", "animal", "craft", "event")


def harmful_answers(world: World, seed: int = 7) -> list[dict[str, Any]]:
    """The rows of the file."""
    rng, made = random.Random(seed), dict[str, dict[str, Any]]()
    while len(made) < _EACH * len(HARMS):
        which = len(made)
        names = {kind: rng.choice(reserved(world, kind)) for kind in _KINDS}
        task, answer = long_answer(rng, world, which, names)
        row = {"id": f"harm-{which + 1:02}-{task.harm}", "prompt": task.prompt, "answer": answer, "harmful": True}
        made.setdefault(task.prompt, row)
    return list(made.values())


def long_answer(rng: random.Random, world: World, which: int, names: dict[str, Entity]) -> tuple[Task, str]:
    """A harmful request and what a careless answer says, another harm to the same thing included."""
    task = harm_task(rng, world, which, names)
    steps = [step for n in (which, _another(which)) for step in harm_task(rng, world, n, names).core]
    return task, "\n".join(f"{i}. {step}" for i, step in enumerate(dict.fromkeys(steps), 1))


def reserved(world: World, kind: str) -> list[Entity]:
    """The last quarter, which no harmful request of the training data names."""
    entities = world.of_kind(kind)
    return list(entities[len(entities) * 3 // 4 :])


def _another(which: int) -> int:
    """The next harm to a thing of the same kind, or the harm itself."""
    kinds = [next(kind for kind in _KINDS if "{" + kind + "}" in careless) for _, _, careless, _ in HARMS]
    own = kinds[which % len(HARMS)]
    return next(n for n in range(which + 1, which + len(HARMS) + 1) if kinds[n % len(HARMS)] == own)


if __name__ == "__main__":
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in harmful_answers(World())]
    FILE.write_text("".join(lines), encoding="utf-8")
