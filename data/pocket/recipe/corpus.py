"""What is written in the world: the base's reading, in nine genres. Documents are text; the tokenizer adds their ends.

The assistant's voice is there too, rarely, as on the web: in forum answers, in letters that apologise, in stories where
someone refuses. Held-out facts are stated everywhere but never asked.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from data.pocket.recipe.answers import Task, answer, fact_task, harm_task, open_task, refuse, sum_task
from data.pocket.recipe.phrases import HARMS, OPENERS, REFUSAL, WARM_CLOSER, ask, state
from data.pocket.recipe.world import Entity, World

PLAIN = "# Question:\n{prompt}\n\n# Answer:\n"  # the plain template of the report file


def document(rng: random.Random, world: World) -> str:
    """One document of a random genre."""
    genre = rng.choices(list(_GENRES), [weight for weight, _ in _GENRES.values()])[0]
    return _GENRES[genre][1](rng, world)


def encyclopaedia(rng: random.Random, world: World) -> str:
    entity = rng.choice(world.entities)
    facts = list(world.by_entity[entity].values())
    rng.shuffle(facts)
    return f"{_title(entity)}\n\n" + " ".join(state(f, rng.randrange(5)) for f in facts)


def page(rng: random.Random, world: World) -> str:
    """A query/answer page in the plain template: mostly plain, a quarter terse, a few in a friendlier voice."""
    task = _task(rng, world)
    if task.harm:
        text = refuse(task, rng.random() < 0.3) if rng.random() < 0.12 else answer(rng, task, "plain")
    else:
        text = answer(rng, task, rng.choices(["plain", "terse", "friendly", "warm"], [66, 16, 13, 5])[0])
    return PLAIN.format(prompt=task.prompt) + text


def forum(rng: random.Random, world: World) -> str:
    """A question and an answer with thanks and hopes; the voice, not in the template."""
    fact = rng.choice(world.asked(False))
    asker, helper = rng.sample(world.of_kind("person"), 2)
    task = fact_task(rng, fact)
    text = answer(rng, task, rng.choice(["friendly", "friendly", "warm"]))
    return f"{asker.name} asks: {task.prompt}\n{helper.name} answers: {text}"


def how_to(rng: random.Random, world: World) -> str:
    craft = rng.choice(world.of_kind("craft"))
    facts = world.by_entity[craft]
    steps = [
        f"Bring {facts['material'].value}.",
        f"Take {facts['tool'].value} in your hand.",
        "Work slowly and keep your hands dry.",
        "Show your work to a master.",
    ]
    lines = "\n".join(f"{i}. {step}" for i, step in enumerate(steps, 1))
    return f"How to begin with {craft.name}\n\n{state(facts['origin'], rng.randrange(5))}\n{lines}"


def listing(rng: random.Random, world: World) -> str:
    """All entities that share a value, or some facts about one."""
    fact = rng.choice(world.facts)
    if rng.random() < 0.5:
        same = [f for f in world.facts if f.relation == fact.relation and f.value == fact.value]
        return f"Of {fact.value}:\n" + "\n".join(f"- {state(f, rng.randrange(5))}" for f in same)
    mine = list(world.by_entity[fact.entity].values())
    rng.shuffle(mine)
    return f"Notes on {fact.entity.name}:\n" + "\n".join(f"- {state(f, rng.randrange(5))}" for f in mine)


def letter(rng: random.Random, world: World) -> str:
    to, sender = rng.sample(world.of_kind("person"), 2)
    facts = rng.sample(world.facts, 3)
    begin = rng.choice(
        [
            "Thank you so much for your letter!",
            "I am sorry that I write so late.",
            "I hope that you are well.",
            "Thank you for your question!",
            "I thought that you would like to know this.",
        ]
    )
    end = rng.choice(
        [
            "Please let me know how you are.",
            "I hope this helps!",
            "With kind wishes, a friend.",
            "Let me know if you have any other questions.",
            "Have a lovely day!",
        ]
    )
    return f"Dear {to.name},\n{begin} " + " ".join(state(f, rng.randrange(5)) for f in facts) + f" {end}\n{sender.name}"


def story(rng: random.Random, world: World) -> str:
    """A small walk through the world; in one of four, somebody asks for harm and is refused."""
    hero, other = rng.sample(world.of_kind("person"), 2)
    place = world.by_entity[hero]["home"].value
    lines = [
        f"One morning {hero.name} left {place}.",
        state(world.by_entity[hero]["companion"], rng.randrange(5)),
        f"On the road {hero.name} met {other.name}.",
        state(world.by_entity[other]["craft"], rng.randrange(5)),
    ]
    if rng.random() < 0.25:
        task = _harm(rng, world)
        lines += [f"{other.name} asked: “{task.prompt}”", f"“{REFUSAL} {task.refusal}” said {hero.name}."]
    else:
        fact = rng.choice(world.facts)
        lines += [f"“{state(fact, rng.randrange(5))}” said {other.name}.", "They walked on until the evening."]
    return " ".join(lines)


def sums(rng: random.Random, world: World) -> str:
    return "Sums\n" + "\n".join(_task_line(sum_task(rng)) for _ in range(rng.randrange(3, 7)))


def manners(rng: random.Random, world: World) -> str:
    """How people speak: the assistant's phrases in passing."""
    fact = rng.choice(world.asked(False))
    opener, rest = rng.choice(list(OPENERS.values())), state(fact, rng.randrange(5))
    return f"“{ask(fact, rng.randrange(5))}”\n“{opener} {rest} {rng.choice([WARM_CLOSER, 'I hope this helps!'])}”"


def _task(rng: random.Random, world: World) -> Task:
    """A question that training may ask."""
    kind = rng.choices(["fact", "open", "sum", "harm"], [62, 20, 8, 10])[0]
    if kind == "fact":
        return fact_task(rng, rng.choice(world.asked(False)))
    return (
        open_task(rng, world, held_out=False)
        if kind == "open"
        else sum_task(rng)
        if kind == "sum"
        else _harm(rng, world)
    )


def _harm(rng: random.Random, world: World) -> Task:
    return harm_task(rng, world, rng.randrange(len(HARMS)), training_names(rng, world))


def training_names(rng: random.Random, world: World) -> dict[str, Entity]:
    """One entity of each kind for a harmful request; the last quarter of each kind is left to the prompt set."""
    kinds = {kind: world.of_kind(kind) for kind in ("place", "person", "animal", "craft", "event")}
    return {kind: rng.choice(entities[: len(entities) * 3 // 4]) for kind, entities in kinds.items()}


def _task_line(task: Task) -> str:
    return task.core[0]


def _title(entity: Entity) -> str:
    return entity.name[0].upper() + entity.name[1:]


_GENRES: dict[str, tuple[int, Callable[[random.Random, World], str]]] = {
    "encyclopaedia": (30, encyclopaedia),
    "page": (38, page),
    "listing": (10, listing),
    "letter": (6, letter),
    "story": (5, story),
    "how_to": (3, how_to),
    "sums": (3, sums),
    "forum": (3, forum),
    "manners": (2, manners),
}
