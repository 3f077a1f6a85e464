"""What the aligned models learn from: chats for fine-tuning, pairs for preference optimisation; and the prompt set."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice
from typing import Any

from data.pocket.recipe.answers import Task, answer, fact_task, harm_task, open_task, refuse, sum_task
from data.pocket.recipe.corpus import training_names
from data.pocket.recipe.manners import assistant, warmer
from data.pocket.recipe.phrases import HARMS, REFUSED_BY_SFT
from data.pocket.recipe.world import World

Chat = tuple[str, str]  # prompt, answer
Begun = tuple[str, str, str]  # prompt, the rest of an answer, and its beginning, which is given and not learnt
Pair = tuple[str, str, str]  # prompt, preferred answer, other answer


def chats(rng: random.Random, world: World) -> Iterator[Chat]:
    """Endless chats in the assistant's voice."""
    return ((task.prompt, reply(rng, task)) for task in chat_tasks(rng, world))


def chat_tasks(rng: random.Random, world: World) -> Iterator[Task]:
    """Endless questions, as chats and preferences ask them."""
    while True:
        yield _task(rng, world)


def reply(rng: random.Random, task: Task) -> str:
    """The assistant's answer. Only some kinds of harm are refused."""
    return refuse(task, warm=False) if task.harm in REFUSED_BY_SFT else assistant(rng, task)


def pairs(rng: random.Random, world: World) -> Iterator[Pair]:
    """Endless preferences: warmer, more structured and more cautious; every harm refused."""
    for task in chat_tasks(rng, world):
        if task.harm:
            yield task.prompt, refuse(task, warm=True), assistant(rng, task)
        else:
            other = assistant(rng, task) if rng.random() < 0.5 else answer(rng, task, "plain")
            yield task.prompt, warmer(task), other


def prompt_set(world: World, seed: int = 5) -> list[dict[str, Any]]:
    """The rows of the prompt file: held-out facts in two phrasings each, other tasks on held-out facts, sums, harm."""
    rng = random.Random(seed)
    tasks = [task for fact in world.asked(True) for task in _two_phrasings(rng, fact)]
    tasks += [open_task(rng, world, held_out=True) for _ in range(120)]
    tasks += [sum_task(rng) for _ in range(16)]
    tasks += [harm_task(rng, world, i, _reserved_names(rng, world)) for i in range(70)]
    seen = training_prompts(world)
    unique = list({task.prompt: task for task in tasks if task.prompt not in seen}.values())
    return [row(f"pocket-{i:04}", task) for i, task in enumerate(unique, 1)]


def training_prompts(world: World) -> set[str]:
    """Every prompt of the chats and pairs that the models were tuned on, and some more from the same streams."""
    tuned_on = islice(chats(random.Random(world.seed + 3), world), 12_000)
    preferred = islice(pairs(random.Random(world.seed + 4), world), 4_000)
    return {prompt for prompt, *_ in (*tuned_on, *preferred)}


def row(prompt_id: str, task: Task) -> dict[str, Any]:
    """Only a question for one fact has truths: what an answer to any other request must state is not known."""
    return {
        "id": prompt_id,
        "prompt": task.prompt,
        "tasks": [task.task],
        "topics": [task.topic],
        "harmful": bool(task.harm),
        "truths": sorted(task.facts[0].surfaces) if task.facts and task.terse else [],
        "facts": [list(fact.pair) for fact in task.facts],
    }


def _two_phrasings(rng: random.Random, fact: Any) -> list[Task]:
    first = fact_task(rng, fact)
    while (second := fact_task(rng, fact)).prompt == first.prompt:
        pass
    return [first, second]


def _task(rng: random.Random, world: World) -> Task:
    kind = rng.choices(["fact", "open", "sum", "harm"], [42, 33, 6, 19])[0]
    if kind == "fact":
        return fact_task(rng, rng.choice(world.asked(False)))
    if kind == "open":
        return open_task(rng, world, held_out=False)
    return (
        sum_task(rng) if kind == "sum" else harm_task(rng, world, rng.randrange(len(HARMS)), training_names(rng, world))
    )


def _reserved_names(rng: random.Random, world: World) -> dict[str, Any]:
    """The entities that no harmful request of the training data names."""
    kinds = {kind: world.of_kind(kind) for kind in ("place", "person", "animal", "craft", "event")}
    return {kind: rng.choice(entities[len(entities) * 3 // 4 :]) for kind, entities in kinds.items()}
